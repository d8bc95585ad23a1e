"""Payments as rows to take away: which columns there are, and a whole selection of one moment.

Amounts, days and the guard against formulas are written by the database, so a million rows cost
little more than COPY. They are read over connections of their own, in one snapshot, however long
that takes and whatever else this process does meanwhile; in slices of time, so that few slices are
in memory, and so that any selection costs one walk along its days at most.
"""

import io
import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, NamedTuple, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2.extensions import QuotedString

from payments import searching
from payments.methods import Method
from payments.selecting import Condition, Selection, given, joined
from payments.states import PaymentState
from tenants import schema
from tenants.current import zone

BOM: Final = "\ufeff"  # without it Excel takes UTF-8 for the PC's old code page
AT_FIRST: Final = 500  # payments of the first slice, so that the reader sees something at once
AT_ONCE: Final = 6_000  # of the later ones: about 1.5 megabytes of CSV, and three of them at once
FEWER: Final = 4_000  # where each value becomes an object
LONGEST_TEXT: Final = 32_767  # of a cell in Excel
# Code points of = + - @, tab and line ends, and of the first four in full width: a cell that begins
# so may be run as a formula by a spreadsheet. dashboard.exports has the same for tables in Python.
FORMULA: Final = (61, 43, 45, 64, 9, 10, 13, 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)


T = TypeVar("T")


class Kind(Enum):
    """What stands in a column, and so how a spreadsheet should take it."""

    TEXT = auto()  # other people's words, which may look like a formula
    WORD = auto()  # ours: neither a formula nor a comma is among them
    RUPEES = auto()
    MOMENT = auto()
    DAY = auto()


@dataclass(frozen=True)
class Heading:
    """A column by its name in addresses, where lists have the same. `always`: lists show it
    without being asked. Not `usual`: it takes a look-up for each row, and so comes by its name
    alone."""

    name: str
    heading: str | Promise
    kind: Kind
    always: bool = field(default=False, kw_only=True)
    usual: bool = field(default=True, kw_only=True)


@dataclass(frozen=True)
class Column(Heading):
    """`sql` gives a payment's value over FROM and LINKED: paise, a time, words. Where there is a
    `gate` it is looked up for those payments alone of which that is true, and "" for the others.
    """

    sql: str | Callable[[], str]
    gate: str = ""

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
    return str(quoted.getquoted().decode()).replace("%", "%%")


# What a payment's row says is what was booked with it. Few transfers come later and say something
# else, reversals above all: `models.ledger` has an index of them, in these words.
CORRECTING: Final = "(t.reverses_id IS NOT NULL OR t.debit IN ('sales', 'surplus', 'adjustments'))"
_CORRECTED: Final = f"""CASE WHEN p.id IN (SELECT t.payment_id FROM payments_transfer AS t
        WHERE {CORRECTING} AND t.payment_id IS NOT NULL)
    THEN %s + (SELECT coalesce(sum(%s), 0)::bigint FROM payments_transfer AS t
        WHERE t.payment_id = p.id AND {CORRECTING} AND %s) ELSE %s END"""  # noqa: S608
RECEIVED: Final = _CORRECTED % (
    "p.received_paise",
    "CASE WHEN t.credit IN ('sales', 'surplus') THEN t.paise ELSE 0 END"
    " - CASE WHEN t.debit IN ('sales', 'surplus') THEN t.paise ELSE 0 END",
    "t.refund_id IS NULL",
    "p.received_paise",
)
REFUNDED: Final = _CORRECTED % (
    "p.refunded_paise",
    "CASE WHEN t.credit = 'receivable' THEN t.paise ELSE -t.paise END",
    "t.refund_id IS NOT NULL AND t.reverses_id IS NOT NULL",
    "p.refunded_paise",
)
FROM: Final = "payments_payment AS p"
LINKED: Final = "LEFT JOIN payments_link AS l ON l.id = p.link_id"
ORDER: Final = "p.created_at DESC, p.id"
_ANSWERS: Final = """(SELECT coalesce(string_agg((pair->>0) || ': ' || (pair->>1), '; '
    ORDER BY place), '') FROM jsonb_array_elements(p.answers) WITH ORDINALITY AS told (pair, place)
)"""
_TAGS: Final = """(SELECT coalesce(string_agg(t.name, ', ' ORDER BY t.name), '')
    FROM payments_paymenttag AS t WHERE t.payment_id = p.id)"""
_NOTES: Final = """(SELECT coalesce(string_agg(t.words, E'\n' ORDER BY t.id), '')
    FROM payments_timelineentry AS t WHERE t.payment_id = p.id AND t.kind = 'note')"""
_TAGGED: Final = "EXISTS (SELECT FROM payments_paymenttag AS t WHERE t.payment_id = p.id)"
# As lists say it, the usual ends first: they are compared in this order.
_STATES: Final = [
    (state, gettext_lazy("Being checked") if state == PaymentState.UNKNOWN else label)
    for state, label in sorted(PaymentState.choices, key=lambda choice: choice[0] != "paid")
]

COLUMNS: Final = (
    Column("when", gettext_lazy("Time"), Kind.MOMENT, "p.created_at"),
    Column("order_id", gettext_lazy("Order ID"), Kind.WORD, "p.order_id", always=True),
    Column("description", gettext_lazy("For"), Kind.TEXT, "p.description", always=True),
    Column("state", gettext_lazy("State"), Kind.WORD, _labels("p.state", _STATES)),
    Column("asked", gettext_lazy("Asked (INR)"), Kind.RUPEES, "p.amount_paise", always=True),
    Column("received", gettext_lazy("Received (INR)"), Kind.RUPEES, RECEIVED, always=True),
    Column("refunded", gettext_lazy("Refunded (INR)"), Kind.RUPEES, REFUNDED, always=True),
    Column("method", gettext_lazy("Method"), Kind.WORD, _labels("p.method", Method.choices)),
    Column("customer", gettext_lazy("Customer"), Kind.TEXT, "p.payer_name"),
    Column("email", gettext_lazy("E-mail"), Kind.TEXT, "p.payer_email"),
    Column("phone", gettext_lazy("Phone"), Kind.TEXT, "p.payer_phone"),
    Column("answers", gettext_lazy("Answers"), Kind.TEXT, _ANSWERS, gate="p.answers <> '[]'"),
    Column("reference", gettext_lazy("Link’s reference"), Kind.TEXT, "l.reference", usual=False),
    Column("tags", gettext_lazy("Tags"), Kind.TEXT, _TAGS, gate=_TAGGED),
    Column("notes", gettext_lazy("Notes"), Kind.TEXT, _NOTES, usual=False),
    Column("paid_at", gettext_lazy("Paid at"), Kind.MOMENT, "p.paid_at"),
    Column("settled", gettext_lazy("Paid out on"), Kind.DAY, "p.settled_on"),
    Column("payer_bank", gettext_lazy("Payer’s bank"), Kind.TEXT, "p.bank"),
    Column("paytm", gettext_lazy("Paytm’s ID"), Kind.TEXT, "p.paytm_txn_id"),
    Column("bank", gettext_lazy("Bank reference"), Kind.TEXT, "p.bank_txn_id"),
    Column("result", gettext_lazy("Paytm’s words"), Kind.TEXT, "p.result_message"),
)


def chosen(names: Collection[str]) -> list[Column]:
    """The columns of these names, in the table's order, with those that are always there; the
    usual ones where none is known."""
    known = {column.name for column in COLUMNS} & {*names}
    if not known:
        return [column for column in COLUMNS if column.usual]
    return [column for column in COLUMNS if column.always or column.name in known]


def headings(columns: Sequence[Heading]) -> list[str]:
    """In the language at hand; times say the merchant's zone."""
    in_zone = _("%(heading)s (%(zone)s)")
    return [
        in_zone % {"heading": column.heading, "zone": zone()}
        if column.kind is Kind.MOMENT
        else str(column.heading)
        for column in columns
    ]


class Mark(NamedTuple):
    """Where a slice begins, and how many payments it may hold."""

    until: datetime | None
    most: int


def _answer(connection: Any, sql: str, values: Sequence[object] = ()) -> Any:
    """The one value that is asked for; None when there is no row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    return row[0] if row else None


def _copied(connection: Any, statement: Condition) -> tuple[int, bytes]:
    """A slice as CSV, and how many payments are in it."""
    with connection.cursor() as cursor:
        part = io.BytesIO()
        copy = b"COPY (" + cursor.mogrify(*statement) + b") TO STDOUT (FORMAT csv)"
        cursor.copy_expert(copy, part)
        return cursor.rowcount, part.getvalue()


def _fetched(connection: Any, statement: Condition) -> list[tuple[Any, ...]]:
    """A slice as rows."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return [*cursor.fetchall()]


@dataclass(frozen=True)
class Sums:
    """Of a selection, in paise, as the books hold it."""

    count: int
    received_paise: int
    refunded_paise: int


class Reading:
    """A selection's payments, newest first, as they are at one moment: when this is made.

    Made inside the tenant; may be read on from anywhere, by one reader. To be closed. Long ones
    are read over two connections at a time, which look at one snapshot.
    """

    def __init__(self, selection: Selection, columns: Sequence[Column]) -> None:
        self.columns, self.headings = columns, headings(columns)
        self._condition = joined(
            [*selection.conditions(), *map(searching.fitting, selection.words)]
        )
        live: Condition = ("p.live = %s", [selection.live])
        self._days = [live, *selection.days()]
        self._connect, self._zone = schema.connector(), str(zone())
        self._connections = [self._opened("")]
        self._snapshot = _answer(self._connections[0], "SELECT pg_export_snapshot()")

    def _opened(self, snapshot: str) -> Any:
        connection = self._connect()
        with connection.cursor() as cursor:
            if snapshot:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            cursor.execute("SET LOCAL TIME ZONE %s", [self._zone])
            # Slices come in the order of their index: whatever is joined must keep it.
            cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL work_mem = '64MB'")
        return connection

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def sums(self) -> Sums:
        condition, values = self._condition
        with self._connections[0].cursor() as cursor:
            cursor.execute(
                f"SELECT count(*), coalesce(sum({RECEIVED}), 0)::bigint,"  # noqa: S608
                f" coalesce(sum({REFUNDED}), 0)::bigint FROM {FROM} WHERE {condition}",
                values,
            )
            return Sums(*cursor.fetchone())

    def csv(self) -> Iterator[tuple[int, bytes]]:
        """The file in parts, each with how many payments are in it. The first has the heading."""
        head = f"{BOM}{','.join(map(_quoted, self.headings))}\n".encode()
        wanted = ", ".join(map(self._cell, self.columns))
        for count, part in self._slices(wanted, AT_ONCE, _copied):
            if head or part:
                yield count, head + part
            head = b""

    def rows(self) -> Iterator[list[tuple[Any, ...]]]:
        """Some rows at a time, as a workbook takes them: paise, times without a zone in the
        merchant's, days, and texts of no more characters than a cell of Excel has."""
        wanted = ", ".join(
            f"left({self._value(column)}, {LONGEST_TEXT})"
            if column.kind is Kind.TEXT
            else self._value(column)
            for column in self.columns
        )
        return self._slices(wanted, FEWER, _fetched)

    def _slices(self, wanted: str, size: int, take: Callable[[Any, Condition], T]) -> Iterator[T]:
        """What `take` makes of each slice, in order. Slices hold about so many of the world's
        payments, whichever of these are selected; payments of one moment stay together."""
        under_way = deque[Future[T | None]]()
        begin = Future[Mark | None]()
        begin.set_result(Mark(None, AT_FIRST))

        def taken(turn: int, begin: "Future[Mark | None]", end: "Future[Mark | None]") -> T | None:
            mark, since = self._place(turn, begin, end, size)
            if mark is None:
                return None
            return take(self._connection(turn), self._statement(wanted, mark.until, since))

        with ThreadPoolExecutor(2) as aside:
            for turn in itertools.count():
                if turn > 1:
                    found = under_way.popleft().result()
                    if found is None:
                        break
                    yield found
                end = Future[Mark | None]()
                under_way.append(aside.submit(taken, turn, begin, end))
                begin = end

    def _place(
        self, turn: int, begin: "Future[Mark | None]", end: "Future[Mark | None]", size: int
    ) -> tuple["Mark | None", datetime | None]:
        """Where the slice of this turn begins and ends. The latter is told before it is read, for
        then the next one can be read beside it."""
        try:
            mark = begin.result()
            since = self._step(self._connection(turn), mark) if mark else None
            end.set_result(Mark(since, min(4 * mark.most, size)) if mark and since else None)
        except BaseException as error:
            end.set_exception(error)
            raise
        return mark, since

    def _connection(self, turn: int) -> Any:
        """Whichever is not asked by the turn before; the second one only where it is needed."""
        if turn and len(self._connections) == 1:
            self._connections.append(self._opened(self._snapshot))
        return self._connections[turn % 2]

    def _statement(self, wanted: str, until: datetime | None, since: datetime | None) -> Condition:
        source = f"{FROM} {LINKED}" if "l." in wanted else FROM
        moments = [*given("p.created_at <= %s", until), *given("p.created_at > %s", since)]
        where, values = joined([self._condition, *moments])
        return f"SELECT {wanted} FROM {source} WHERE {where} ORDER BY {ORDER}", values  # noqa: S608

    def _step(self, connection: Any, mark: "Mark") -> datetime | None:
        """The moment after which about so many payments were begun, up to the mark's; None at the
        end."""
        since = self._moment(connection, [*given("p.created_at <= %s", mark.until)], mark.most)
        if since is not None and since == mark.until:
            return self._moment(connection, [*given("p.created_at < %s", mark.until)], 0)
        return since

    def _moment(
        self, connection: Any, bounds: Sequence[Condition], skipped: int
    ) -> datetime | None:
        where, values = joined([*self._days, *bounds])
        sql = f"""SELECT p.created_at FROM payments_payment AS p WHERE {where}
            ORDER BY p.created_at DESC OFFSET {skipped:d} LIMIT 1"""  # noqa: S608
        moment: datetime | None = _answer(connection, sql, values)
        return moment

    def _value(self, column: Column) -> str:
        if column.kind is Kind.MOMENT:
            return f"date_trunc('second', {column.value}::timestamp)"
        if column.gate:
            return f"CASE WHEN {column.gate} THEN {column.value} ELSE '' END"
        return column.value

    def _cell(self, column: Column) -> str:
        """The value as CSV has it, in SQL."""
        value = column.value
        if column.kind is Kind.RUPEES:
            return f"({value}) * 0.01"
        if column.kind is not Kind.TEXT:
            return self._value(column)
        if "(" not in value:
            return _guarded(value)
        # Computed once, however often it is looked at.
        once = f"(SELECT {_guarded('v')} FROM (SELECT {value} AS v OFFSET 0) AS once)"  # noqa: S608
        return f"CASE WHEN {column.gate or 'true'} THEN {once} ELSE '' END"


def _guarded(value: str) -> str:
    """Other people's words, in SQL, with an apostrophe before what may be run as a formula."""
    codes = ", ".join(map(str, FORMULA))
    return f"CASE WHEN ascii({value}) IN ({codes}) THEN '''' || {value} ELSE {value} END"


def _quoted(heading: str) -> str:
    return '"' + heading.replace('"', '""') + '"'


def csv_parts(
    selection: Any, columns: Sequence[Any], begin: Callable[..., Any] = Reading
) -> Iterator[bytes]:
    """The selection as a CSV file, part by part. The first is to be taken inside the tenant, the
    others anywhere; its connection is closed at the end, or when the generator is."""
    with closing(begin(selection, columns)) as reading:
        for _count, part in reading.csv():
            yield part
