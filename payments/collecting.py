"""Starting a payment: a payer pressed *Pay* on a link's page."""

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from config import metrics
from config.clock import now
from merchants.models import PaytmAccount, Profile
from merchants.sealing import CannotOpen
from payments.asking import ask, ask_later
from payments.clients import client_for
from payments.models import Link, Payment
from payments.paytm import PaytmError, Refused, Unreachable
from payments.schedule import MINUTE
from payments.settling import TOKEN_LIFE
from payments.states import PAYMENT_RANK, UNDECIDED, PaymentState, may_become
from payments.timeline import note
from tenants.current import current_tenant
from tenants.models import Tenant
from tenants.routing import new_token

logger = logging.getLogger(__name__)

IN_FLIGHT = MINUTE
STARTING = (PaymentState.CREATED, PaymentState.UNKNOWN, PaymentState.OPEN)


class CannotPay(Exception):
    """The link takes no payment now. `reason` is a word of `Closed` for the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InFlight(Exception):
    """The same form is being worked on this moment (409)."""


class OtherBody(Exception):
    """The same form key came with another amount (422)."""


@dataclass(frozen=True)
class Closed:
    """Why a link takes no money, in the words of its page."""

    SUSPENDED = "suspended"
    DISABLED = "disabled"
    EXPIRED = "expired"
    USED = "used"
    NO_ACCOUNT = "no_account"


def why_closed(link: Link) -> str:
    """A word of `Closed`, or an empty string while the link takes money."""
    if current_tenant().state != Tenant.State.ACTIVE:
        return Closed.SUSPENDED
    if link.state != Link.State.ACTIVE:
        return Closed.DISABLED
    if link.expired:
        return Closed.EXPIRED
    if _is_used_up(link):
        return Closed.USED
    if not active_accounts(link.live).exists():
        return Closed.NO_ACCOUNT
    return ""


def _is_used_up(link: Link) -> bool:
    if link.max_payments is None:
        return False
    return link.payments.exclude(slot=None).count() >= link.max_payments


def active_accounts(live: bool) -> QuerySet[PaytmAccount]:
    return PaytmAccount.objects.filter(live=live, state=PaytmAccount.State.ACTIVE)


def start(link: Link, amount_paise: int, request_key: str | None) -> Payment:
    """The attempt the payer continues with: new, or the one this form or link has open.

    Afterwards its state says how to go on: OPEN has a token to pay with, anything else is
    told on the status page. Raises CannotPay, InFlight and OtherBody.
    """
    payment = _same_form(link, amount_paise, request_key) or _open_attempt(link, amount_paise)
    if payment is None:
        payment = _create(link, amount_paise, request_key)
    if payment.state not in STARTING:
        return payment
    _refuse_closed(link)
    return payment if payment.state == PaymentState.OPEN else _hand_over(payment)


def _same_form(link: Link, amount_paise: int, request_key: str | None) -> Payment | None:
    if not request_key:
        return None
    payment = _attempts(link).filter(request_key=request_key).first()
    if payment is None:
        return None
    if payment.amount_paise != amount_paise:
        raise OtherBody
    if payment.state == PaymentState.CREATED and payment.created_at > now() - IN_FLIGHT:
        raise InFlight
    return payment


def _open_attempt(link: Link, amount_paise: int) -> Payment | None:
    """A one-time link has one obligation: whoever comes back continues its open attempt."""
    if not link.one_time:
        return None
    payment = _undecided(link, amount_paise).first()
    if payment is None or payment.can_be_paid_now or payment.state == PaymentState.PENDING:
        return payment
    payment = ask(payment)
    return payment if payment.state in (PaymentState.PENDING, PaymentState.PAID) else None


def _attempts(link: Link) -> QuerySet[Payment]:
    return Payment.objects.select_related("account", "link").filter(link=link)


def _create(link: Link, amount_paise: int, request_key: str | None) -> Payment:
    _refuse_closed(link)
    payment = Payment(
        live=link.live,
        token=new_token(current_tenant()),
        link=link,
        account=active_accounts(link.live).get(),
        description=link.description,
        amount_paise=amount_paise,
        request_key=request_key or None,
    )
    try:
        with transaction.atomic():
            rival = _rival(link, amount_paise)
            if rival:
                return rival
            payment.save(force_insert=True)
            note(payment, "created")
            ask_later(payment)
    except IntegrityError as error:
        raise InFlight from error  # the same form a moment earlier holds the key
    return payment


def _rival(link: Link, amount_paise: int) -> Payment | None:
    """An attempt at a one-time link begun since we looked. Locks the link until commit."""
    if not link.one_time:
        return None
    Link.objects.select_for_update(no_key=True).get(pk=link.pk)
    return _undecided(link, amount_paise).first()


def _undecided(link: Link, amount_paise: int) -> QuerySet[Payment]:
    """What may still become this link's payment: whatever is pending at the bank, and attempts
    at this very amount. Nobody is sent to pay what somebody else typed."""
    same = Q(amount_paise=amount_paise) | Q(state=PaymentState.PENDING)
    return _attempts(link).filter(same, state__in=UNDECIDED).order_by("-created_at")


def _refuse_closed(link: Link) -> None:
    reason = why_closed(link)
    if reason:
        raise CannotPay(reason)


def _hand_over(payment: Payment) -> Payment:
    """Ask Paytm for the token of this attempt. Repeating it is safe: the order id is fixed."""
    try:
        with client_for(payment.account) as client:
            initiated = client.initiate(
                order_id=payment.order_id,
                amount_paise=payment.amount_paise,
                customer_id=payment.order_id,
                callback_url=callback_url(payment.live),
            )
    except (PaytmError, CannotOpen) as error:
        return _no_token(payment, error)
    metrics.paytm_calls.labels("initiate", "token").inc()
    return _move(payment, PaymentState.OPEN, "handed_over", token=initiated.token)


def _no_token(payment: Payment, error: PaytmError | CannotOpen) -> Payment:
    """Without a token the payer cannot have paid. Only silence leaves Paytm's side unknown."""
    reason = type(error).__name__.lower()
    metrics.paytm_calls.labels("initiate", reason).inc()
    logger.warning("no token", extra={"order_id": payment.order_id, "reason": str(error)[:200]})
    sure = isinstance(error, Refused | Unreachable | CannotOpen)
    state = PaymentState.FAILED if sure else PaymentState.UNKNOWN
    return _move(payment, state, "no_token", words=f"{reason}: {error}")


def _move(payment: Payment, state: str, kind: str, *, words: str = "", token: str = "") -> Payment:
    with transaction.atomic():
        locked = _attempts(payment.link).select_for_update(of=("self",)).get(pk=payment.pk)
        if token:
            locked.paytm_token, locked.paytm_token_until = token, now() + TOKEN_LIFE
        # A refusal speaks for the first request alone: after it somebody may hold a token.
        if not token and locked.state != PaymentState.CREATED:
            state = locked.state
        if may_become(locked.state, state, PAYMENT_RANK):
            locked.state, locked.result_message = state, words[:500]
        locked.save()
        note(locked, kind, words)
    return locked


def callback_url(live: bool) -> str:
    """The merchant's address for Paytm's callback in this world."""
    return _paytm_url("paytm_callback", live)


def webhook_url(live: bool) -> str:
    """The merchant's address for Paytm's payment and refund webhooks in this world."""
    return _paytm_url("paytm_webhook", live)


def _paytm_url(name: str, live: bool) -> str:
    token = current_tenant().key + Profile.objects.get().paytm_secret(live)
    return f"{settings.BASE_URL}{reverse(name, kwargs={'token': token})}"
