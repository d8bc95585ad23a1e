"""Payments as the rows of a table: values, not objects, with the money that truly arrived."""

from collections.abc import Iterable

from dashboard.paging import Row
from payments import ledger
from payments.states import PaymentState

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
    """`values(*ROW)` each with `arrived_paise`: for surplus what the books hold, else what was
    asked. One query more where there is surplus."""
    rows = [*rows]
    surplus = [row["id"] for row in rows if row["state"] == PaymentState.SURPLUS]
    held = ledger.surplus_of(surplus) if surplus else {}
    arrived = {id: held.get(id, 0) for id in surplus}
    return [row | {"arrived_paise": arrived.get(row["id"], row["amount_paise"])} for row in rows]
