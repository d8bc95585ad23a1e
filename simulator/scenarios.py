"""Everything that can be made to happen, as data: name → behaviour.

A scenario is chosen by a button of the payment page, by an amount (`AMOUNTS`) or by a rule
planted over the control interface. A planted rule wins over a button, a button over an amount.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.records import Rule
from simulator.store import save, select_where


@dataclass(frozen=True)
class Result:
    """What Paytm says of an order: STATUS, RESPCODE, RESPMSG (Paytm: RESPCODEs)."""

    state: str
    code: str
    message: str


PAID = Result("TXN_SUCCESS", "01", "Txn Success")
DECLINED = Result(
    "TXN_FAILURE",
    "227",
    "Your payment has been declined by your bank. Please try again or use a different method"
    " to complete the payment.",
)
LOW_BALANCE = Result("TXN_FAILURE", "235", "Wallet balance insufficient.")
WRONG_UPI_ID = Result("TXN_FAILURE", "295", "UPI ID is incorrect.")
CANCELLED = Result("TXN_FAILURE", "141", "User has not completed transaction.")
EXPIRED = Result("TXN_FAILURE", "810", "Txn closed, the payment page has expired.")
WAITING = Result(
    "PENDING",
    "402",
    "Looks like the payment is not complete. Please wait while we confirm the status with"
    " your bank.",
)
UNCONFIRMED = Result("PENDING", "400", "Transaction status not confirmed yet.")
WITHOUT_TRANSACTION = (CANCELLED, EXPIRED)
LAPSED = Result("TXN_FAILURE", "810", "Txn Failed")

SOON = 20
THREE_DAYS = 72 * 3600


@dataclass(frozen=True)
class Payment:
    """How an attempt ends: at once, perhaps otherwise later, and how the merchant hears of it.

    `callback` is one of now, lost, late, doubled, forged, unsigned. `stated` is added to the
    amount Paytm says was paid, in paise. `seconds` pass on the simulator's clock.
    """

    about: str
    first: Result
    later: Result | None = None
    seconds: int = SOON
    callback: str = "now"
    webhooks: int = 1
    stated: int = 0


PAYMENTS = {
    "success": Payment("Paid", PAID),
    "failure": Payment("Declined by the bank", DECLINED),
    "cancel": Payment("The payer gives up; no transaction is made", CANCELLED),
    "pending": Payment("Not decided; fails after 72 hours", WAITING, LAPSED, THREE_DAYS),
    "pending_success": Payment("Not decided, paid after 20 s", WAITING, PAID),
    "pending_failure": Payment("Not decided, declined after 20 s", UNCONFIRMED, DECLINED),
    "failure_success": Payment("Declined, yet paid after 20 s", DECLINED, PAID),
    "low_balance": Payment("Wallet balance too low", LOW_BALANCE),
    "wrong_upi_id": Payment("UPI ID does not exist", WRONG_UPI_ID),
    "callback_lost": Payment("Paid, but the browser never returns", PAID, callback="lost"),
    "callback_late": Payment("Paid; the callback comes after 20 s", PAID, callback="late"),
    "callback_doubled": Payment("Paid, and told three times", PAID, callback="doubled", webhooks=2),
    "callback_forged": Payment("Declined; a forgery says paid", DECLINED, callback="forged"),
    "callback_unsigned": Payment("Paid; a callback without checksum", PAID, callback="unsigned"),
    "expired": Payment("The page was left open too long; no transaction is made", EXPIRED),
    "silent": Payment("Paid; neither callback nor webhook", PAID, callback="lost", webhooks=0),
    "amount_differs": Payment("Paid, but one rupee more than asked", PAID, stated=100),
}


@dataclass(frozen=True)
class Fault:
    """A spoilt API answer. With `effect` the request is carried out before it is spoilt."""

    about: str
    effect: bool


FAULTS = {
    "timeout_before": Fault("Nothing happens, no answer", False),
    "timeout_after": Fault("Carried out, no answer", True),
    "error_before": Fault("500, nothing happens", False),
    "error_after": Fault("Carried out, then 500", True),
    "reset_before": Fault("Nothing happens, the connection breaks", False),
    "reset_after": Fault("Carried out, the connection breaks in the answer", True),
    "html": Fault("Carried out, an HTML page as the answer", True),
    "truncated": Fault("Carried out, half of the answer", True),
    "stalled": Fault("Carried out, half of the answer and then silence", True),
    "redirect": Fault("302 to another address, nothing happens", False),
    "huge": Fault("Carried out, an answer of 10 MB", True),
    "unsigned": Fault("Carried out, the answer has no signature", True),
    "wrong_signature": Fault("Carried out, the signature is another key's", True),
    "numbers": Fault("Carried out, amounts as numbers instead of strings", True),
    "other_order": Fault("Carried out, the answer names another order", True),
    "other_mid": Fault("Carried out, the answer names another MID", True),
    "other_amount": Fault("Carried out, the answer states another amount", True),
}


@dataclass(frozen=True)
class Refunding:
    """How a refund goes: refused at once, or registered and then decided.

    Codes and messages are Paytm's; an empty `refused` means registered with 601. `accepted` is
    what becomes of the debit of the merchant's balance, `final` what becomes of the refund.
    """

    about: str
    refused: Result | None = None
    accepted: str = "SUCCESS"
    final: Result | None = None


REFUNDED = Result("TXN_SUCCESS", "10", "Refund Successfull")
BANK_DECLINED = Result("TXN_FAILURE", "602", "Refund declined by bank.")
NO_BALANCE = Result("TXN_FAILURE", "620", "BALANCE_NOT_ENOUGH")
IN_PROGRESS = Result(
    "TXN_FAILURE",
    "626",
    "Another refund on the same order is already in progress, please retry after few minutes",
)

REFUNDS = {
    "success": Refunding("Registered, then refunded", final=REFUNDED),
    "no_balance": Refunding("Refused: the merchant's balance is too low", refused=NO_BALANCE),
    "busy": Refunding("Refused: another refund is in progress", refused=IN_PROGRESS),
    "accepted_then_failed": Refunding("Accepted, then the bank declines", final=BANK_DECLINED),
    "rejected_later": Refunding("Registered, then no balance", accepted="FAILED", final=NO_BALANCE),
    "waiting": Refunding("Registered, stays pending until it is finished by hand"),
}


@dataclass(frozen=True)
class Listing:
    """How the settlement list answers, other than spoilt."""

    about: str


LISTINGS = {
    "detail_list": Listing("The rows as settlementDetailList[], the other documented form"),
    "rate_limited": Listing("00000074, too many questions"),
}
# A settlement list is neither signed nor about one order.
UNSPOILABLE = ("unsigned", "wrong_signature", "numbers", "other_order", "other_mid", "other_amount")

ENDPOINTS: dict[str, Mapping[str, Payment | Fault | Refunding | Listing]] = {
    "payment": PAYMENTS,
    "initiate": FAULTS,
    "status": FAULTS,
    "refund": {**REFUNDS, **FAULTS},
    "refund_status": FAULTS,
    "settlement": {
        **LISTINGS,
        **{name: fault for name, fault in FAULTS.items() if name not in UNSPOILABLE},
    },
}

MAGIC_RUPEES = 4040
AMOUNTS = {
    1: ("payment", "failure"),
    2: ("payment", "pending"),
    3: ("payment", "pending_success"),
    4: ("payment", "pending_failure"),
    5: ("payment", "failure_success"),
    6: ("payment", "callback_lost"),
    7: ("payment", "callback_late"),
    8: ("payment", "callback_doubled"),
    9: ("payment", "callback_forged"),
    10: ("payment", "silent"),
    11: ("payment", "amount_differs"),
    21: ("initiate", "timeout_before"),
    22: ("initiate", "timeout_after"),
    23: ("initiate", "error_before"),
    24: ("initiate", "html"),
    25: ("initiate", "redirect"),
    41: ("status", "timeout_before"),
    42: ("status", "error_before"),
    43: ("status", "html"),
    44: ("status", "truncated"),
    45: ("status", "wrong_signature"),
    61: ("refund", "no_balance"),
    62: ("refund", "accepted_then_failed"),
    63: ("refund", "rejected_later"),
    64: ("refund", "timeout_before"),
    65: ("refund", "timeout_after"),
    66: ("refund", "error_after"),
    67: ("refund", "waiting"),
}


def by_amount(endpoint: str, paise: int | None) -> str:
    """The scenario of an amount of ₹4,040.01 to ₹4,040.99 at this endpoint, else empty."""
    if paise is None or paise // 100 != MAGIC_RUPEES:
        return ""
    place, name = AMOUNTS.get(paise % 100, ("", ""))
    return name if place == endpoint else ""


def take(db: sqlite3.Connection, endpoint: str, mid: str, order_id: str) -> Rule | None:
    """The oldest planted rule for this call, used up by one; None when there is none."""
    condition = "endpoint = ? AND taken < times AND mid IN ('', ?) AND order_id IN ('', ?)"
    rules = select_where(db, Rule, condition, endpoint, mid, order_id)
    if not rules:
        return None
    rules[0].taken += 1
    save(db, rules[0])
    return rules[0]
