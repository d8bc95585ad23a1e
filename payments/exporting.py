"""Payments as rows to take away: which columns there are, and a whole selection of one moment.

Amounts, days and the guard against formulas are written by the database, so a million rows cost
little more than reading them. They are read over a connection of their own, in one snapshot,
however long that takes and whatever else this process does meanwhile.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2.extensions import QuotedString

from payments.methods import Method
from payments.selecting import Selection
from payments.states import PaymentState
from tenants import schema
from tenants.current import zone

BOM: Final = "\ufeff"  # without it Excel takes UTF-8 for the PC's old code page
NEW_LINE: Final = "\r\n"
AT_ONCE: Final = 4_000  # rows of a round trip, about a megabyte
LONGEST_TEXT: Final = 32_767
AT_FIRST: Final = 200  # of the first one, so that the reader sees something at once
# Code points of = + - @, tab and line ends, and of the first four in full width: a cell that begins
# so may be run as a formula by a spreadsheet. dashboard.exports has the same for tables in Python.
FORMULA: Final = (61, 43, 45, 64, 9, 10, 13, 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)


class Kind(Enum):
    """What stands in a column, and so how a spreadsheet should take it."""

    TEXT = auto()  # other people's words, which may look like a formula
    WORD = auto()  # ours: neither a formula nor a comma is among them
    RUPEES = auto()
    MOMENT = auto()
    DAY = auto()


@dataclass(frozen=True)
class Column:
    """A column by its name in addresses, where lists have the same. `sql` gives its value over
    FROM, never NULL for a TEXT: paise, a time, words. `always`: lists show it without being asked.
    """

    name: str
    heading: str | Promise
    kind: Kind
    sql: str | Callable[[], str]
    always: bool = False

    @property
    def value(self) -> str:
        return self.sql if isinstance(self.sql, str) else self.sql()


def _labels(expression: str, choices: Sequence[tuple[str, Any]]) -> Callable[[], str]:
    """The words of a choice, in the language at hand."""

    def sql() -> str:
        cases = [f"WHEN {_text(word)} THEN {_text(label)}" for word, label in choices if word]
        return f"CASE {expression} {' '.join(cases)} ELSE '' END"

    return sql


def _text(words: Any) -> str:
    """Words of ours as SQL has them, in a statement that has places for values."""
    quoted = QuotedString(str(words))
    quoted.encoding = "utf8"
    return quoted.getquoted().decode().replace("%", "%%")


# What a payment's row says is what was booked with it. Few transfers come later and say something
# else, reversals above all: `models.ledger` has an index of them, in these words.
FROM: Final = """payments_payment AS p LEFT JOIN (
    SELECT payment_id,
        sum(CASE WHEN refund_id IS NOT NULL THEN 0
            ELSE CASE WHEN credit IN ('sales', 'surplus') THEN paise ELSE 0 END
            - CASE WHEN debit IN ('sales', 'surplus') THEN paise ELSE 0 END END)::bigint
        AS received,
        sum(CASE WHEN refund_id IS NULL OR reverses_id IS NULL THEN 0
            WHEN credit = 'receivable' THEN paise ELSE -paise END)::bigint AS refunded
    FROM payments_transfer
    WHERE reverses_id IS NOT NULL OR debit IN ('sales', 'surplus', 'adjustments')
    GROUP BY payment_id
) AS corrected ON corrected.payment_id = p.id"""
ORDER: Final = "p.created_at DESC, p.id"
RECEIVED: Final = "p.received_paise + coalesce(corrected.received, 0)"
REFUNDED: Final = "p.refunded_paise + coalesce(corrected.refunded, 0)"
_ANSWERS: Final = """CASE WHEN p.answers = '[]' THEN '' ELSE coalesce((
    SELECT string_agg((pair->>0) || ': ' || (pair->>1), '; ' ORDER BY place)
    FROM jsonb_array_elements(p.answers) WITH ORDINALITY AS told (pair, place)), '') END"""
_TAGS: Final = """coalesce((SELECT string_agg(t.name, ', ' ORDER BY t.name)
    FROM payments_paymenttag AS t WHERE t.payment_id = p.id), '')"""
_NOTES: Final = """coalesce((SELECT string_agg(t.words, E'\\n' ORDER BY t.id)
    FROM payments_timelineentry AS t WHERE t.payment_id = p.id AND t.kind = 'note'), '')"""
_REFERENCE: Final = "(SELECT l.reference FROM payments_link AS l WHERE l.id = p.link_id)"
# As lists say it.
_STATES: Final = [
    (state, gettext_lazy("Being checked") if state == PaymentState.UNKNOWN else label)
    for state, label in PaymentState.choices
]

COLUMNS: Final = (
    Column("when", gettext_lazy("Time"), Kind.MOMENT, "p.created_at"),
    Column("order_id", gettext_lazy("Order id"), Kind.WORD, "p.order_id", always=True),
    Column("description", gettext_lazy("For"), Kind.TEXT, "p.description", always=True),
    Column("state", gettext_lazy("State"), Kind.WORD, _labels("p.state", _STATES)),
    Column("asked", gettext_lazy("Asked (INR)"), Kind.RUPEES, "p.amount_paise", always=True),
    Column("received", gettext_lazy("Received (INR)"), Kind.RUPEES, RECEIVED, always=True),
    Column("refunded", gettext_lazy("Refunded (INR)"), Kind.RUPEES, REFUNDED, always=True),
    Column("method", gettext_lazy("Method"), Kind.WORD, _labels("p.method", Method.choices)),
    Column("customer", gettext_lazy("Customer"), Kind.TEXT, "p.payer_name"),
    Column("email", gettext_lazy("E-mail"), Kind.TEXT, "p.payer_email"),
    Column("phone", gettext_lazy("Phone"), Kind.TEXT, "p.payer_phone"),
    Column("answers", gettext_lazy("Answers"), Kind.TEXT, _ANSWERS),
    Column("reference", gettext_lazy("Link’s reference"), Kind.TEXT, _REFERENCE),
    Column("tags", gettext_lazy("Tags"), Kind.TEXT, _TAGS),
    Column("notes", gettext_lazy("Notes"), Kind.TEXT, _NOTES),
    Column("paid_at", gettext_lazy("Paid at"), Kind.MOMENT, "p.paid_at"),
    Column("settled", gettext_lazy("Paid out on"), Kind.DAY, "p.settled_on"),
    Column("payer_bank", gettext_lazy("Payer’s bank"), Kind.TEXT, "p.bank"),
    Column("paytm", gettext_lazy("Paytm’s id"), Kind.TEXT, "p.paytm_txn_id"),
    Column("bank", gettext_lazy("Bank reference"), Kind.TEXT, "p.bank_txn_id"),
    Column("result", gettext_lazy("Paytm’s words"), Kind.TEXT, "p.result_message"),
)


def chosen(names: Collection[str]) -> list[Column]:
    """The columns of these names, in the table's order, with those that are always there; all
    columns where none is known."""
    known = {column.name for column in COLUMNS} & {*names}
    return [column for column in COLUMNS if not known or column.always or column.name in known]


def headings(columns: Sequence[Column]) -> list[str]:
    """In the language at hand; times say the merchant's zone."""
    in_zone = _("%(heading)s (%(zone)s)")
    return [
        in_zone % {"heading": column.heading, "zone": zone()}
        if column.kind is Kind.MOMENT
        else str(column.heading)
        for column in columns
    ]


@dataclass(frozen=True)
class Sums:
    """Of a selection, in paise, as the books hold it."""

    count: int
    received_paise: int
    refunded_paise: int


class Reading:
    """A selection's payments, newest first, as they are at one moment: that of the first question.

    Begun inside the tenant; may be read on from anywhere, by one reader. To be closed.
    """

    def __init__(self, selection: Selection, columns: Sequence[Column]) -> None:
        self.columns, self.headings = columns, headings(columns)
        self._zone = _text(zone())
        condition, self._values = selection.where()
        self._rest = f"FROM {FROM} WHERE {condition}"
        self._lines = f"concat({', '.join(self._cells())})"
        self._own = schema.apart()

    def close(self) -> None:
        self._own.close()

    def sums(self) -> Sums:
        with self._own.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*), coalesce(sum({RECEIVED}), 0)::bigint,"
                f" coalesce(sum({REFUNDED}), 0)::bigint {self._rest}",
                self._values,
            )
            return Sums(*cursor.fetchone())

    def csv(self) -> Iterator[tuple[int, bytes]]:
        """The file in parts, each with how many payments are in it. The first has the heading."""
        head = f"{BOM}{','.join(map(_quoted, self.headings))}{NEW_LINE}"
        for rows in self._batches(self._lines):
            lines = [line for (line,) in rows]
            yield len(rows), (head + NEW_LINE.join([*lines, ""])).encode()
            head = ""
        if head:
            yield 0, head.encode()

    def rows(self) -> Iterator[list[tuple[Any, ...]]]:
        """Some rows at a time, as a workbook takes them: paise, times without a zone in the
        merchant's, days, and texts of no more characters than a cell of Excel has."""
        return self._batches(
            ", ".join(
                f"left({column.value}, {LONGEST_TEXT})"
                if column.kind is Kind.TEXT
                else self._value(column)
                for column in self.columns
            )
        )

    def _batches(self, wanted: str) -> Iterator[list[tuple[Any, ...]]]:
        with self._own.cursor("rows") as cursor:
            cursor.execute(
                f"SELECT {wanted} {self._rest} ORDER BY {ORDER}",
                self._values,
            )
            rows = cursor.fetchmany(AT_FIRST)
            while rows:
                yield rows
                rows = cursor.fetchmany(AT_ONCE)

    def _value(self, column: Column) -> str:
        if column.kind is Kind.MOMENT:
            return f"date_trunc('second', {column.value}) AT TIME ZONE {self._zone}"
        return column.value

    def _cells(self) -> Iterator[str]:
        """What a line is put together from: cells with commas between, in SQL."""
        for place, column in enumerate(self.columns):
            if place:
                yield "','"
            yield self._cell(column)

    def _cell(self, column: Column) -> str:
        value = self._value(column)
        if column.kind is Kind.RUPEES:
            return f"({value}) * 0.01"
        if column.kind is not Kind.TEXT:
            return value
        if value.startswith("p."):
            return _told(value)
        # Computed once, however often it is looked at.
        return f"(SELECT {_told('v')} FROM (SELECT {value} AS v OFFSET 0) AS once)"  # noqa: S608


def _told(value: str) -> str:
    """Other people's words as a cell, in SQL: in quotes, with an apostrophe before a formula."""
    codes, quoted = ", ".join(map(str, FORMULA)), f"replace({value}, '\"', '\"\"') || '\"'"
    formula = f"ascii({value}) IN ({codes})"
    return (
        f"CASE WHEN {value} = '' THEN ''"
        f" WHEN {formula} THEN '\"''' || {quoted} ELSE '\"' || {quoted} END"
    )


def _quoted(heading: str) -> str:
    return '"' + heading.replace('"', '""') + '"'


def csv_parts(selection: Selection, columns: Sequence[Column]) -> Iterator[bytes]:
    """The selection as a CSV file, part by part. The first is to be taken inside the tenant, the
    others anywhere; its connection is closed at the end, or when the generator is."""
    with closing(Reading(selection, columns)) as reading:
        for _count, part in reading.csv():
            yield part
