"""Refunds: registered at once, debited from the merchant soon after, final a little later.

Where Paytm's pages disagree this is the reading taken: a repeat of a refId is always refused,
never carried out twice: 617 while it is pending or has failed, 629 once it has succeeded, 701
when it asks for something else. A refused first request leaves no trace, so its refId is free.
"""

import re
import secrets
import sqlite3

from simulator.protocol import Body, Call, paise, result, text
from simulator.records import Merchant, Order, Refund
from simulator.refund_messages import accept_notice, registered, status_body, success_notice
from simulator.scenarios import IN_PROGRESS, REFUNDS, Result
from simulator.store import find, get, save, select, select_where
from simulator.webhooks import enqueue

ACCEPT_MS = 1_000
FINAL_MS = 5_000
ONE_YEAR_MS = 365 * 24 * 3600 * 1000
ONE_RUPEE = 100
REF_ID = re.compile(r"[A-Za-z0-9@._-]{1,50}")

REGISTERED = Result(
    "PENDING", "601", "Refund request was raised for this transaction. But it is pending state"
)
BAD_CHECKSUM = Result("TXN_FAILURE", "330", "Invalid checksum")
BAD_MID = Result("TXN_FAILURE", "335", "Mid is invalid")
INVALID = Result("TXN_FAILURE", "600", "Invalid refund request or restricted by bank")
NOT_PAID = Result("TXN_FAILURE", "607", "Refund can not be initiated for a cancelled transaction")
ALREADY_RAISED = Result("TXN_FAILURE", "617", "Refund Already Raised")
BAD_AMOUNT = Result("TXN_FAILURE", "619", "Invalid refund amount")
DIFFERS = Result("TXN_FAILURE", "627", "Order Details Mismatch")
ALREADY_DONE = Result("TXN_FAILURE", "629", "Refund is already Successful")
NO_RECORD = Result("TXN_FAILURE", "631", "Record not found")
TOO_SMALL = Result("TXN_FAILURE", "635", "Partial refund under Rupee 1 is not allowed")
REF_ID_USED = Result("TXN_FAILURE", "701", "A refund with the same refId exists")


def apply(db: sqlite3.Connection, call: Call, scenario: str, now: int) -> tuple[Body, str | None]:
    """Register a refund, or say why not. The key is None when Paytm cannot tell who asked."""
    merchant = find(db, Merchant, mid=call.mid)
    stranger = _stranger(merchant, call)
    if merchant is None or stranger is not None:
        return _refusal(call, stranger or BAD_MID), None
    refused = _fault(db, call, now) or REFUNDS[scenario].refused
    if refused is not None:
        return _refusal(call, refused), merchant.merchant_key
    refund = _register(db, call, scenario, now)
    order = get(db, Order, mid=refund.mid, order_id=refund.order_id)
    return _outcome(REGISTERED) | registered(order, refund), merchant.merchant_key


def status(db: sqlite3.Connection, call: Call) -> tuple[Body, str | None]:
    """How a refund stands; 631 for a refId Paytm never took."""
    merchant = find(db, Merchant, mid=call.mid)
    stranger = _stranger(merchant, call)
    if merchant is None or stranger is not None:
        return _outcome(stranger or BAD_MID), None
    ref_id, order_id = text(call.body, "refId"), call.order_id
    refund = find(db, Refund, mid=call.mid, ref_id=ref_id, order_id=order_id)
    if refund is None:
        return _outcome(NO_RECORD), merchant.merchant_key
    outcome = Result(refund.state, refund.code, refund.message)
    order = get(db, Order, mid=refund.mid, order_id=refund.order_id)
    total = given_back(db, order)
    return _outcome(outcome) | status_body(order, refund, total), merchant.merchant_key


def finish(db: sqlite3.Connection, refund: Refund, outcome: Result, now: int) -> None:
    """Make a refund final now. Success is preceded by the debit of the merchant's balance."""
    if refund.accept_state == "PENDING":
        _accept(db, refund, "SUCCESS", now)
    refund.state, refund.code, refund.message = outcome.state, outcome.code, outcome.message
    refund.final_time, refund.next_time = now, None
    save(db, refund)
    if refund.state == "TXN_SUCCESS":
        order = get(db, Order, mid=refund.mid, order_id=refund.order_id)
        enqueue(
            db,
            success_notice(order, refund, get(db, Merchant, mid=refund.mid), given_back(db, order)),
        )


def ripen(db: sqlite3.Connection, now: int) -> None:
    """Take every refund whose time has come one or two steps on."""
    for refund in select_where(db, Refund, "next_time <= ?", now):
        plan = REFUNDS[refund.scenario]
        if refund.accept_state == "PENDING":
            _accept(db, refund, plan.accepted, now)
        final_due = refund.created + FINAL_MS
        if plan.final is not None and final_due <= now:
            finish(db, refund, plan.final, now)
        else:
            refund.next_time = final_due if plan.final else None
            save(db, refund)


def given_back(db: sqlite3.Connection, order: Order) -> int:
    """The paise of an order that were given back: final refunds alone."""
    done = select(db, Refund, mid=order.mid, order_id=order.order_id, state="TXN_SUCCESS")
    return sum(refund.amount for refund in done)


def _fault(db: sqlite3.Connection, call: Call, now: int) -> Result | None:
    """The first rule a request breaks."""
    ref_id = text(call.body, "refId")
    if text(call.body, "txnType") != "REFUND" or not REF_ID.fullmatch(ref_id):
        return INVALID
    known = find(db, Refund, mid=call.mid, ref_id=ref_id)
    order = find(db, Order, mid=call.mid, order_id=call.order_id)
    if known is not None:
        return _repeat_fault(known, order, call)
    if order is None:
        return NO_RECORD
    return _order_fault(order, call, now) or _amount_fault(db, order, call)


def _repeat_fault(known: Refund, order: Order | None, call: Call) -> Result:
    same_order = order is not None and known.order_id == order.order_id
    same_txn = order is not None and order.txn_id == text(call.body, "txnId")
    if not (same_order and same_txn and known.amount == paise(call.body.get("refundAmount"))):
        return REF_ID_USED
    return ALREADY_DONE if known.state == "TXN_SUCCESS" else ALREADY_RAISED


def _order_fault(order: Order, call: Call, now: int) -> Result | None:
    if order.state != "TXN_SUCCESS":
        return NOT_PAID
    if order.txn_id != text(call.body, "txnId"):
        return DIFFERS
    return INVALID if now - order.txn_time > ONE_YEAR_MS else None


def _amount_fault(db: sqlite3.Connection, order: Order, call: Call) -> Result | None:
    refunds = select(db, Refund, mid=order.mid, order_id=order.order_id)
    amount = paise(call.body.get("refundAmount"))
    if not amount or amount > order.stated - _taken(refunds):
        return BAD_AMOUNT
    if amount < min(ONE_RUPEE, order.stated):
        return TOO_SMALL
    return IN_PROGRESS if any(refund.state == "PENDING" for refund in refunds) else None


def _taken(refunds: list[Refund]) -> int:
    return sum(refund.amount for refund in refunds if refund.state != "TXN_FAILURE")


def _register(db: sqlite3.Connection, call: Call, scenario: str, now: int) -> Refund:
    refund = Refund(
        mid=call.mid,
        ref_id=text(call.body, "refId"),
        order_id=call.order_id,
        refund_id=f"{now}{secrets.randbelow(10**8):08}",
        amount=paise(call.body["refundAmount"]) or 0,
        reason=text(call.body, "comments")[:500],
        scenario=scenario,
        created=now,
        code=REGISTERED.code,
        message=REGISTERED.message,
        next_time=now + ACCEPT_MS,
    )
    save(db, refund)
    return refund


def _accept(db: sqlite3.Connection, refund: Refund, state: str, now: int) -> None:
    refund.accept_state, refund.accept_time = state, now
    order = get(db, Order, mid=refund.mid, order_id=refund.order_id)
    enqueue(db, accept_notice(order, refund, get(db, Merchant, mid=refund.mid)))


def _stranger(merchant: Merchant | None, call: Call) -> Result | None:
    if merchant is None:
        return BAD_MID
    return None if call.is_signed_by(merchant) else BAD_CHECKSUM


def _outcome(outcome: Result) -> Body:
    return result(outcome.state, outcome.code, outcome.message)


def _refusal(call: Call, outcome: Result) -> Body:
    """A refusal repeats what was asked, without a refundId."""
    names = ("orderId", "mid", "refId", "txnId", "refundAmount")
    return _outcome(outcome) | {name: text(call.body, name) for name in names}
