"""The lists that are narrowed, shown in columns of one's choice, saved as views and taken away as
files: what is each one's own, and how it is spoken of."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from dashboard import payment_rows, refunds
from dashboard.finder import Finder
from dashboard.payment_filter import PaymentFilter
from payments.models import Listed


@dataclass(frozen=True)
class List:
    """`titles` are of the columns that can be chosen, by their names in the order of the table.
    `exports` is the address where files of it are made."""

    of: Listed
    finder: Callable[[Any], Finder]
    titles: Mapping[str, Any]
    usual: tuple[str, ...]
    exports: str
    everything: Any
    as_file: Any
    always: Any

    def form_of(self, query: QueryDict) -> Finder:
        """What the address selects. Raises BadRequest where that is nothing."""
        form = self.finder(query)
        if not form.is_valid():
            raise BadRequest("no such selection")
        return form

    def known(self, names: Collection[str]) -> tuple[str, ...]:
        """The columns of these names in the order of the table. Raises BadRequest."""
        if unknown := {*names} - {*self.titles}:
            raise BadRequest(f"no such column: {sorted(unknown)}")
        return tuple(name for name in self.titles if name in names)

    def looks_query(self, query: str, columns: Sequence[str]) -> str:
        """What leads to the choice of columns and back."""
        return "&".join(filter(None, (query, urlencode({"columns": ",".join(columns)}))))

    def file_query(self, query: str, columns: Sequence[str]) -> str:
        """A file has the columns that were chosen, or all that are usual in files."""
        return query if tuple(columns) == self.usual else self.looks_query(query, columns)


PAYMENTS: Final = List(
    of=Listed.PAYMENTS,
    finder=PaymentFilter,
    titles={name: column.title for name, column in payment_rows.COLUMNS.items()},
    usual=payment_rows.USUAL,
    exports="exports",
    everything=_("All payments."),
    as_file=_("Payments as a file"),
    always=_("Order ID, what for and the amounts are always there."),
)
REFUNDS: Final = List(
    of=Listed.REFUNDS,
    finder=refunds.RefundFilter,
    titles=refunds.COLUMNS,
    usual=refunds.USUAL,
    exports="refunds_exports",
    everything=_("All refunds."),
    as_file=_("Refunds as a file"),
    always=_("Refund ID, order ID, what for and the amounts are always there."),
)
LISTS: Final = {each.of: each for each in (PAYMENTS, REFUNDS)}


def in_words(listed: List, query: str) -> list[str] | None:
    """What a query narrows this list to, as its chips say it; None for one that it cannot read, or
    not all of it."""
    try:
        form = listed.finder(QueryDict(query))
    except SuspiciousOperation:
        return None
    if not form.is_valid() or {*dict(parse_qsl(query))} - {*dict(form.pairs())}:
        return None
    return [str(chip.words) for chip in form.chips()]
