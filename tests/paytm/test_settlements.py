"""Paytm's settlement reports, in both documented forms and as the dashboard's file."""

import contextlib
import json
from datetime import date
from typing import Any

import paytmchecksum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.paytm import (
    BadFile,
    BadRow,
    Client,
    Refused,
    SettlementKind,
    TooOften,
    Unknown,
    read_file,
    read_rows,
)
from payments.paytm.settlement_csv import MOST_BYTES
from payments.paytm.settlements import signed_paise
from tests.paytm.server import KEY, MID, FakePaytm

DAY = date(2026, 11, 25)
UPPER = {
    "ORDERID": "ORDER_1", "TXNID": "T1", "COMMISSION": "1.80", "GST": "0.32",
    "SETTLEDAMOUNT": "97.88", "UTR": "UTR1", "CHECKSUMHASH": "secret",
}  # fmt: skip
CAMEL = {"orderId": "ORDER_1", "settleAmount": 97.88, "commission": "1.80", "gst": "0.32",
         "utr": "UTR1", "settledDate": "2026-11-25"}  # fmt: skip
HEAD = "Order ID,Transaction ID,Transaction Type,Transaction Amount,Commission,GST,"
HEAD += "Settled Amount,UTR No.,Settled Date"


def says(paytm: FakePaytm, **answer: Any) -> None:
    paytm.says(json.dumps({"status": "SUCCESS", "resultCode": "00000000"} | answer))


def test_the_question_is_flat_and_signed(paytm: FakePaytm, client: Client) -> None:
    says(paytm, settlementDetailList=[])
    client.settlement_page(DAY, 3)
    asked = json.loads(paytm.requests[0].body)
    assert paytm.requests[0].path == "/merchant-settlement-service/settlement/list"
    checksum = asked.pop("checksumHash")
    assert asked == {
        "MID": MID,
        "utrProcessedStartTime": "2026-11-25",
        "utrProcessedEndTime": "2026-11-25",
        "pageNum": "3",
        "pageSize": "20",
    }
    assert paytmchecksum.verifySignature(asked, KEY, checksum)


@pytest.mark.parametrize(
    "answer",
    [
        {"settlementListResponse": {"settlementTransactionList": [UPPER]}},
        {"settlementTransactionList": [UPPER]},
        {"settlementDetailList": [CAMEL]},
        {"settlementListResponse": {"settlementDetailList": [CAMEL], "totalCount": 1}},
    ],
)
def test_both_documented_forms_are_one_row(
    paytm: FakePaytm, client: Client, answer: dict[str, Any]
) -> None:
    says(paytm, **answer)
    page = client.settlement_page(DAY, 1)
    [row] = read_rows(page.rows, DAY)
    assert (row.order_id, row.utr, row.paid_on) == ("ORDER_1", "UTR1", DAY)
    figures = (row.gross_paise, row.commission_paise, row.gst_paise, row.settled_paise)
    assert figures == (100_00, 1_80, 32, 97_88)
    assert row.kind is SettlementKind.SALE
    assert "secret" not in str(row.raw)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"resultCode": "00000074"}, TooOften),
        ({"status": "FAILURE", "resultCode": "00000022"}, Refused),
        ({"status": "FAILURE", "resultCode": "00000030"}, Refused),
        ({"status": "FAILURE", "resultCode": "9"}, Unknown),
        ({"status": "SUCCESS"}, Unknown),
        ({"settlementDetailList": ["row"]}, Unknown),
        ({"settlementDetailList": {}}, Unknown),
    ],
)
def test_what_is_no_list_is_no_rows(
    paytm: FakePaytm, client: Client, answer: dict[str, Any], error: type[Exception]
) -> None:
    says(paytm, **answer)
    with pytest.raises(error):
        client.settlement_page(DAY, 1)


def test_a_day_without_payouts_is_empty(paytm: FakePaytm, client: Client) -> None:
    says(paytm, status="RECORD_NOT_FOUND")
    assert client.settlement_page(DAY, 1).total == 0


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"SETTLEDAMOUNT": "97.881"}, "settled"),
        ({"SETTLEDAMOUNT": "९७.८८"}, "settled"),
        ({"GST": "NaN"}, "gst"),
        ({"COMMISSION": ""}, "commission"),
        ({"ORDERID": "a b"}, "order_id"),
        ({"Order ID": "ANOTHER"}, "order_id"),
        ({"SETTLEDDATE": "25-13-2026"}, "paid_on"),
        ({"UTR": "x" * 65}, "utr"),
        ({"UTR": "1.23E+15"}, "utr"),
    ],
)
def test_what_is_in_doubt_names_its_row(changes: dict[str, str], column: str) -> None:
    rows = [UPPER, UPPER | changes]
    with pytest.raises(BadRow) as told:
        read_rows(rows, DAY)
    assert (told.value.row, told.value.column) == (2, column)


@pytest.mark.parametrize(
    ("text", "paise"),
    [("1", 100), ("0.5", 50), ("-12.30", -1230), ("+1.00", 100), ("1,23,456.78", 12345678),
     ("1,234", 123400), ("1.80000", 180), ("0", 0), ("-0.01", -1)],
)  # fmt: skip
def test_amounts_are_read_exactly(text: str, paise: int) -> None:
    assert signed_paise(text) == paise


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "1,2", "1 000", "1e3", "--1", "1.001", "0x1", "٣", "(1)", "1,23,45"]
)
def test_odd_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rupees"):
        signed_paise(text)


def test_a_refund_is_negative_however_it_is_written() -> None:
    for amount in ("100.00", "-100.00"):
        refund = UPPER | {"TXNTYPE": "REFUND", "SETTLEDAMOUNT": amount, "TXNAMOUNT": amount}
        [row] = read_rows([refund | {"COMMISSION": "0", "GST": "0", "REFUNDID": "R1"}], DAY)
        assert (row.kind, row.txn_id) == (SettlementKind.REFUND, "R1")
        assert (row.gross_paise, row.settled_paise) == (-100_00, -100_00)


# --- Files


@pytest.mark.parametrize(
    "heading",
    [
        HEAD,
        HEAD.upper(),
        "merchant_order_id, txn id ,TYPE,Gross,MDR,Tax,Net,utr,Payout Date",
        "ORDERID,TXNID,TXNTYPE,TXNAMOUNT,COMMISSION,GST,SETTLEDAMOUNT,UTR,SETTLEDDATE",
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_read_whatever_wrote_it(heading: str, mark: str, end: str) -> None:
    cells = "'ORDER_1,'T1,SALE,\"1,000.00\",18.00,3.24,978.76,UTR1,25/11/2026 10:00:00"
    file = read_file(f"{mark}{heading}{end}{cells}{end}{end},,,,,,,,{end}".encode())
    assert file.errors == []
    [row] = file.rows
    assert (row.order_id, row.txn_id, row.utr, row.paid_on) == ("ORDER_1", "T1", "UTR1", DAY)
    assert (row.gross_paise, row.settled_paise) == (1000_00, 978_76)


def test_every_bad_row_is_told_by_its_line() -> None:
    good, bad = "O1,T1,SALE,1,0,0,1,U1,2026-11-25", "O1,T1,SALE,1,0,0,x,U1,2026-11-25"
    file = read_file("\n".join([HEAD, good, bad, good, bad]).encode())
    assert len(file.rows) == 2
    assert [(error.row, error.column) for error in file.errors] == [(3, "settled"), (5, "settled")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no_column"),
        (HEAD.encode(), "empty"),
        (b"\xff\xfe", "not_utf8"),
        (b"x" * (MOST_BYTES + 1), "too_large"),
        (f"{HEAD},GST\n".encode(), "column_twice"),
    ],
)
def test_what_is_no_report_is_said(content: bytes, reason: str) -> None:
    with pytest.raises(BadFile) as told:
        read_file(content)
    assert told.value.reason == reason


@given(st.binary(max_size=2000))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    with contextlib.suppress(BadFile):
        read_file(content)


@given(st.text(max_size=200))
def test_no_cells_break_the_reader(cells: str) -> None:
    try:
        file = read_file(f"{HEAD}\n{cells}".encode("utf-8", "surrogatepass"))
    except BadFile:
        return
    assert len(file.rows) + len(file.errors) > 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**5), st.booleans()
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_is_written_is_read_to_the_paisa(lines: list[tuple[int, int, int, bool]]) -> None:
    rows, wanted = [HEAD], []
    for n, (gross, commission, gst, back) in enumerate(lines):
        sign, settled = (-1, gross) if back else (1, gross - commission - gst)
        amounts = [money(sign * gross), money(commission), money(gst), money(sign * settled)]
        kind = "REFUND" if back else "SALE"
        rows.append(",".join([f"O{n}", f"T{n}", kind, *amounts, "U1", "2026-11-25"]))
        wanted.append((sign * gross, commission, gst, sign * settled))
    file = read_file("\r\n".join(rows).encode())
    assert file.errors == []
    assert wanted == [
        (row.gross_paise, row.commission_paise, row.gst_paise, row.settled_paise)
        for row in file.rows
    ]


def money(paise: int) -> str:
    return f"{'-' if paise < 0 else ''}{abs(paise) // 100}.{abs(paise) % 100:02}"
