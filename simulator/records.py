"""What the simulator remembers: one dataclass, one table."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Record:
    """A row. `table` names its table, `key` the columns that identify it."""

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]


@dataclass
class Merchant(Record):
    """One MID with the key that signs for it. Empty URLs: Paytm has none on file."""

    table = "merchant"
    key = ("mid",)
    mid: str
    merchant_key: str
    website: str = ""
    callback_url: str = ""
    webhook_url: str = ""


@dataclass
class Order(Record):
    """One order id of one MID. Amounts in paise, times in milliseconds of the clock."""

    table = "orders"
    key = ("mid", "order_id")
    mid: str
    order_id: str
    parameters: str
    amount: int
    callback_url: str
    token: str
    token_expires: int
    created: int
    state: str = "NEW"
    code: str = ""
    message: str = ""
    scenario: str = ""
    txn_id: str = ""
    bank_txn_id: str = ""
    txn_time: int = 0
    method: str = ""
    bank: str = ""
    stated: int = 0
    next_time: int | None = None
    utr: str = ""


@dataclass
class Refund(Record):
    """One refund that Paytm has registered; a refused request leaves no row."""

    table = "refund"
    key = ("mid", "ref_id")
    mid: str
    ref_id: str
    order_id: str
    refund_id: str
    amount: int
    reason: str
    scenario: str
    created: int
    state: str = "PENDING"
    code: str = ""
    message: str = ""
    accept_state: str = "PENDING"
    accept_time: int = 0
    final_time: int = 0
    next_time: int | None = None
    utr: str = ""


@dataclass
class Rule(Record):
    """A planted scenario for the next `times` calls of an endpoint; empty MID or order: any."""

    table = "rule"
    key = ("id",)
    endpoint: str
    scenario: str
    mid: str = ""
    order_id: str = ""
    times: int = 1
    taken: int = 0
    seconds: float = 0.0
    id: int | None = None


@dataclass
class Delivery(Record):
    """A message to a merchant: a webhook, or a callback that comes late or twice.

    `due` is None when it needs no further attempt; `answer` is the last attempt's status or fault.
    """

    table = "delivery"
    key = ("id",)
    kind: str
    mid: str
    order_id: str
    url: str
    content_type: str
    payload: str
    due: int | None
    attempts: int = 0
    answer: str = ""
    id: int | None = None


@dataclass
class Settlement(Record):
    """A payout: what a MID was paid for one day. `day` is when it was paid, in Indian time."""

    table = "settlement"
    key = ("utr",)
    utr: str
    mid: str
    covers: str
    day: str
    amount: int
    created: int


@dataclass
class SettlementLine(Record):
    """A line of a payout, signed paise. `planted` names the difference, if it is one;
    `visible` is when reports begin to have it (None: never)."""

    table = "settlement_line"
    key = ("id",)
    utr: str
    kind: str
    order_id: str
    txn_id: str
    method: str
    gross: int
    commission: int
    gst: int
    settled: int
    txn_time: int
    visible: int | None
    planted: str = ""
    id: int | None = None


ALL: tuple[type[Record], ...] = (
    *(Merchant, Order, Refund, Rule, Delivery),
    *(Settlement, SettlementLine),
)
