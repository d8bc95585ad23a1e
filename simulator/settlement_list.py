"""Paytm's settlement list: flat in, flat out, in either of the two documented forms."""

import sqlite3
from datetime import date, timedelta

from django.http import HttpRequest

from simulator import checksum
from simulator.clock import ist, stamp
from simulator.protocol import Body, Malformed, decode, parse
from simulator.records import Merchant, Settlement, SettlementLine
from simulator.store import find, select

MOST_ROWS = 20
MONTHS_BACK = 183
OK = "00000000"
BAD_CHECKSUM = ("00000022", "Checksum validation failed")
ILLEGAL = ("00000030", "Illegal parameter")
TOO_OFTEN = ("00000074", "Rate limit exceeded")

Row = tuple[Settlement, SettlementLine]


def read(request: HttpRequest) -> dict[str, str]:
    """The flat request. Malformed unless every value is a string."""
    given = parse(decode(request))
    if not all(isinstance(value, str) for value in given.values()):
        raise Malformed("Every value must be a string")
    return given


def answer(
    db: sqlite3.Connection, given: dict[str, str], scenario: str, now: int
) -> tuple[Body, str | None]:
    """A page of the lines paid out on the days asked for. Not signed."""
    if scenario == "rate_limited":
        return _failure(*TOO_OFTEN), None
    merchant = find(db, Merchant, mid=given.get("MID", ""))
    if merchant is None or not _is_signed(given, merchant):
        return _failure(*BAD_CHECKSUM), None
    asked = _asked(given, now)
    if asked is None:
        return _failure(*ILLEGAL), None
    first, last, page, size = asked
    rows = visible_rows(db, merchant.mid, first.isoformat(), last.isoformat(), now)
    if not rows:
        return {"status": "RECORD_NOT_FOUND", "resultCode": OK, "totalCount": 0}, None
    shown = rows[(page - 1) * size : page * size]
    head = {"status": "SUCCESS", "resultCode": OK, "totalCount": len(rows)}
    if scenario == "detail_list":
        return head | {"settlementDetailList": [_detail(*row) for row in shown]}, None
    inner = {"settlementTransactionList": [_transaction(*row) for row in shown]}
    return head | {"settlementListResponse": inner}, None


def visible_rows(db: sqlite3.Connection, mid: str, first: str, last: str, now: int) -> list[Row]:
    """Every line that reports have by now, of the payouts of these days."""
    return [
        (payout, line)
        for payout in select(db, Settlement, mid=mid)
        if first <= payout.day <= last
        for line in select(db, SettlementLine, utr=payout.utr)
        if line.visible is not None and line.visible <= now
    ]


def _is_signed(given: dict[str, str], merchant: Merchant) -> bool:
    rest = {name: value for name, value in given.items() if name != "checksumHash"}
    signature = given.get("checksumHash", "")
    return checksum.verify(checksum.join(rest), merchant.merchant_key, signature)


def _asked(given: dict[str, str], now: int) -> tuple[date, date, int, int] | None:
    """First and last day, page and page size; None for what Paytm does not take."""
    try:
        first = date.fromisoformat(given["utrProcessedStartTime"])
        last = date.fromisoformat(given.get("utrProcessedEndTime") or str(first))
        page, size = int(given["pageNum"]), int(given["pageSize"])
    except (KeyError, ValueError):
        return None
    oldest = ist(now).date() - timedelta(days=MONTHS_BACK)
    days = (last - first).days
    if not 0 <= days <= 1 or first < oldest or page < 1 or not 1 <= size <= MOST_ROWS:
        return None
    return first, last, page, size


def _failure(code: str, message: str) -> Body:
    return {"status": "FAILURE", "resultCode": code, "errorMessage": message}


def _transaction(payout: Settlement, line: SettlementLine) -> Body:
    return {
        "ORDERID": line.order_id,
        "TXNID": line.txn_id,
        "TXNTYPE": line.kind,
        "TXNDATE": stamp(line.txn_time),
        "TXNAMOUNT": signed(line.gross),
        "COMMISSION": signed(line.commission),
        "GST": signed(line.gst),
        "SETTLEDAMOUNT": signed(line.settled),
        "UTR": payout.utr,
        "SETTLEDDATE": f"{payout.day} 00:00:00.0",
        "PAYOUTAMOUNT": signed(payout.amount),
    }


def _detail(payout: Settlement, line: SettlementLine) -> Body:
    return {
        "orderId": line.order_id,
        "txnId": line.txn_id,
        "transactionType": line.kind,
        "txnDate": stamp(line.txn_time),
        "amount": signed(line.gross),
        "commission": signed(line.commission),
        "gst": signed(line.gst),
        "settleAmount": signed(line.settled),
        "utr": payout.utr,
        "settledDate": payout.day,
        "payoutAmount": signed(payout.amount),
    }


def signed(paise: int) -> str:
    """-12345 paise as `"-123.45"`."""
    return f"{'-' if paise < 0 else ''}{abs(paise) // 100}.{abs(paise) % 100:02}"
