"""Differences planted in a payout that is already made, for a reconciliation to find."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from simulator.clock import ist
from simulator.protocol import Malformed
from simulator.records import Order, Refund, Settlement, SettlementLine
from simulator.settlements import refund_line
from simulator.store import find, save

RUPEE = 100
LATE_MS = 36 * 3600 * 1000

Plant = Callable[[sqlite3.Connection, Settlement, SettlementLine, int], None]


def plant(
    db: sqlite3.Connection, name: str, payout: Settlement, line: SettlementLine | None, now: int
) -> None:
    """Make the payout differ, at this line where the difference is one of a line's."""
    change, wants_line, _ = DIFFERENCES[name]
    if wants_line and line is None:
        raise Malformed("This difference wants an order_id of the payout")
    change(db, payout, line or _empty_line(payout, now), now)


def _empty_line(payout: Settlement, now: int) -> SettlementLine:
    return SettlementLine(payout.utr, "SALE", "", "", "UPI", 0, 0, 0, 0, now, now)


def _missing(db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int) -> None:
    save(db, replace(line, visible=None, planted="missing"))


def _late(db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int) -> None:
    save(db, replace(line, visible=now + LATE_MS, planted="late"))


def _doubled(db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int) -> None:
    save(db, replace(line, id=None, planted="doubled"))
    save(db, replace(payout, amount=payout.amount + line.settled))


def _commission(db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int) -> None:
    save(db, replace(line, commission=line.commission + RUPEE, planted="commission"))


def _amount(db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int) -> None:
    gross, settled = line.gross - RUPEE, line.settled - RUPEE
    save(db, replace(line, gross=gross, settled=settled, planted="amount"))
    save(db, replace(payout, amount=payout.amount - RUPEE))


def _unknown_order(
    db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int
) -> None:
    stranger = replace(
        line,
        kind="SALE",
        order_id=f"ELSEWHERE_{secrets.token_hex(6)}",
        txn_id=f"{secrets.randbelow(10**35):035}",
        method="UPI",
        gross=77_00,
        commission=0,
        gst=0,
        settled=77_00,
        txn_time=now,
        id=None,
        planted="unknown_order",
    )
    save(db, stranger)
    save(db, replace(payout, amount=payout.amount + stranger.settled))


def _foreign_refund(
    db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int
) -> None:
    """A refund made in Paytm's own dashboard: in Paytm's books, and in order status."""
    order = find(db, Order, mid=payout.mid, order_id=line.order_id)
    if order is None or line.kind != "SALE":
        raise Malformed("This difference wants an order of the merchant's")
    refund = Refund(
        mid=payout.mid,
        ref_id=f"DASHBOARD_{secrets.token_hex(6)}",
        order_id=order.order_id,
        refund_id=f"{ist(now):%Y%m%d}{secrets.randbelow(10**12):012}",
        amount=RUPEE,
        reason="",
        scenario="success",
        created=now,
        state="TXN_SUCCESS",
        code="10",
        message="Refund Successfull",
        accept_state="SUCCESS",
        accept_time=now,
        final_time=now,
        utr=payout.utr,
    )
    save(db, refund)
    save(db, replace(refund_line(payout.utr, order, refund, now), planted="foreign_refund"))
    save(db, replace(payout, amount=payout.amount - refund.amount))


def _total(db: sqlite3.Connection, payout: Settlement, line: SettlementLine, now: int) -> None:
    save(db, replace(payout, amount=payout.amount - RUPEE))


DIFFERENCES: dict[str, tuple[Plant, bool, str]] = {
    "missing": (_missing, True, "The order's line is in no report; the payout has its money"),
    "late": (_late, True, "The order's line is in reports only after 36 hours; the money is there"),
    "doubled": (_doubled, True, "The order's line is there twice, and its money too"),
    "commission": (_commission, True, "₹1 more commission is stated; GST and settled do not fit"),
    "amount": (_amount, True, "Gross, settled and payout are ₹1 less than was paid"),
    "unknown_order": (_unknown_order, False, "₹77 for an order that nobody here made"),
    "foreign_refund": (_foreign_refund, True, "₹1 of the order was given back from the dashboard"),
    "total": (_total, False, "The payout is ₹1 less than its lines"),
}
"""Name → what it does, whether it is about an order, and what a person should know."""
