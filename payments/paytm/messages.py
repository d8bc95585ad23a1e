"""What Paytm says, in our words. Every value is checked on the way in: a text that is present
is clean and short, an amount is whole paise, an id has no odd characters; else it is None."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from payments.paytm import fields

METHODS = {
    "UPI": "upi",
    "CC": "credit_card",
    "CREDIT_CARD": "credit_card",
    "DC": "debit_card",
    "DEBIT_CARD": "debit_card",
    "NB": "net_banking",
    "NET_BANKING": "net_banking",
    "PPI": "wallet",
    "BALANCE": "wallet",
    "EMI": "emi",
}
"""Paytm's words for a payment method (callback and status, or request) → ours."""

ENABLE_MODES = {
    "upi": "UPI",
    "credit_card": "CREDIT_CARD",
    "debit_card": "DEBIT_CARD",
    "net_banking": "NET_BANKING",
    "wallet": "BALANCE",
    "emi": "EMI",
}
"""Our words → Paytm's in enablePaymentMode (Paytm: Process Transaction)."""


def method_of(payment_mode: str | None) -> str:
    """Our word for Paytm's PAYMENTMODE; "other" for one not known, "" where none was stated."""
    return METHODS.get(payment_mode, "other") if payment_mode else ""


class Outcome(Enum):
    """What Transaction Status says of an order. Only SUCCESS and FAILURE are answers."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    NO_RECORD = "no_record"  # the payer has not tried yet
    UNKNOWN = "unknown"  # no answer can be read from it: ask again


class RefundOutcome(Enum):
    """What Paytm says of a refund."""

    ACCEPTED = "accepted"  # registered, under way, not done
    DONE = "done"
    REFUSED = "refused"  # a first apply was plainly refused, nothing is under way
    FAILED = "failed"  # refund status alone says so
    NO_RECORD = "no_record"  # refund status knows no such refund
    UNKNOWN = "unknown"  # ask refund status


class Diagnosis(Enum):
    """What a trial with a merchant's keys shows."""

    RIGHT = "right"
    WRONG_KEY = "wrong_key"
    UNKNOWN_MID = "unknown_mid"
    WRONG_HOST = "wrong_host"
    UNREACHABLE = "unreachable"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Initiated:
    """An order that can be paid for 15 minutes with `token`, which is a secret of the payer's."""

    token: str = field(repr=False)
    raw: str = field(repr=False)


@dataclass(frozen=True)
class OrderStatus:
    """Paytm's answer about one order (Paytm: Transaction Status, v3).

    A SUCCESS states a MID and order id, both as asked, an amount above 0 and a transaction id,
    and no currency but INR; whether the amount is the one expected is the caller's to check.
    Other outcomes may state nothing but code and message.
    """

    outcome: Outcome
    code: str
    message: str
    mid: str | None
    order_id: str | None
    txn_id: str | None
    bank_txn_id: str | None
    amount_paise: int | None
    currency: str | None
    payment_mode: str | None
    gateway: str | None
    bank: str | None
    refunded_paise: int | None
    txn_date: str | None
    raw: str = field(repr=False)
    signed: bool

    @property
    def paid_at(self) -> datetime | None:
        """When Paytm says the transaction was; None where it does not, or not clearly."""
        return fields.moment(self.txn_date)

    @property
    def method(self) -> str:
        """upi, credit_card, debit_card, net_banking, wallet, emi, other; "" if not stated."""
        return method_of(self.payment_mode)


@dataclass(frozen=True)
class RefundAnswer:
    """Paytm's answer about one refund, `ref_id` ours and `refund_id` Paytm's.

    From `Client.refund`, `outcome` reads it as the answer to a *first* apply. The answer to a
    repeat with the same ref_id is never final, whatever it says: ask refund status.
    """

    outcome: RefundOutcome
    code: str
    message: str
    refund_id: str | None
    ref_id: str | None
    order_id: str | None
    txn_id: str | None
    amount_paise: int | None
    total_refunded_paise: int | None
    rrn: str | None
    arn: str | None
    credit_expected: str | None
    raw: str = field(repr=False)
    signed: bool


@dataclass(frozen=True)
class RefundStatus(RefundAnswer):
    """Refund status's answer: never REFUSED; FAILED is final and gives the money back."""


@dataclass(frozen=True)
class Notice:
    """A callback or webhook whose checksum verifies. A hint, never a reason to book money: amounts
    and the rest are read of what Paytm answers.

    `status` is Paytm's word: of a payment TXN_SUCCESS, TXN_FAILURE or PENDING; of a refund SUCCESS
    or FAILED when Paytm took it or not, and None when it went to the bank or has its ARN.
    """

    order_id: str
    status: str | None
    code: str
    message: str
    ref_id: str | None
    refund_id: str | None
    arn: str | None

    @property
    def is_of_refund(self) -> bool:
        """Whether it speaks of a refund; else it speaks of the payment."""
        return bool(self.ref_id or self.refund_id)


@dataclass(frozen=True)
class SettlementPage:
    """Some rows of a settlement list, texts as they may be stored; settlements.read_rows reads
    them. `total` is how many the whole list has, None where that is not stated."""

    rows: tuple[Mapping[str, str], ...] = field(repr=False)
    total: int | None
