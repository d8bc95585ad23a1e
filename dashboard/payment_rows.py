"""Payments as the rows of a table: tuples, not objects, with the money that truly arrived.

Lists are looked at all day, so their rows are no template: what is the same for every payment is
made once, a cell is a short text, and `escape` stands around all that is not ours.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from html import escape
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from config.clock import now
from dashboard.paging import Row
from dashboard.templatetags.ui import (
    NONE,
    PAYMENT_STATES,
    payment_method,
    payment_state,
    zone_word,
)
from payments import finding, ledger
from payments.exporting import CORRECTING
from payments.finding import Place
from payments.methods import Method
from payments.money import format_inr
from payments.selecting import Selection
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

# As `exporting.RECEIVED`, for few payments: what corrects is looked up for each.
_ARRIVED: Final = f"""p.received_paise + COALESCE((
    SELECT sum(CASE WHEN t.credit IN ('sales', 'surplus') THEN t.paise ELSE 0 END
        - CASE WHEN t.debit IN ('sales', 'surplus') THEN t.paise ELSE 0 END)
    FROM payments_transfer AS t
    WHERE t.payment_id = p.id AND {CORRECTING} AND t.refund_id IS NULL
), 0)::bigint"""  # noqa: S608
# As `exporting.REFUNDED`, for few payments.
_REFUNDED: Final = """CASE WHEN p.refunded_paise > 0 THEN p.refunded_paise + COALESCE((
    SELECT sum(CASE WHEN t.credit = 'receivable' THEN t.paise ELSE -t.paise END)
    FROM payments_transfer AS t
    WHERE t.payment_id = p.id AND t.refund_id IS NOT NULL AND t.reverses_id IS NOT NULL
), 0) ELSE 0 END::bigint"""
_STATES: Final = ", ".join(f"'{state}'" for state in ARRIVED)
_ALWAYS: Final = f"""p.created_at, p.id, p.description, p.order_id, p.amount_paise,
    {_REFUNDED}, CASE WHEN p.state IN ({_STATES}) THEN {_ARRIVED} ELSE p.amount_paise END"""
_REFERENCE: Final = "(SELECT l.reference FROM payments_link AS l WHERE l.id = p.link_id)"
_TAGS: Final = """(SELECT string_agg(t.name, ', ' ORDER BY t.name)
    FROM payments_paymenttag AS t WHERE t.payment_id = p.id)"""


class PaymentRow(NamedTuple):
    """What every row shows, and the values of the columns that were chosen."""

    created_at: datetime
    id: UUID
    description: str
    order_id: str
    amount_paise: int
    refunded_paise: int
    arrived_paise: int
    chosen: tuple[Any, ...]


Pen = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """One that a person can choose: its words, its SQL over `payments_payment AS p`, and a `pen`
    that for one table makes HTML of values. `cell` is its `td`; on a phone it has a line with its
    words, or as that says."""

    title: Any
    sql: str
    pen: Callable[[], Pen]
    cell: str = ""

    @property
    def begin(self) -> str:
        return self.cell or f'<td data-label="{escape(str(self.title))}">'


def _texts() -> Pen:
    return lambda value: escape(value) if value else NONE


def _codes() -> Pen:
    return lambda value: f'<span class="mono">{escape(value)}</span>' if value else NONE


def _days() -> Pen:
    language, this_year = get_language(), now().astimezone(get_current_timezone()).year

    def day(value: date | None) -> str:
        if value is None:
            return NONE
        short, _long = _day_words(language, value, this_year)
        return f'<time datetime="{value.isoformat()}">{short}</time>'

    return day


def _moments() -> Pen:
    """As the tag `when`, for many."""
    zone, end, language = get_current_timezone(), zone_word(), get_language()
    this_year = now().astimezone(zone).year

    def moment(value: datetime) -> str:
        local = value.astimezone(zone)
        iso = local.isoformat()
        short, long = _day_words(language, local.date(), this_year)
        exact = f"{long}, {iso[11:19]} {local.tzname()}"
        return f'<time datetime="{iso}" title="{exact}">{short}, {iso[11:16]}{end}</time>'

    return moment


@lru_cache(maxsize=4000)
def _day_words(language: str, day: date, this_year: int) -> tuple[str, str]:
    short = format_date(day, "j M" if day.year == this_year else "j M Y")
    return short, format_date(day, "l j F Y")


def _badges() -> Pen:
    return _badges_in(get_language()).__getitem__


@cache
def _badges_in(language: str) -> dict[str, str]:
    return {state: str(payment_state(state)) for state in PAYMENT_STATES}


def _methods() -> Pen:
    return _methods_in(get_language()).__getitem__


@cache
def _methods_in(language: str) -> dict[str, str]:
    return {method: escape(payment_method(method)) for method in Method.values}


COLUMNS: Final[dict[str, Column]] = {
    "when": Column(gettext_lazy("When"), "p.created_at", _moments, '<td class="muted num-text">'),
    "method": Column(gettext_lazy("Method"), "p.method", _methods, '<td class="wide-only">'),
    "state": Column(gettext_lazy("State"), "p.state", _badges, "<td>"),
    "customer": Column(gettext_lazy("Customer"), "p.payer_name", _texts),
    "email": Column(gettext_lazy("E-mail"), "p.payer_email", _texts),
    "phone": Column(gettext_lazy("Phone"), "p.payer_phone", _texts),
    "tags": Column(gettext_lazy("Tags"), _TAGS, _texts),
    "reference": Column(gettext_lazy("Link's reference"), _REFERENCE, _texts),
    "paytm": Column(gettext_lazy("Paytm's ID"), "p.paytm_txn_id", _codes),
    "bank": Column(gettext_lazy("Bank reference"), "p.bank_txn_id", _codes),
    "settled": Column(gettext_lazy("Paid out on"), "p.settled_on", _days),
}
USUAL: Final = ("when", "method", "state")


def found(
    selection: Selection, columns: Sequence[str], size: int, place: Place
) -> list[PaymentRow]:
    """The first rows of a selection beyond a place. One statement where one index leads there."""
    wanted = ", ".join([_ALWAYS, *(COLUMNS[name].sql for name in columns)])
    fixed = len(PaymentRow._fields) - 1
    answer = finding.found(selection, wanted, size, place)
    return [PaymentRow._make((*row[:fixed], row[fixed:])) for row in answer]


def table(
    rows: Iterable[PaymentRow],
    columns: Sequence[str],
    address: Callable[[UUID], str],
    *,
    of_link: bool = False,
    pick: bool = False,
) -> SafeString:
    """The table's HTML. `address` is where a payment's row leads. `of_link`: all are of one link,
    so that its description says nothing. `pick`: each row has a box, of the form `picked`."""
    begin, begins = _frame(get_language(), tuple(columns))
    cells = [(td, COLUMNS[name].pen()) for td, name in zip(begins, columns, strict=True)]
    lead = _leads_of_link(pick=pick) if of_link else _leads(pick=pick)
    amount = _amounts()
    body = "".join([_row(row, cells, lead(row, address(row.id)), amount(row)) for row in rows])
    return mark_safe(f"{begin}{body}</tbody></table>")  # noqa: S308 - made of escaped parts


@lru_cache(maxsize=500)
def _frame(language: str, columns: tuple[str, ...]) -> tuple[str, list[str]]:
    """The table up to its rows, and how each cell of a chosen column begins."""
    shown = [COLUMNS[name] for name in columns]
    heads = "".join(f"<th>{escape(str(column.title))}</th>" for column in shown)
    return (
        f'<table class="data"><caption class="sr-only">{escape(_("Payments"))}</caption>'
        f"<thead><tr><th>{escape(_('Payment'))}</th>{heads}"
        f'<th class="num">{escape(_("Amount"))}</th></tr></thead><tbody>',
        [column.begin for column in shown],
    )


def _row(row: PaymentRow, cells: Sequence[tuple[str, Pen]], lead: str, amount: str) -> str:
    pairs = zip(cells, row.chosen, strict=True)
    middle = "".join([f"{begin}{html(value)}</td>" for (begin, html), value in pairs])
    return f'<tr><td class="lead">{lead}</td>{middle}<td class="num">{amount}</td></tr>'


Lead = Callable[[PaymentRow, str], str]


def _leads(*, pick: bool) -> Lead:
    box = _boxes() if pick else _nothing

    def lead(row: PaymentRow, address: str) -> str:
        order_id = escape(row.order_id)
        under = f'<span class="under mono max-sm:hidden">{order_id}</span>'
        return f"{_link(row, address, escape(row.description))}{under}{box(row, order_id)}"

    return lead


def _leads_of_link(*, pick: bool) -> Lead:
    box = _boxes() if pick else _nothing

    def lead(row: PaymentRow, address: str) -> str:
        order_id = escape(row.order_id)
        return _link(row, address, f'<span class="mono">{order_id}</span>') + box(row, order_id)

    return lead


def _link(row: PaymentRow, address: str, words: str) -> str:
    return f'<a class="row-link" id="p{row.id.hex}" href="{escape(address)}">{words}</a>'


def _boxes() -> Callable[[PaymentRow, str], str]:
    words = escape(_("Choose %(order_id)s"))

    def box(row: PaymentRow, order_id: str) -> str:
        label = words % {"order_id": order_id}
        return (
            f'<input class="pick" type="checkbox" form="picked" name="id" value="{row.id}"'
            f' aria-label="{label}">'
        )

    return box


def _nothing(row: PaymentRow, order_id: str) -> str:
    return ""


def _amounts() -> Callable[[PaymentRow], str]:
    asked, refunded = escape(_("%(amount)s asked")), escape(_("%(amount)s refunded"))

    def amount(row: PaymentRow) -> str:
        html = format_inr(row.arrived_paise)
        if row.arrived_paise != row.amount_paise:
            html += _under(asked, row.amount_paise)
        if row.refunded_paise:
            html += _under(refunded, row.refunded_paise)
        return html

    return amount


def _under(words: str, paise: int) -> str:
    return f'<span class="under">{words % {"amount": format_inr(paise)}}</span>'


def addresses(slug: str | None, live: bool, query: str = "") -> Callable[[UUID], str]:
    """Where payments' rows lead: each payment's page, which is told of the list by its query."""
    begin = reverse("payments", kwargs={"slug": slug, "live": live})
    end = f"?{query}" if query else ""
    return lambda id: f"{begin}/{id}{end}"


def with_arrived(rows: Iterable[Row]) -> list[Row]:
    """`values(*ROW)` each with `arrived_paise`: what the books hold, or what was asked where
    nothing arrived. One query more."""
    rows = [*rows]
    arrived = ledger.received_of([row["id"] for row in rows if row["state"] in ARRIVED])
    return [row | {"arrived_paise": arrived.get(row["id"], row["amount_paise"])} for row in rows]


def plain(rows: Iterable[Row], columns: Sequence[str]) -> list[PaymentRow]:
    """Rows of `with_arrived` as `table` takes them."""
    fixed = PaymentRow._fields[:-1]
    values = {"when": "created_at"}
    return [
        PaymentRow._make(
            (
                *(row[name] for name in fixed),
                tuple(row[values.get(name, name)] for name in columns),
            )
        )
        for row in rows
    ]
