"""Paytm's callbacks and webhooks. Each is a hint to ask; none moves money.

Paytm's checksum covers values, not field names, so a message that verifies can still lie
(Paytm: checksum). One that fails is kept as evidence and answered 4xx; it too makes us ask.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from django.db import transaction

from config import rows
from config.metrics import messages
from merchants.sealing import CannotOpen
from payments import inbox, news
from payments.asking import ask_soon, ask_what_was_given_back
from payments.clients import credentials_of
from payments.models import Message, Payment, Refund
from payments.paytm import (
    BadMessage,
    Credentials,
    Notice,
    blank_secrets,
    read_json_order_id,
    read_order_id,
    verify_json_message,
    verify_message,
)
from payments.paytm.redaction import blank_text
from payments.refunding import ask_refund_soon
from payments.states import REFUND_MAY_LEAVE
from tenants import limits

MAX_BYTES = 64 * 1024
MAX_FIELDS = 200
HINTS = 5  # an hour and payment

Pairs = Sequence[tuple[str, str]]

LOCKED = rows.OneRow(
    Payment.objects.select_for_update(of=("self",)).select_related("account").defer("answers"),
    by="order_id",
)


@dataclass(frozen=True)
class Received:
    """What became of a message: the token of the payment it names, or why it was refused, and
    of which payment, if we know that."""

    token: str = ""
    refused: str = ""
    payment: Payment | None = None


def pairs_of(body: bytes | None) -> list[tuple[str, str]] | None:
    """A form's fields in the order sent, or None when the body is not a small UTF-8 form."""
    if body is None:
        return None
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    return None if any("\0" in part for pair in pairs for part in pair) else pairs


def take_callback(pairs: Pairs, live: bool) -> str:
    """As `news.take`, of a callback's form."""
    return news.take(*_form(pairs, live, Message.Source.CALLBACK))


def receive_form(pairs: Pairs, live: bool, source: str) -> Received:
    """Take a key-value callback or webhook for the tenant's test or live world."""
    return _receive(*_form(pairs, live, source))


def _form(
    pairs: Pairs, live: bool, source: str
) -> tuple[str | None, bool, str, str, Callable[[Credentials], Notice]]:
    raw = "\n".join(f"{name}={value}" for name, value in blank_secrets(pairs))
    return read_order_id(pairs), live, source, raw, partial(verify_message, pairs)


def receive_json(text: str, live: bool) -> Received:
    """Take a JSON webhook for the tenant's test or live world."""
    order_id, source = read_json_order_id(text), Message.Source.WEBHOOK
    return _receive(order_id, live, source, blank_text(text), partial(verify_json_message, text))


def _receive(
    order_id: str | None,
    live: bool,
    source: str,
    raw: str,
    verified: Callable[[Credentials], Notice],
) -> Received:
    token = news.take(order_id, live, source, raw, verified)
    if token:
        return Received(token)
    with transaction.atomic():
        payment = _locked(order_id, live)
        if payment is not None:
            return _judge(payment, source, raw, verified)
    messages.labels(source, "unknown_order").inc()
    return Received(refused="unknown_order")


def _locked(order_id: str | None, live: bool) -> Payment | None:
    """The payment, its row held before anything else is, as settling does: one order of locks
    for everything that speaks of a payment, and no deadlock."""
    payment = LOCKED.find(order_id) if order_id else None
    return payment if payment and payment.live == live else None


def _judge(
    payment: Payment, source: str, raw: str, verified: Callable[[Credentials], Notice]
) -> Received:
    try:
        notice = verified(credentials_of(payment.account))
    except BadMessage as error:
        return _refuse(payment, source, raw, error.reason.value)
    except CannotOpen:
        return _refuse(payment, source, raw, "our_key_is_gone")
    if notice.is_of_refund and source == Message.Source.WEBHOOK:
        source = Message.Source.REFUND_WEBHOOK
    return _accept(payment, source, raw, notice)


def _accept(payment: Payment, source: str, raw: str, notice: Notice) -> Received:
    _, is_news = inbox.keep(payment, source, raw, inbox.VERIFIED)
    if is_news or _may_ask(payment):
        ask_soon(payment)
        if notice.is_of_refund:
            _ask_about_refund(payment, notice.ref_id or "")
    return Received(payment.token)


def _ask_about_refund(payment: Payment, ref_id: str) -> None:
    """Ask about this refund of ours; if it is none, or final, what was given back of the order."""
    ours = Refund.objects.filter(payment=payment, ref_id=ref_id).first()
    if ours and ours.state in REFUND_MAY_LEAVE:
        ask_refund_soon(ours)
    else:
        ask_what_was_given_back(payment)


def _refuse(payment: Payment, source: str, raw: str, reason: str) -> Received:
    inbox.keep_refused(payment, source, raw, reason)
    if _may_ask(payment):
        ask_soon(payment)
    return Received(refused=reason, payment=payment)


def _may_ask(payment: Payment) -> bool:
    """Copies and forgeries make us ask too, but a stranger cannot make us hammer Paytm."""
    return limits.hit(f"hint:{payment.pk}", HINTS, 3600)
