"""Sales and refunds of a period: on screen, and the same as CSV."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from dashboard import exports
from payments.folding import fold
from payments.models import Link, Payment, Transfer
from payments.money import parse_inr
from payments.refunding import ask_refund
from tenants.current import today
from tenants.jobs import run_due
from tenants.models import Tenant, User
from tests import make
from tests.conftest import SignIn
from tests.dashboard.conftest import Clock, Pay, Url, text


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
    return [*csv.DictReader(io.StringIO(answer.content.decode()))]


def test_nothing_sold_is_said(at_acme: Client, url: Url) -> None:
    assert "No money moved in this period" in text(at_acme.get(url("reports")))


def test_the_last_thirty_days_are_shown_at_first(at_acme: Client, url: Url, trade: None) -> None:
    page = at_acme.get(url("reports"))
    form = page.context["form"]
    assert (form.last, (form.last - form.first).days) == (today(), 29)
    assert len(page.context["chart"]["bars"]) == 30
    for words in ("₹623.45", "₹200.00", "₹423.45", "2 payments", "1 refund"):
        assert words in text(page)


@pytest.mark.parametrize("by", ["day", "method"])
@pytest.mark.parametrize("folded", [True, False])
def test_the_csv_equals_the_screen(
    at_acme: Client, url: Url, trade: None, by: str, folded: bool
) -> None:
    if folded:
        fold()
    page = at_acme.get(url("reports"), {"by": by})
    answer = at_acme.get(url("reports_csv"), {"by": by})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert f"acme-test-{by}-" in answer["Content-Disposition"]
    shown = page.context["total"]
    rows = rows_of(answer)
    assert len(rows) == len(page.context["rows"])
    assert sum(int(row["Sales"]) for row in rows) == shown.sales_count == 2
    assert sum(parse_inr(row["Sales (INR)"]) for row in rows) == shown.sales_paise == 623_45
    assert sum(int(row["Refunds"]) for row in rows) == shown.refunds_count == 1
    assert sum(parse_inr(row["Refunds (INR)"]) for row in rows) == shown.refunds_paise == 200_00
    assert sum(parse_inr(row["Net (INR)"]) for row in rows) == shown.net_paise == 423_45


def test_a_reversal_in_the_ledger_changes_report_csv_and_home(
    at_acme: Client, url: Url, paid: Payment
) -> None:
    sale = Transfer.objects.get()
    Transfer.objects.create(
        live=False, day=sale.day, payment=paid, debit=sale.credit, credit=sale.debit,
        paise=sale.paise, method=sale.method, reverses=sale,
    )  # fmt: skip
    assert at_acme.get(url("reports")).context["total"].sales_paise == 0
    assert [row["Sales (INR)"] for row in rows_of(at_acme.get(url("reports_csv")))] == ["0.00"]
    assert at_acme.get(url("dashboard")).context["stats"][0]["value"] == "₹0.00"


def test_a_period_without_the_day_is_empty(at_acme: Client, url: Url, trade: None) -> None:
    yesterday = (today() - timedelta(days=1)).isoformat()
    period = {"from": "2026-01-01", "to": yesterday}
    assert "No money moved" in text(at_acme.get(url("reports"), period))
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
        ({"by": "hour"}, "hour is not one of the available choices"),
    ],
)
def test_a_bad_period_is_told_why(
    at_acme: Client, url: Url, period: dict[str, str], words: str
) -> None:
    for name in ("reports", "reports_csv"):
        answer = at_acme.get(url(name), period)
        assert answer.status_code == 422
        assert words in text(answer)


def test_the_last_days_of_the_calendar_can_be_asked_for(at_acme: Client, url: Url) -> None:
    for first, last in (("9999-12-01", "9999-12-31"), ("0001-01-01", "0001-01-02")):
        assert at_acme.get(url("reports"), {"from": first, "to": last}).status_code == 200


@pytest.mark.parametrize("text_", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_text_cell_is_no_formula(text_: str) -> None:
    written = exports.csv_file("x", ["a"], [[text_, exports.Amount("-1.00"), -1]])
    (row,) = [*csv.reader(io.StringIO(written.content.decode(), newline=""))][1:]
    assert row == [f"'{text_}", "-1.00", "-1"]


def test_strangers_and_the_other_world_find_nothing(
    acme: Tenant, at_acme: Client, charlie: User, sign_in: SignIn, url: Url, trade: None
) -> None:
    stranger = sign_in(charlie)
    for name in ("reports", "reports_csv"):
        assert stranger.get(url(name)).status_code == 404
    assert rows_of(stranger.get(url("reports_csv", slug="globex"))) == []
    acme.live_state = Tenant.LiveState.APPROVED
    acme.save()
    assert rows_of(at_acme.get(url("reports_csv", live=True))) == []
