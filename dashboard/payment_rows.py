"""Payments as the rows of a table: tuples, not objects, with the money that truly arrived.

Lists are looked at all day, so their rows are no template: what is the same for every payment is
made once, a cell is a short text, and `escape` stands around all that is not ours.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.clock import now
from dashboard.paging import Row
from dashboard.templatetags.ui import payment_method, payment_state, zone_word
from payments import finding, ledger
from payments.finding import Place
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

# As `ledger.received_of`, within the list's own statement.
_ARRIVED: Final = """COALESCE((
    SELECT sum(CASE WHEN t.credit IN ('sales', 'surplus') THEN t.paise ELSE 0 END
        - CASE WHEN t.debit IN ('sales', 'surplus') THEN t.paise ELSE 0 END)
    FROM payments_transfer AS t WHERE t.payment_id = p.id AND t.refund_id IS NULL
        AND (t.credit IN ('sales', 'surplus') OR t.debit IN ('sales', 'surplus'))
)::bigint, p.amount_paise)"""
_STATES: Final = ", ".join(f"'{state}'" for state in ARRIVED)
_ALWAYS: Final = f"""p.created_at, p.id, p.description, p.order_id, p.amount_paise,
    p.refunded_paise, CASE WHEN p.state IN ({_STATES}) THEN {_ARRIVED} ELSE p.amount_paise END"""
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


@dataclass(frozen=True)
class Column:
    """One that a person can choose: its words, its SQL over `payments_payment AS p`, and how a
    value becomes HTML. `cell` is its `td`; on a phone it has a line with its words, or as that
    says."""

    title: Any
    sql: str
    html: Callable[[Any], str]
    cell: str = ""

    @property
    def begin(self) -> str:
        return self.cell or f'<td data-label="{escape(self.title)}">'


def _text(value: str | None) -> str:
    return escape(value) if value else "—"


def _code(value: str | None) -> str:
    return f'<span class="mono">{escape(value)}</span>' if value else "—"


def _moment(moment: datetime) -> str:
    """As the tag `when`, for many."""
    local = moment.astimezone(get_current_timezone())
    short, long = _day_words(local.date(), now().astimezone(local.tzinfo).year)
    clock = f"{local.hour:02}:{local.minute:02}"
    exact = f"{long}, {clock}:{local.second:02} {local.tzname()}"
    words = f"{short}, {clock}{zone_word()}"
    return f'<time datetime="{local.isoformat()}" title="{exact}">{words}</time>'


@lru_cache(maxsize=4000)
def _day_words(day: date, this_year: int) -> tuple[str, str]:
    return format_date(day, "j M" if day.year == this_year else "j M Y"), format_date(
        day, "l j F Y"
    )


def _day(day: date | None) -> str:
    if day is None:
        return "—"
    this_year = now().astimezone(get_current_timezone()).year
    return f'<time datetime="{day.isoformat()}">{_day_words(day, this_year)[0]}</time>'


@lru_cache(maxsize=100)
def _badge(state: str) -> str:
    return payment_state(state)


@lru_cache(maxsize=100)
def _method(method: str) -> str:
    return escape(payment_method(method))


COLUMNS: Final[dict[str, Column]] = {
    "when": Column(gettext_lazy("When"), "p.created_at", _moment, '<td class="muted num-text">'),
    "method": Column(gettext_lazy("Method"), "p.method", _method, '<td class="wide-only">'),
    "state": Column(gettext_lazy("State"), "p.state", _badge, "<td>"),
    "customer": Column(gettext_lazy("Customer"), "p.payer_name", _text),
    "email": Column(gettext_lazy("E-mail"), "p.payer_email", _text),
    "phone": Column(gettext_lazy("Phone"), "p.payer_phone", _text),
    "tags": Column(gettext_lazy("Tags"), _TAGS, _text),
    "reference": Column(gettext_lazy("Link's reference"), _REFERENCE, _text),
    "paytm": Column(gettext_lazy("Paytm's id"), "p.paytm_txn_id", _code),
    "bank": Column(gettext_lazy("Bank reference"), "p.bank_txn_id", _code),
    "settled": Column(gettext_lazy("Paid out on"), "p.settled_on", _day),
}
USUAL: Final = ("when", "method", "state")


def found(
    selection: Selection, columns: Sequence[str], size: int, place: Place
) -> list[PaymentRow]:
    """The first rows of a selection beyond a place. One statement where one index leads there."""
    wanted = ", ".join([_ALWAYS, *(COLUMNS[name].sql for name in columns)])
    fixed = len(PaymentRow._fields) - 1
    answer = finding.found(selection, wanted, size, place)
    return [PaymentRow(*row[:fixed], row[fixed:]) for row in answer]


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
    shown = [COLUMNS[name] for name in columns]
    heads = "".join(f"<th>{escape(column.title)}</th>" for column in shown)
    cells = [(column.begin, column.html) for column in shown]
    lead = _lead_of_link if of_link else _lead
    body = "".join(_row(row, cells, lead(row, address(row.id), pick=pick)) for row in rows)
    return mark_safe(  # noqa: S308 - made of escaped parts
        f'<table class="data"><caption class="sr-only">{escape(_("Payments"))}</caption>'
        f"<thead><tr><th>{escape(_('Payment'))}</th>{heads}"
        f'<th class="num">{escape(_("Amount"))}</th></tr></thead><tbody>{body}</tbody></table>'
    )


Cells = Sequence[tuple[str, Callable[[Any], str]]]


def _row(row: PaymentRow, cells: Cells, lead: str) -> str:
    pairs = zip(cells, row.chosen, strict=True)
    middle = "".join([f"{begin}{html(value)}</td>" for (begin, html), value in pairs])
    return f'<tr>{lead}{middle}<td class="num">{_amount(row)}</td></tr>'


def _lead(row: PaymentRow, address: str, *, pick: bool) -> str:
    link = _link(row, address, escape(row.description))
    under = f'<span class="under mono max-sm:hidden">{escape(row.order_id)}</span>'
    return f'<td class="lead">{link}{under}{_box(row) if pick else ""}</td>'


def _lead_of_link(row: PaymentRow, address: str, *, pick: bool) -> str:
    link = _link(row, address, f'<span class="mono">{escape(row.order_id)}</span>')
    return f'<td class="lead">{link}{_box(row) if pick else ""}</td>'


def _link(row: PaymentRow, address: str, words: str) -> str:
    return f'<a class="row-link" id="p{row.id.hex}" href="{escape(address)}">{words}</a>'


def _box(row: PaymentRow) -> str:
    label = escape(_("Choose %(order_id)s") % {"order_id": row.order_id})
    return (
        f'<input class="checkbox pick" type="checkbox" form="picked" name="id" value="{row.id}"'
        f' aria-label="{label}">'
    )


def _amount(row: PaymentRow) -> str:
    parts = [format_inr(row.arrived_paise)]
    if row.arrived_paise != row.amount_paise:
        asked = _("%(amount)s asked") % {"amount": format_inr(row.amount_paise)}
        parts.append(f'<span class="under">{escape(asked)}</span>')
    if row.refunded_paise:
        refunded = _("%(amount)s refunded") % {"amount": format_inr(row.refunded_paise)}
        parts.append(f'<span class="under">{escape(refunded)}</span>')
    return "".join(parts)


def addresses(slug: str, live: bool, query: str = "") -> Callable[[UUID], str]:
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
        PaymentRow(
            *(row[name] for name in fixed),
            tuple(row[values.get(name, name)] for name in columns),
        )
        for row in rows
    ]
