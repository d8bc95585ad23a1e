"""What a selection comes to: how many payments, what arrived, what was given back."""

from dataclasses import dataclass
from typing import Final

from config import rows
from payments import finding
from payments.exporting import RECEIVED, REFUNDED
from payments.selecting import Selection
from payments.states import ARRIVED

COUNTED: Final = 10_000
# As far as it is gone for a figure that nobody asked to be exact.
STRIDES: Final = (4_000, 40_000)


@dataclass(frozen=True)
class Totals:
    """Sums of a selection, in paise, as the books hold them and files say them. Where it is not
    exact, there are more payments than `count`, and the sums are 0."""

    count: int
    arrived_count: int = 0
    arrived_paise: int = 0
    refunded_paise: int = 0
    is_exact: bool = True


_ARRIVED = ", ".join(f"'{state}'" for state in ARRIVED)
_SUMS = f"""
    SELECT count(*), count(*) FILTER (WHERE p.state IN ({_ARRIVED})),
        coalesce(sum({RECEIVED}), 0)::bigint, coalesce(sum({REFUNDED}), 0)::bigint
    FROM payments_payment AS p WHERE
"""  # noqa: S608


def totals(selection: Selection) -> Totals:
    """The totals, exact for up to COUNTED payments; of more only that they are more. What it costs
    is bounded."""
    ids = finding.keys(selection, COUNTED + 1, strides=STRIDES)
    if ids is None or len(ids) > COUNTED:
        return Totals(COUNTED if ids else 0, is_exact=False)
    return _sums("p.id = ANY(%s)", [ids]) if ids else Totals(0)


def exact_totals(selection: Selection) -> Totals:
    """The totals whatever they cost, which grows with the payments of the selection."""
    return _sums(*selection.where())


def _sums(where: str, values: list[object]) -> Totals:
    [(count, arrived, paise, refunded)] = rows.ask_all(_SUMS + where, values, again=False)
    return Totals(count, arrived, paise, refunded)
