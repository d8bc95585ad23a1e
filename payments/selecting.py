"""Which payments: the one object behind list, totals, chart, report and export.

What a payment's money is: `arrived_paise` is what the ledger holds of it (`ledger.received_of`),
or what was asked where nothing arrived; sums are of `received_paise`, which is nothing but for
paid and surplus payments, and of `refunded_paise`. Amounts are compared with MONEY.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Final
from urllib.parse import urlencode
from uuid import UUID

from payments import searching
from payments.models import Listed
from payments.money import plain_inr
from payments.states import ARRIVED
from tenants.current import zone

YES, NO = "yes", "no"
DAY: Final = timedelta(days=1)
# In SQL, about `payments_payment AS p`; models.payment has the same for its indexes.
MONEY: Final = "COALESCE(NULLIF(p.received_paise, 0), p.amount_paise)"
GIVEN_BACK: Final = "LEAST(p.refunded_paise, 1)"
PAID_OUT: Final = "num_nonnulls(p.settled_on)"

Condition = tuple[str, list[object]]


@dataclass(frozen=True)
class Narrowed:
    """What every list is narrowed by. States and methods are their words, days the merchant's own
    and both included, paise too; `words` are search terms that must all match."""

    own: ClassVar[tuple[str, ...]] = ()  # the fields that a list has beside these

    live: bool
    states: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    min_paise: int | None = None
    max_paise: int | None = None
    link_id: UUID | None = None
    words: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """As it stands in the address bar, canonical, without "?"."""
        return urlencode([*self.pairs()])

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names and values of the address bar."""
        yield from (("status", state) for state in self.states)
        yield from (("method", method) for method in self.methods)
        single = {
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            "min": "" if self.min_paise is None else plain_inr(self.min_paise),
            "max": "" if self.max_paise is None else plain_inr(self.max_paise),
            "link": str(self.link_id or ""),
            **{name: getattr(self, name) for name in self.own},
            "q": " ".join(map(quoted, self.words)),
        }
        yield from ((name, value) for name, value in single.items() if value)


@dataclass(frozen=True)
class Selection(Narrowed):
    """Which payments; for the words see `payments.searching`."""

    of: ClassVar = Listed.PAYMENTS
    own: ClassVar = ("tag", "refunded", "settled")

    tag: str = ""
    refunded: str = ""
    settled: str = ""

    def where(self) -> Condition:
        """SQL condition and its values over `payments_payment AS p`, safe to stand after WHERE.

        For statements about all of the selection; in the merchant's schema.
        """
        matching = (searching.matching(self.live, word) for word in self.words)
        return joined([*self.conditions(), *matching])

    def conditions(self) -> Iterator[Condition]:
        """The parts of `where` but for the search, of which each row tells by itself."""
        live: list[object] = [self.live]
        yield "p.live = %s", live
        yield from one_of("p.state", self.states)
        yield from one_of("p.method", self.methods)
        yield from self.days()
        yield from given(f"{MONEY} >= %s", self.min_paise)
        yield from given(f"{MONEY} <= %s", self.max_paise)
        yield from given("p.link_id = %s", self.link_id)
        if self.tag:
            yield TAGGED, [self.live, self.tag]
        for how, kinds in ((self.refunded, REFUNDED), (self.settled, SETTLED)):
            if how:
                yield kinds[how], []

    def days(self) -> Iterator[Condition]:
        """From the first moment of the first day to before that of the day after the last."""
        yield from given("p.created_at >= %s", self.first and midnight(self.first))
        yield from given("p.created_at < %s", self.last and midnight(self.last + DAY))

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it but the world."""
        return self == Selection(self.live)


TAGGED: Final = (
    "EXISTS (SELECT FROM payments_paymenttag AS t"
    " WHERE t.payment_id = p.id AND t.live = %s AND t.name = %s)"
)
_ARRIVED: Final = ", ".join(f"'{state}'" for state in ARRIVED)
_HAS_ARRIVED: Final = f"p.state IN ({_ARRIVED})"
# Nothing is given back but what has arrived: a check of the table.
REFUNDED: Final = {YES: f"{GIVEN_BACK} = 1 AND {_HAS_ARRIVED}", NO: f"{GIVEN_BACK} = 0"}
SETTLED: Final = {YES: f"{PAID_OUT} = 1", NO: f"{PAID_OUT} = 0 AND {_HAS_ARRIVED}"}


def midnight(day: date) -> datetime:
    """The first moment of one of the merchant's days."""
    return datetime.combine(day, time(), zone())


def given(part: str, value: object) -> Iterator[Condition]:
    """The condition, unless there is no value for it."""
    if value is not None:
        yield part, [value]


def one_of(column: str, words: Sequence[str]) -> Iterator[Condition]:
    if words:
        yield f"{column} IN ({', '.join(['%s'] * len(words))})", [*words]


def joined(conditions: Sequence[Condition]) -> Condition:
    """All of these conditions as one."""
    parts = " AND ".join(f"({part})" for part, _ in conditions)
    return parts, [value for _, values in conditions for value in values]


def quoted(term: str) -> str:
    """A search term as it is typed: what has a blank or a colon stands in quotes."""
    return f'"{term}"' if {" ", ":"} & {*term} else term
