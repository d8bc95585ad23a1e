"""Payments as the rows of a table: values, not objects, with the money that truly arrived."""

from collections.abc import Iterable

from dashboard.paging import Row
from payments import ledger
from payments.states import ARRIVED

ROW = [
    "id",
    "created_at",
    "description",
    "order_id",
    "state",
    "method",
    "amount_paise",
    "refunded_paise",
]


def with_arrived(rows: Iterable[Row]) -> list[Row]:
    """`values(*ROW)` each with `arrived_paise`: what the books hold, or what was asked where
    nothing arrived. One query more."""
    rows = [*rows]
    arrived = ledger.received_of([row["id"] for row in rows if row["state"] in ARRIVED])
    return [row | {"arrived_paise": arrived.get(row["id"], row["amount_paise"])} for row in rows]
