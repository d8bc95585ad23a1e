"""Refunds as rows to take away, as `payments.exporting` has payments.

There are far fewer of them, and the day by which a payer should have their money is known to Python
alone: so the rows come by a cursor of the database and are written here.
"""

import csv
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext_lazy, pgettext_lazy

from payments import ledger
from payments.crediting import expected_on
from payments.exporting import BOM, FORMULA, LONGEST_TEXT, Heading, Kind, headings
from payments.methods import Method
from payments.models import Payment, Refund
from payments.money import plain_inr
from payments.refund_selecting import RefundSelection
from payments.states import RefundState
from tenants import schema
from tenants.current import zone

AT_ONCE: Final = 2_000


@dataclass(frozen=True)
class RefundColumn(Heading):
    """`value` is what a refund has there: paise, a time, a day, words; None where it has none."""

    value: Callable[[Refund], Any]


def _state(refund: Refund) -> str:
    if refund.state == RefundState.DONE:
        return str(pgettext_lazy("refund", "Refunded"))
    return refund.get_state_display()


def _method(refund: Refund) -> str:
    method = refund.payment.method
    return str(Method(method).label) if method else ""


def _given_back(refund: Refund) -> int:
    return int(refund.given_back_paise)  # type: ignore[attr-defined]  # read with it


COLUMNS: Final = (
    RefundColumn("ref_id", gettext_lazy("Refund ID"), Kind.WORD, lambda r: r.ref_id, always=True),
    RefundColumn("when", gettext_lazy("Asked for at"), Kind.MOMENT, lambda r: r.created_at),
    RefundColumn("state", gettext_lazy("State"), Kind.WORD, _state),
    RefundColumn(
        "asked", gettext_lazy("Amount (INR)"), Kind.RUPEES, lambda r: r.amount_paise, always=True
    ),
    RefundColumn(
        "given_back", gettext_lazy("Given back (INR)"), Kind.RUPEES, _given_back, always=True
    ),
    RefundColumn("reason", gettext_lazy("Reason"), Kind.TEXT, lambda r: r.reason),
    RefundColumn("comment", gettext_lazy("Comment"), Kind.TEXT, lambda r: r.comment),
    RefundColumn("by", gettext_lazy("Asked by"), Kind.TEXT, lambda r: r.asked_by),
    RefundColumn("judge", gettext_lazy("Decided by"), Kind.TEXT, lambda r: r.judged_by_name),
    RefundColumn("final", gettext_lazy("Final at"), Kind.MOMENT, lambda r: r.decided_at),
    RefundColumn(
        "bank", gettext_lazy("Bank reference (RRN)"), Kind.TEXT, lambda r: r.bank_reference
    ),
    RefundColumn("arn", gettext_lazy("Card reference (ARN)"), Kind.TEXT, lambda r: r.arn),
    RefundColumn("paytm", gettext_lazy("Paytm refund ID"), Kind.TEXT, lambda r: r.paytm_refund_id),
    RefundColumn("expected", gettext_lazy("Payer should have it by"), Kind.DAY, expected_on),
    RefundColumn(
        "order_id", gettext_lazy("Order ID"), Kind.WORD, lambda r: r.payment.order_id, always=True
    ),
    RefundColumn(
        "description",
        gettext_lazy("Payment for"),
        Kind.TEXT,
        lambda r: r.payment.description,
        always=True,
    ),
    RefundColumn("method", gettext_lazy("Method"), Kind.WORD, _method),
    RefundColumn("customer", gettext_lazy("Payer"), Kind.TEXT, lambda r: r.payment.payer_name),
    RefundColumn(
        "email", gettext_lazy("Payer's e-mail"), Kind.TEXT, lambda r: r.payment.payer_email
    ),
    RefundColumn(
        "phone", gettext_lazy("Payer's phone"), Kind.TEXT, lambda r: r.payment.payer_phone
    ),
)
# What is read of each table, in the order that `from_db` wants.
OWN: Final = [field.attname for field in Refund._meta.concrete_fields]
_OF_PAYMENTS: Final = ("id", "order_id", "description", "method")
_OF_PAYERS: Final = ("payer_name", "payer_email", "payer_phone")
PAID: Final = [
    field.attname
    for field in Payment._meta.concrete_fields
    if field.attname in (*_OF_PAYMENTS, *_OF_PAYERS)
]


def chosen(names: Collection[str]) -> list[RefundColumn]:
    """As `exporting.chosen`; none of these is too dear to be usual."""
    known = {column.name for column in COLUMNS} & {*names}
    return [column for column in COLUMNS if column.always or not known or column.name in known]


@dataclass(frozen=True)
class RefundSums:
    """Of a selection, in paise; what was given back as the books hold it."""

    count: int
    asked_paise: int
    refunded_paise: int


class RefundReading:
    """A selection's refunds, newest first, as they are at one moment: that of the first question.

    Begun inside the tenant; may be read on from anywhere, by one reader. To be closed.
    """

    def __init__(self, selection: RefundSelection, columns: Sequence[RefundColumn]) -> None:
        self.columns, self.headings = columns, headings(columns)
        self._zone, self._language = zone(), translation.get_language()
        refunds = selection.refunds().annotate(given_back_paise=ledger.given_back_of_each())
        wanted = refunds.order_by("-created_at", "id").values_list(
            *OWN, "given_back_paise", *(F(f"payment__{name}") for name in PAID)
        )
        self._statement = wanted.query.sql_with_params()
        self._sums = refunds.order_by().values_list("amount_paise", "given_back_paise")
        connect = schema.connector()
        self._own = connect()

    def close(self) -> None:
        self._own.close()

    def sums(self) -> RefundSums:
        sql, values = self._sums.query.sql_with_params()
        with self._own.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), coalesce(sum(asked), 0)::bigint, coalesce(sum(back), 0)::bigint"  # noqa: S608
                f" FROM ({sql}) AS r (asked, back)",
                values,
            )
            return RefundSums(*cursor.fetchone())

    def csv(self) -> Iterator[tuple[int, bytes]]:
        """The file in parts, each with how many refunds are in it. The first has the heading."""
        head = BOM.encode() + _lines([self.headings])
        for refunds in self._slices():
            yield len(refunds), head + _lines(self._drawn(refunds, self._cell))
            head = b""
        if head:
            yield 0, head

    def rows(self) -> Iterator[list[tuple[Any, ...]]]:
        """Some rows at a time, as a workbook takes them, see `exporting.Reading.rows`."""
        for refunds in self._slices():
            yield self._drawn(refunds, self._value)

    def _slices(self) -> Iterator[list[Refund]]:
        with self._own.cursor(name="refunds") as cursor:
            cursor.execute(*self._statement)
            while found := cursor.fetchmany(AT_ONCE):
                yield [*map(_refund, found)]

    def _drawn(
        self, refunds: Sequence[Refund], draw: Callable[[RefundColumn, Refund], Any]
    ) -> list[tuple[Any, ...]]:
        """Whoever reads on may speak another language by then."""
        with translation.override(self._language):
            return [tuple(draw(column, each) for column in self.columns) for each in refunds]

    def _value(self, column: RefundColumn, refund: Refund) -> Any:
        value = column.value(refund)
        if isinstance(value, datetime):
            return value.astimezone(self._zone).replace(microsecond=0, tzinfo=None)
        return value[:LONGEST_TEXT] if isinstance(value, str) else value

    def _cell(self, column: RefundColumn, refund: Refund) -> Any:
        value = column.value(refund)
        if column.kind is Kind.RUPEES:
            return plain_inr(value)
        if column.kind is Kind.TEXT and value and ord(value[0]) in FORMULA:
            return f"'{value}"
        return self._value(column, refund)


def _refund(row: tuple[Any, ...]) -> Refund:
    """The refund of a row, with its payment as far as it was read."""
    refund = Refund.from_db("default", OWN, row[: len(OWN)])
    refund.given_back_paise = row[len(OWN)]  # type: ignore[attr-defined]
    refund.payment = Payment.from_db("default", PAID, row[len(OWN) + 1 :])
    return refund


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)  # of other line ends it would leave "\r" without quotes
    return text.getvalue().encode()
