"""Payouts: one per MID and Indian day, made at midnight of all that is not yet paid out.

Commission is by method, GST 18 % of it, both rounded to the paisa half up (rates are usual ones,
not Paytm's promise). Refunds are taken off in full. A day that would not be positive is carried on
to the next.
"""

import secrets
import sqlite3
from collections import defaultdict
from datetime import date, timedelta

from simulator.clock import ist
from simulator.records import Order, Refund, Settlement, SettlementLine
from simulator.store import get, save, select, select_where

MDR = {"UPI": 0, "DC": 40, "CC": 180, "NB": 150, "PPI": 190, "EMI": 200}
"""Commission by PAYMENTMODE in hundredths of a per cent."""

GST_PERCENT = 18
DAY_MS = 24 * 3600 * 1000
IST_MS = 19_800_000

Item = Order | Refund


def last_midnight(now: int) -> int:
    """When the present day began."""
    return (now + IST_MS) // DAY_MS * DAY_MS - IST_MS


def ripen(db: sqlite3.Connection, midnight: int, now: int) -> None:
    """Pay out every day that was over at this midnight. Once for each is enough."""
    for mid, items in _unsettled(db, midnight).items():
        for day in sorted({_day(item) for item in items} | {_day_of(midnight - 1)}):
            _pay_day(db, mid, day, now)


def settle_now(db: sqlite3.Connection, mid: str, now: int) -> Settlement | None:
    """Pay out all of a MID's money that is not yet, dated today; None when that is nothing."""
    items = _unsettled(db, now + 1, mid).get(mid, [])
    return _pay(db, mid, items, _day_of(now), _day_of(now), now)


def _pay_day(db: sqlite3.Connection, mid: str, day: date, now: int) -> None:
    """Pay out a day once, with what earlier days left."""
    if not select(db, Settlement, mid=mid, covers=day.isoformat()):
        end = _start_ms(day) + DAY_MS
        _pay(db, mid, _unsettled(db, end, mid).get(mid, []), day, day + timedelta(days=1), now)


def _unsettled(db: sqlite3.Connection, before: int, mid: str = "") -> dict[str, list[Item]]:
    """Successful orders and final refunds before a moment that are in no payout, by MID."""
    of_mid = " AND mid = ?" if mid else ""
    given = (before, mid) if mid else (before,)
    where = "utr = '' AND state = 'TXN_SUCCESS' AND {time} < ?" + of_mid
    items: list[Item] = [
        *select_where(db, Order, where.format(time="txn_time"), *given),
        *select_where(db, Refund, where.format(time="final_time"), *given),
    ]
    by_mid: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_mid[item.mid].append(item)
    return by_mid


def _pay(
    db: sqlite3.Connection, mid: str, items: list[Item], covers: date, day: date, now: int
) -> Settlement | None:
    utr = f"SIMN{ist(now):%y%j}{secrets.randbelow(10**10):010}"
    lines = [_line(db, utr, item, now) for item in items]
    amount = sum(line.settled for line in lines)
    if amount <= 0:
        return None
    payout = Settlement(utr, mid, covers.isoformat(), day.isoformat(), amount, now)
    for record in (payout, *lines):
        save(db, record)
    for item in items:
        item.utr = utr
        save(db, item)
    return payout


def _line(db: sqlite3.Connection, utr: str, item: Item, now: int) -> SettlementLine:
    if isinstance(item, Refund):
        order = get(db, Order, mid=item.mid, order_id=item.order_id)
        return refund_line(utr, order, item, now)
    return sale_line(utr, item, now)


def sale_line(utr: str, order: Order, now: int) -> SettlementLine:
    """An order as a payout has it, its commission and GST taken off."""
    commission = _half_up(order.stated * MDR.get(order.method, 0), 10_000)
    gst = _half_up(commission * GST_PERCENT, 100)
    return SettlementLine(
        utr=utr,
        kind="SALE",
        order_id=order.order_id,
        txn_id=order.txn_id,
        method=order.method,
        gross=order.stated,
        commission=commission,
        gst=gst,
        settled=order.stated - commission - gst,
        txn_time=order.txn_time,
        visible=now,
    )


def refund_line(utr: str, order: Order, refund: Refund, now: int) -> SettlementLine:
    """A refund as a payout has it: taken off in full, no commission given back."""
    return SettlementLine(
        utr=utr,
        kind="REFUND",
        order_id=order.order_id,
        txn_id=refund.refund_id,
        method=order.method,
        gross=-refund.amount,
        commission=0,
        gst=0,
        settled=-refund.amount,
        txn_time=refund.final_time,
        visible=now,
    )


def _half_up(number: int, of: int) -> int:
    return (2 * number + of) // (2 * of)


def _day(item: Item) -> date:
    return _day_of(item.final_time if isinstance(item, Refund) else item.txn_time)


def _day_of(ms: int) -> date:
    return ist(ms).date()


def _start_ms(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_MS - IST_MS
