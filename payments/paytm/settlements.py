"""Rows of Paytm's settlement reports: of its list interface and of its dashboard's file.

Paytm's pages disagree about names (ORDERID or orderId, SETTLEDAMOUNT or settleAmount), and the
dashboard's file has others again: a name is read by its letters alone. Amounts are read exactly;
what is in doubt is a BadRow that names the row, never a guess.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import Enum
from typing import Any

from payments.paytm.errors import BadRow
from payments.paytm.redaction import blank_pairs

IST = timezone(timedelta(hours=5, minutes=30))

NAMES = {
    "order_id": ("orderid", "merchantorderid", "merchantorder"),
    "txn_id": ("txnid", "transactionid", "paytmtransactionid", "paytmtxnid"),
    "refund_id": ("refundid", "refundtxnid", "paytmrefundid"),
    "kind": ("transactiontype", "txntype", "type"),
    "gross": ("transactionamount", "txnamount", "grossamount", "gross", "amount"),
    "commission": ("commission", "commissionamount", "mdr", "mdramount", "fee"),
    "gst": ("gst", "gstamount", "tax", "taxamount", "taxes"),
    "settled": (
        *("settledamount", "settleamount", "settlementamount", "netsettledamount"),
        *("netamount", "net"),
    ),
    "utr": ("utr", "utrno", "utrnumber", "payoututr"),
    "paid_on": (
        *("settleddate", "settlementdate", "payoutdate", "settledat", "settledon"),
        *("utrprocesseddate", "utrprocessedtime"),
    ),
    "txn_at": ("transactiondate", "txndate", "transactiontime"),
    "payout": ("payoutamount", "totalpayoutamount", "payouttotal", "utramount"),
}
"""What we read of a row → its names in Paytm's pages, integrators' code and the file."""

FIELDS = {name: known for known, names in NAMES.items() for name in names}
_NEEDED = ("commission", "gst", "settled")

_AMOUNT = re.compile(
    r"([+-]?)([0-9]{1,10}|[0-9]{1,3}(?:,[0-9]{2,3}){0,4},[0-9]{3})(?:\.([0-9]{1,2})0{0,6})?"
)
_ID = re.compile(r"[!-~]{1,64}")
_ROUNDED = re.compile(r"[0-9.]+[eE]\+[0-9]+")  # what a spreadsheet makes of a long number
_SALES = frozenset({"", "sale", "acquiring", "payment", "capture", "txn", "transaction"})
_DAYS = ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%d %b %Y", "%d-%b-%Y", "%Y/%m/%d")
_TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S")
_GARNISH = re.compile(r"\.[0-9]{1,6}\Z|(?<=:[0-9]{2})(?:\+05:?30|Z)?\Z")


class SettlementKind(Enum):
    SALE = "sale"
    REFUND = "refund"
    OTHER = "other"  # a chargeback, a correction, a word that we do not know


@dataclass(frozen=True)
class SettlementRow:
    """One line of a payout, signed paise of the merchant's: what it adds to the payout.

    A sale has gross ≥ 0; a refund's gross and settled are ≤ 0. `gross` is the payer's money,
    `settled` what is left after commission and GST, as stated; that they add up is the caller's
    to check. `txn_id` is Paytm's id of the payment or of the refund. `payout_paise` is the whole
    payout's amount where the row states it. `raw` is the row, secrets blanked.
    """

    kind: SettlementKind
    order_id: str
    txn_id: str
    gross_paise: int
    commission_paise: int
    gst_paise: int
    settled_paise: int
    utr: str
    paid_on: date
    txn_at: datetime | None
    payout_paise: int | None
    raw: Mapping[str, str] = field(repr=False)


def letters(name: str) -> str:
    """A column's name without what people write differently: case, blanks, points, underscores."""
    return re.sub(r"[^a-z]", "", name.lower())


def signed_paise(text: str) -> int:
    """`-1,234.50`, `12`, `0.5`, `18.00000` → paise. Raises ValueError for every other form."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError("not an amount in rupees")
    sign, rupees, decimals = match.groups(default="")
    paise = int(rupees.replace(",", "")) * 100 + int(decimals.ljust(2, "0"))
    return -paise if sign == "-" else paise


def raw_row(row: Mapping[str, Any]) -> dict[str, str]:
    """A row as it may be stored: texts alone, secrets blanked."""
    texts = ((str(name)[:80], str(value)[:200]) for name, value in row.items() if value is not None)
    return dict(blank_pairs(texts))


def read_rows(rows: Iterable[Mapping[str, str]], day: date | None = None) -> list[SettlementRow]:
    """Rows as `raw_row` gives them, numbered from 1. Raises BadRow for the first in doubt.

    `day` is when they were paid out, where they do not say it themselves.
    """
    return [read_row(number, row, day) for number, row in enumerate(rows, 1)]


def read_row(number: int, row: Mapping[str, str], day: date | None = None) -> SettlementRow:
    """Read one row. Raises BadRow with this number and the column in doubt."""
    stated = _stated(number, row)
    for name in _NEEDED:
        if not stated.get(name):
            raise BadRow(number, name, "missing")
    kind = _kind(stated)
    commission, gst, settled = (_paise(number, stated, name) for name in _NEEDED)
    gross = _paise(number, stated, "gross") if stated.get("gross") else settled + commission + gst
    if kind is SettlementKind.REFUND:
        gross, settled = -abs(gross), -abs(settled)
    elif gross + commission + gst == settled:  # deductions written with their minus
        commission, gst = -commission, -gst
    paid_on = _day(number, stated) if stated.get("paid_on") else day
    if paid_on is None:
        raise BadRow(number, "paid_on", "missing")
    return SettlementRow(
        kind=kind,
        order_id=_id(number, stated, "order_id"),
        txn_id=_id(number, stated, "refund_id") or _id(number, stated, "txn_id"),
        gross_paise=gross,
        commission_paise=commission,
        gst_paise=gst,
        settled_paise=settled,
        utr=_id(number, stated, "utr"),
        paid_on=paid_on,
        txn_at=_moment(stated.get("txn_at", "")),
        payout_paise=_paise(number, stated, "payout") if stated.get("payout") else None,
        raw=row,
    )


def _stated(number: int, row: Mapping[str, str]) -> dict[str, str]:
    """What the row says by our names; two columns of one meaning must say the same."""
    stated: dict[str, str] = {}
    for name, value in row.items():
        known, text = FIELDS.get(letters(name)), value.strip().removeprefix("'").strip()
        if known is None or text.lower() in ("", "null", "-", "na", "n/a"):
            continue
        if stated.setdefault(known, text) != text:
            raise BadRow(number, known, "two values")
    return stated


def _kind(stated: Mapping[str, str]) -> SettlementKind:
    word = letters(stated.get("kind", ""))
    if "refund" in word and "revers" not in word:
        return SettlementKind.REFUND
    if word not in _SALES:
        return SettlementKind.OTHER
    if not word and stated["settled"].startswith("-"):
        return SettlementKind.REFUND
    return SettlementKind.SALE


def _paise(number: int, stated: Mapping[str, str], name: str) -> int:
    try:
        return signed_paise(stated[name])
    except ValueError as error:
        raise BadRow(number, name, stated[name][:40]) from error


def _id(number: int, stated: Mapping[str, str], name: str) -> str:
    value = stated.get(name, "")
    if value and (not _ID.fullmatch(value) or _ROUNDED.fullmatch(value)):
        raise BadRow(number, name, value[:40])
    return value


def _day(number: int, stated: Mapping[str, str]) -> date:
    moment = _moment(stated["paid_on"])
    if moment is None:
        raise BadRow(number, "paid_on", stated["paid_on"][:40])
    return moment.date()


def _moment(text: str) -> datetime | None:
    """A day, with or without its time, in Indian time, as Paytm's pages and files write it."""
    plain = _GARNISH.sub("", text)
    for form in (day + time for day in _DAYS for time in _TIMES):
        try:
            return datetime.strptime(plain, form).replace(tzinfo=IST)
        except ValueError:
            continue
    return None
