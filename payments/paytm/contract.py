"""What Paytm really does where its documents disagree, or where nobody has confirmed them.

ITEMS is the list: what the documents say, in the reading that this client relies on, and how to
look. `findings` looks at every item with a `Walk`, which has begun.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from payments.paytm.errors import PaytmError
from payments.paytm.reading import Answer
from payments.paytm.walk import FAILURE, ORDER, THEIA, NotAsked, Walk, has_token, new_id

NO_TXN_ID = "2" * 35
STATUS_FIELDS = (
    *("txnId", "bankTxnId", "orderId", "txnAmount", "txnType"),
    *("gatewayName", "mid", "paymentMode", "refundAmt", "txnDate"),
)


@dataclass(frozen=True)
class Seen:
    """Paytm's code and words, and whether the documents hold; None: it was not asked."""

    code: str
    message: str
    holds: bool | None


@dataclass(frozen=True)
class Item:
    """One thing that documents disagree about or leave open."""

    name: str
    about: str
    documented: str
    look: Callable[[Walk], Seen]


@dataclass(frozen=True)
class Finding:
    """What was seen of an item. Holds no secret."""

    item: Item
    seen: Seen

    @property
    def verdict(self) -> str:
        """One of "holds", "differs", "not asked"."""
        return {True: "holds", False: "differs", None: "not asked"}[self.seen.holds]

    def as_json(self) -> dict[str, str]:
        """name, item, documented, code, message, verdict."""
        item, seen = self.item, self.seen
        about = {"name": item.name, "item": item.about, "documented": item.documented}
        return about | {"code": seen.code, "message": seen.message, "verdict": self.verdict}


def findings(walk: Walk) -> Iterator[Finding]:
    """Look at every item in turn. An item without an answer is "not asked", with the reason."""
    for item in ITEMS:
        try:
            seen = item.look(walk)
        except NotAsked as reason:
            seen = Seen("", str(reason), None)
        except PaytmError as error:
            seen = Seen("", f"no answer: {error}", None)
        yield Finding(item, seen)


# --- Looks


def see(answer: Answer, holds: bool, note: str = "") -> Seen:
    """An answer's status and message, with a note of ours."""
    status, code, message = answer.result
    words = " ".join(filter(None, (status, message)))
    return Seen(code, "; ".join(filter(None, (words, note))), holds)


def one_of(answer: Answer, *codes: str) -> Seen:
    """Holds if Paytm answered with one of these codes."""
    return see(answer, answer.result[1] in codes)


def signed(answer: Answer) -> str:
    return "signed" if answer.signed else "not signed"


def path(walk: Walk, path: str) -> Seen:
    answer = walk.initiate(new_id(), path=path)
    return see(answer, has_token(answer))


def signed_failures(walk: Walk) -> Seen:
    failures = (walk.changed, walk.with_wrong_key)
    words = [f"{answer.result[1]} {signed(answer)}" for answer in failures]
    return Seen("", ", ".join(words), not all(answer.signed for answer in failures))


def repeat(walk: Walk) -> Seen:
    same = walk.again.body.get("txnToken") == walk.opened.body.get("txnToken")
    note = "the same token" if same else "another token, or none"
    return see(walk.again, same and walk.again.result[1] == "0002", note)


def odd_order_id(walk: Walk) -> Seen:
    answer = walk.status("NOT AN ORDER ID")
    duplicate = "334" in (walk.again.result[1], walk.changed.result[1])
    note = "also for an order id used before" if duplicate else ""
    return see(answer, answer.result[1] == "334" and not duplicate, note)


def status_fields(walk: Walk) -> Seen:
    missing = [name for name in STATUS_FIELDS if not walk.paid.body.get(name)]
    more = sorted(set(walk.paid.body) - {"resultInfo", *STATUS_FIELDS})
    note = f"missing: {', '.join(missing) or 'none'}; besides: {', '.join(more) or 'none'}"
    return see(walk.paid, not missing, note)


def currency(walk: Walk) -> Seen:
    stated = [name for name in walk.paid.body if "currency" in name.lower()]
    return see(walk.paid, not stated, f"stated as {stated[0]}" if stated else "not stated")


def txn_id(walk: Walk) -> Seen:
    text = str(walk.paid.body.get("txnId", ""))
    holds = text.isascii() and text.isdigit() and len(text) <= 64
    return see(walk.paid, holds, f"{len(text)} characters: {text[:64]}")


def same_refund(walk: Walk) -> Seen:
    first = walk.registered.body.get("refundId")
    answer = walk.refund_again(walk.ref_id)
    same = bool(first) and answer.body.get("refundId") == first
    return see(answer, answer.result[0] in FAILURE, "the same refundId" if same else "")


def second_refund(walk: Walk) -> Seen:
    first = walk.registered.result[1]
    answer = walk.refund_again(new_id())
    return see(answer, answer.result[1] == "626", f"the first one: {first}")


def refund_status(walk: Walk) -> Seen:
    first = walk.registered.result[1]
    answer = walk.refund_status(walk.paid_order, walk.ref_id)
    holds = answer.result[:2] in (("PENDING", "601"), ("TXN_SUCCESS", "10"))
    return see(answer, holds, f"at first: {first}")


def not_asked(reason: str) -> Callable[[Walk], Seen]:
    """A look at what cannot be seen from here."""

    def look(walk: Walk) -> NoReturn:
        raise NotAsked(reason)

    return look


# --- The list, in the order it is walked

ITEMS = (
    Item(
        "path_theia",
        "Initiate under /theia/api/v1",
        "opens an order (Paytm's page)",
        lambda walk: path(walk, THEIA),
    ),
    Item(
        "path_order",
        "Initiate under /order",
        "opens an order too (Paytm's Python library)",
        lambda walk: path(walk, ORDER),
    ),
    Item(
        "signed_success",
        "head.signature on a success",
        "present",
        lambda walk: see(walk.opened, walk.opened.signed, signed(walk.opened)),
    ),
    Item("repeat_same", "The same order initiated again", "0002 and the same token", repeat),
    Item(
        "repeat_changed",
        "The same order with another amount",
        "2023",
        lambda walk: one_of(walk.changed, "2023"),
    ),
    Item("signed_failure", "head.signature on failures", "may be missing", signed_failures),
    Item(
        "status_unattempted",
        "Status of an order that nobody has tried to pay",
        "331 NO_RECORD_FOUND",
        lambda walk: one_of(walk.status(walk.order_id), "331"),
    ),
    Item(
        "status_never_created",
        "Status of an order that was never created",
        "331 NO_RECORD_FOUND, or 334",
        lambda walk: one_of(walk.status(new_id()), "331", "334"),
    ),
    Item(
        "wrong_key_initiate",
        "Initiate with a wrong key",
        "2005",
        lambda walk: one_of(walk.with_wrong_key, "2005"),
    ),
    Item(
        "wrong_key_status",
        "Status with a wrong key",
        "330",
        lambda walk: one_of(walk.status(walk.order_id, by=walk.impostor), "330"),
    ),
    Item(
        "unknown_mid_initiate",
        "Initiate with an unknown MID",
        "335, formerly 305",
        lambda walk: one_of(walk.initiate(new_id(), by=walk.stranger), "335", "305"),
    ),
    Item(
        "unknown_mid_status",
        "Status with an unknown MID",
        "335 (another document: 335 is an expired request)",
        lambda walk: one_of(walk.status(walk.order_id, by=walk.stranger), "335"),
    ),
    Item(
        "code_334",
        "Status of a malformed order id",
        "334 is an invalid order id (another document: a duplicate one)",
        odd_order_id,
    ),
    Item(
        "refund_unpaid",
        "Refund of an order that is not paid",
        "a plain refusal: 607, 627 or 631",
        lambda walk: one_of(walk.refund(walk.order_id, NO_TXN_ID, new_id()), "607", "627", "631"),
    ),
    Item(
        "refund_status_unknown",
        "Refund status of an unknown refId",
        "631",
        lambda walk: one_of(walk.refund_status(walk.order_id, new_id()), "631"),
    ),
    Item(
        "status_fields", "Status of a paid order: fields", ", ".join(STATUS_FIELDS), status_fields
    ),
    Item(
        "status_currency", "Status of a paid order: currency", "not stated; INR is meant", currency
    ),
    Item("txn_id", "Form of Paytm's transaction id", "digits, at most 64", txn_id),
    Item(
        "refund",
        "A first refund of ₹1.00",
        "601 PENDING",
        lambda walk: one_of(walk.refunded, "601"),
    ),
    Item(
        "refund_same_ref_id",
        "The same refund with the same refId",
        "rejected (another document: idempotent)",
        same_refund,
    ),
    Item(
        "refund_in_progress", "Another refund while the first is in progress", "626", second_refund
    ),
    Item(
        "refund_status",
        "Status of the first refund",
        "601 PENDING, or 10 TXN_SUCCESS",
        refund_status,
    ),
    Item(
        "payment_modes",
        "Names in enablePaymentMode",
        "CREDIT_CARD, DEBIT_CARD, NET_BANKING (another document: CC, DC, NB)",
        not_asked("only the payment page shows what is offered"),
    ),
    Item(
        "webhook_form",
        "Form of a payment's webhook",
        "form fields (another document: JSON)",
        not_asked("only a webhook shows it"),
    ),
    Item(
        "webhook_retries",
        "When a webhook is sent again",
        "no official document says",
        not_asked("only a webhook shows it"),
    ),
    Item(
        "settlement_rows",
        "Names in the list of settlements",
        "settlementTransactionList (another document: settlementDetailList)",
        not_asked("staging has no settlements"),
    ),
)
