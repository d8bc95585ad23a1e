"""Every report: on screen, and the same as CSV and for Excel."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.test import Client

from dashboard import exports
from dashboard.reports import REPORTS
from payments.ageing import working_days
from payments.folding import fold
from payments.models import Link, Payment, PaymentTag, Transfer
from payments.money import parse_inr
from payments.payouts import take_in
from payments.paytm import read_rows
from payments.refunding import ask_refund
from tenants.current import today
from tenants.jobs import run_due
from tenants.models import Tenant, User
from tests import make, office
from tests.conftest import SignIn
from tests.dashboard.conftest import Clock, Pay, Url, text
from tests.office import needs_office


@pytest.fixture
def trade(link: Link, pay: Pay, alice: User, clock: Clock) -> None:
    """₹500 by UPI and ₹123.45 by credit card sold today; ₹200 refunded a quarter hour later."""
    first = pay(link)
    pay(make.link(amount_paise=None), amount="123.45")
    ask_refund(first, 200_00, "", alice, "some-form-key")
    for ahead in (0, 16, 61, 301):
        clock(ahead)
        run_due()


def rows_of(answer: Any) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


def sheet_of(answer: Any) -> list[dict[str, str]]:
    """The rows of an Excel file, its numbers written as a CSV file has them."""
    head, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).active.values
    return [{name: as_text(name, cell) for name, cell in zip(head, row, strict=True)}
            for row in rows if any(cell is not None for cell in row)]  # fmt: skip


def as_text(name: str, cell: Any) -> str:
    if isinstance(cell, int | float):
        return f"{cell:.2f}" if name.endswith(("(INR)", "(%)")) else f"{cell:.0f}"
    return "" if cell is None else str(cell)


@pytest.mark.parametrize("report", [report.name for report in REPORTS if report.dated])
def test_nothing_to_report_is_said(at_acme: Client, url: Url, report: str) -> None:
    page = at_acme.get(url("reports"), {"report": report})
    assert "Nothing to report in these days" in text(page)
    assert rows_of(at_acme.get(url("reports_csv"), {"report": report})) == []


def test_the_last_thirty_days_are_shown_at_first(at_acme: Client, url: Url, trade: None) -> None:
    page = at_acme.get(url("reports"))
    form = page.context["form"]
    assert (form.last, (form.last - form.first).days) == (today(), 29)
    assert len(page.context["chart"]["bars"]) == 30
    assert shown(page) == ["2", "₹623.45", "1", "₹200.00", "₹423.45"]


def shown(page: Any) -> list[str]:
    """The total of a report as it stands on its page."""
    return [cell["text"] for cell in page.context["total"]]


def paise(text: str) -> int:
    """A day of refunds alone is below nothing: so it is when midnight came between."""
    return -parse_inr(text[1:]) if text.startswith("-") else parse_inr(text)


def added_up(rows: list[dict[str, str]], *heads: str) -> list[int]:
    """Columns of counts or amounts."""
    return [sum(paise(row[head]) if "INR" in head else int(row[head]) for row in rows)
            for head in heads]  # fmt: skip


SALES = ("Payments", "Sales (INR)", "Refunds", "Refunded (INR)", "Net (INR)")


@pytest.mark.parametrize("report", ["day", "week", "month", "year", "method", "link"])
@pytest.mark.parametrize("folded", [True, False])
def test_the_files_equal_the_screen(
    at_acme: Client, url: Url, trade: None, report: str, folded: bool
) -> None:
    if folded:
        fold()
    page = at_acme.get(url("reports"), {"report": report})
    assert shown(page) == ["2", "₹623.45", "1", "₹200.00", "₹423.45"]
    answer = at_acme.get(url("reports_csv"), {"report": report})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert f"acme-test-{report}-" in answer["Content-Disposition"]
    sheet = sheet_of(at_acme.get(url("reports_xlsx"), {"report": report}))
    assert sheet == rows_of(answer)
    assert len(sheet) == len(page.context["rows"])
    assert added_up(sheet, *SALES) == [2, 623_45, 1, 200_00, 423_45]


@pytest.fixture
def everything(at_acme: Client, url: Url, trade: None, link: Link, pay: Pay) -> None:
    """That, with a failure, a tag, and a payout of what was paid first."""
    pay(link, "failure")
    first = Payment.objects.filter(state="paid").earliest("created_at")
    PaymentTag.objects.create(payment=first, name="vip", live=False, created_at=first.created_at)
    fees = {"COMMISSION": "9.00", "GST": "1.62"}
    paid_out = make.settlement_row(first.order_id, 489_38, **fees)
    take_in(first.account, read_rows([paid_out]))


@pytest.mark.parametrize(
    ("report", "total", "lines"),
    [
        ("tag", None, {"vip": "₹500.00", "No tag": "₹123.45"}),
        ("success", ["2", "1", "0", "66.7 %"], {}),
        ("success-method", ["2", "1", "0", "66.7 %"], {"UPI": "66.7 %"}),
        ("failures", ["1", "100.0 %", "₹500.00"], {"declined": "₹500.00"}),
        ("refunds", ["1", "₹200.00"], {}),
        ("refund-reasons", ["1", "₹200.00"], {"No reason given": "₹200.00"}),
        ("fees", ["₹9.00", "₹1.62", "₹10.62", "₹489.38"], {}),
        ("fees-method", ["₹9.00", "₹1.62", "₹10.62"], {"UPI": "₹10.62"}),
        ("ageing", ["1", "−₹76.55"], {"differences": "−₹200.00", "Paid today": "₹123.45"}),
    ],
)
def test_a_report_says_what_happened(
    at_acme: Client,
    url: Url,
    everything: None,
    report: str,
    total: list[str] | None,
    lines: dict[str, str],
) -> None:
    for _ in range(2):
        page = at_acme.get(url("reports"), {"report": report})
        assert (page.context["total"] and shown(page)) == total
        found = {row["name"]: [cell["text"] for cell in row["cells"]]
                 for row in page.context["rows"]}  # fmt: skip
        for name, amount in lines.items():
            assert any(name in line and amount in cells for line, cells in found.items()), found
        csv_rows = rows_of(at_acme.get(url("reports_csv"), {"report": report}))
        assert csv_rows == sheet_of(at_acme.get(url("reports_xlsx"), {"report": report}))
        assert len(csv_rows) == len(found)
        assert page.context["chart"]["bars"]
        fold()


@needs_office
@pytest.mark.slow
def test_libreoffice_shows_what_the_csv_says(
    at_acme: Client, url: Url, everything: None, tmp_path: Path
) -> None:
    def files(kind: str) -> dict[str, bytes]:
        return {report.name: at_acme.get(url(kind), {"report": report.name}).content
                for report in REPORTS}  # fmt: skip

    said = {name: [*csv.reader(io.StringIO(file.decode("utf-8-sig")))]
            for name, file in files("reports_csv").items()}  # fmt: skip
    assert "-200.00" in {cell for row in said["ageing"] for cell in row}
    assert office.shown(files("reports_xlsx"), tmp_path) == said


def test_an_amount_below_nothing_keeps_its_minus_in_every_spreadsheet() -> None:
    """Some drop it where a format has conditions, as that of lakhs and crores has."""
    amounts = [exports.Amount("1234567.89"), exports.Amount("-0.50")]
    file = exports.table_bytes("xlsx", ["a", "b"], [[amount, amounts[0]] for amount in amounts])
    _head, *rows = openpyxl.load_workbook(io.BytesIO(file)).active.iter_rows()
    assert [[cell.value for cell in row] for row in rows] == [[1234567.89] * 2, [-0.5, 1234567.89]]
    signed, lakhs = (cell.number_format for cell in rows[1])
    assert signed == "#,##0.00"
    assert lakhs.startswith("[>=10000000]")


@pytest.mark.parametrize("report", [report.name for report in REPORTS])
def test_every_line_leads_to_a_page(
    at_acme: Client, url: Url, everything: None, report: str
) -> None:
    rows = at_acme.get(url("reports"), {"report": report}).context["rows"]
    assert rows
    for row in rows:
        if row["url"]:
            assert at_acme.get(row["url"]).status_code == 200


@pytest.mark.parametrize("report", [report.name for report in REPORTS])
def test_a_report_costs_the_same_few_queries(
    at_acme: Client, url: Url, everything: None, django_assert_max_num_queries: Any, report: str
) -> None:
    with django_assert_max_num_queries(20):
        at_acme.get(url("reports"), {"report": report})


def on(day: date, paise: int) -> None:
    """A sale that was booked on this day."""
    sale = Transfer.objects.filter(credit="sales").earliest("id")
    Transfer.objects.create(
        live=False, day=day, payment=sale.payment, debit="receivable", credit="sales", paise=paise,
        method="upi", reverses=sale,
    )  # fmt: skip


def test_spans_begin_on_mondays_firsts_and_the_first_of_april(
    at_acme: Client, url: Url, paid: Payment
) -> None:
    """2026-03-29 is a Sunday; the financial year ends on 31 March."""
    days = [date(2026, 3, 29), date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1)]
    for n, day in enumerate(days):
        on(day, 10**n)
    period = {"from": "2026-03-01", "to": "2026-04-30"}

    def by(report: str) -> dict[str, int]:
        rows = rows_of(at_acme.get(url("reports_csv"), period | {"report": report}))
        return {next(iter(row.values())): parse_inr(row["Sales (INR)"]) for row in rows}

    assert by("week") == {"2026-03-23": 1, "2026-03-30": 1110}
    assert by("month") == {"2026-03-01": 111, "2026-04-01": 1000}
    assert by("year") == {"2026-03-01": 111, "2026-04-01": 1000}
    for first, last, paise in (("29", "30", 11), ("31", "31", 100), ("01", "31", 111)):
        period = {"from": f"2026-03-{first}", "to": f"2026-03-{last}"}
        assert sum(by("year").values()) == sum(by("week").values()) == paise
    names = [row["name"] for row in
             at_acme.get(url("reports"), {"report": "year", "from": "2025-04-01",
                                          "to": "2026-04-30"}).context["rows"]]  # fmt: skip
    assert names == ["2025–26", "1 Apr – 30 Apr 2026"]


def test_the_presets_are_an_accountants(at_acme: Client, url: Url) -> None:
    labels = [tab["label"] for tab in at_acme.get(url("reports")).context["tabs"]]
    assert labels == ["Today", "30 days", "This month", "Last month", "This financial year",
                      "Last financial year"]  # fmt: skip
    for tab in at_acme.get(url("reports")).context["tabs"]:
        page = at_acme.get(url("reports") + tab["url"])
        assert [t["active"] for t in page.context["tabs"] if t["label"] == tab["label"]] == [True]


def test_working_days_leave_the_weekend_out() -> None:
    friday = date(2026, 11, 27)
    ages = [working_days(friday, friday + timedelta(days=n)) for n in range(11)]
    assert ages == [0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 6]


def test_what_failed_long_ago_is_told_with_advice(
    at_acme: Client, url: Url, everything: None
) -> None:
    page = text(at_acme.get(url("reports"), {"report": "failures"}))
    assert "Another card, account or UPI app often works." in page


def test_a_reversal_in_the_ledger_changes_report_csv_and_home(
    at_acme: Client, url: Url, paid: Payment
) -> None:
    sale = Transfer.objects.get()
    Transfer.objects.create(
        live=False, day=sale.day, payment=paid, debit=sale.credit, credit=sale.debit,
        paise=sale.paise, method=sale.method, reverses=sale,
    )  # fmt: skip
    assert shown(at_acme.get(url("reports")))[1] == "₹0.00"
    assert [row["Sales (INR)"] for row in rows_of(at_acme.get(url("reports_csv")))] == ["0.00"]
    assert at_acme.get(url("dashboard")).context["stats"][0]["value"] == "₹0.00"


def test_a_period_without_the_day_is_empty(at_acme: Client, url: Url, trade: None) -> None:
    yesterday = (today() - timedelta(days=1)).isoformat()
    period = {"from": "2026-01-01", "to": yesterday}
    assert "Nothing to report" in text(at_acme.get(url("reports"), period))
    assert rows_of(at_acme.get(url("reports_csv"), period)) == []


def test_a_long_period_is_drawn_by_week(at_acme: Client, url: Url, trade: None) -> None:
    year_ago = (today() - timedelta(days=365)).isoformat()
    chart = at_acme.get(url("reports"), {"from": year_ago}).context["chart"]
    assert chart["title"] == "Sales by week"
    assert len(chart["bars"]) == 53
    assert sum(bar["value"] for bar in chart["bars"]) == 623_45


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ({"from": "2026-02-30"}, "Enter a valid date."),
        ({"from": "01/02/2026"}, "Enter a valid date."),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "not before the first"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "at most 366 days"),
        ({"from": "0001-01-01"}, "at most 366 days"),
        ({"to": "9" * 400}, "Enter a valid date."),
        ({"report": "hour"}, "hour is not one of the available choices"),
    ],
)
def test_a_bad_period_is_told_why(
    at_acme: Client, url: Url, period: dict[str, str], words: str
) -> None:
    for name in ("reports", "reports_csv", "reports_xlsx"):
        answer = at_acme.get(url(name), period)
        assert answer.status_code == 422
        assert words in text(answer)


def test_the_last_days_of_the_calendar_can_be_asked_for(at_acme: Client, url: Url) -> None:
    for first, last in (("9999-12-01", "9999-12-31"), ("0001-01-01", "0001-01-02")):
        assert at_acme.get(url("reports"), {"from": first, "to": last}).status_code == 200


@pytest.mark.parametrize("text_", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_text_cell_is_no_formula(text_: str) -> None:
    written = exports.csv_file("x", ["a"], [[text_, exports.Amount("-1.00"), -1]])
    (row,) = [*csv.reader(io.StringIO(written.content.decode("utf-8-sig"), newline=""))][1:]
    assert row == [f"'{text_}", "-1.00", "-1"]


def test_strangers_and_the_other_world_find_nothing(
    acme: Tenant, at_acme: Client, charlie: User, sign_in: SignIn, url: Url, trade: None
) -> None:
    stranger = sign_in(charlie)
    for name in ("reports", "reports_csv", "reports_xlsx"):
        assert stranger.get(url(name)).status_code == 404
    assert rows_of(stranger.get(url("reports_csv", slug="globex"))) == []
    acme.live_state = Tenant.LiveState.APPROVED
    acme.save()
    assert rows_of(at_acme.get(url("reports_csv", live=True))) == []
