"""Walk 6: the merchant sees a payment come, refunds it in two steps and reads the report."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dashboard.reports import REPORTS
from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.paying import order_id, pay
from tests.browser.people import open_mail
from tests.browser.walker import DESK, PHONE, Walker

pytestmark = pytest.mark.browser

TEST = "/m/asha-tea/test"
REFUND_SECONDS = 90_000  # Paytm's simulator takes five; the worker may be busy


def test_a_payment_its_refunds_and_the_report(signed_in: SignIn, walk: Open, cast: Cast) -> None:
    payer, asha = walk(size=PHONE), signed_in(cast.asha)
    pay(payer, payer.stack.demo["pay_url"], "4321", method="CC")
    order = order_id(payer)
    find_payment(asha, order)
    story(asha)
    refund_a_part(asha)
    refund_the_rest(asha)
    payer.page.reload()
    payer.look()
    payer.heading("Paid, then refunded")
    assert "4,321.00" in open_mail(asha, cast.asha.email, "₹4,321.00 paid: Pay Asha Tea House")


def find_payment(asha: Walker, order: str) -> None:
    asha.open(f"{TEST}/payments")
    asha.fill({"Search": "status:failed"})
    asha.press("Search")
    expect(asha.main.locator("tbody tr").first).to_contain_text("Failed")
    expect(asha.main.get_by_text(order)).to_have_count(0)
    asha.main.get_by_text("More filters").click()
    asha.main.get_by_label("Paid", exact=True).check()
    asha.fill({"Search": order[-6:]})
    asha.press("Show")
    asha.press(asha.main.locator("tr", has_text=order).get_by_role("link"))
    asha.heading("Payment of ₹4,321.00")


def story(asha: Walker) -> None:
    for happened in (
        "The payer pressed Pay",
        "Paytm took the order",
        "The payer's browser came back from Paytm",
        "Paytm answered: Paid",
    ):
        asha.shows(happened)
    evidence = asha.main.locator(".evidence").filter(has_text="Callback").first
    evidence.locator("summary").click()
    expect(evidence).to_contain_text("TXN_SUCCESS")
    expect(evidence).not_to_contain_text(re.compile('CHECKSUMHASH": "[^*]'))
    asha.look()


def refund_a_part(asha: Walker) -> None:
    asha.press("Refund…")
    expect(asha.field("Amount to refund")).to_have_value("4321.00")
    asha.fill({"Amount to refund": "5000"})
    asha.press(asha.page.locator("#refund button.btn-error"), status=422)
    asha.shows("Only ₹4,321.00 of this payment is left to refund.")
    why = {"Reason": "Damaged or not as described", "Comment": "One cup came broken"}
    asha.fill({"Amount to refund": "1000", **why})
    asha.shows("Left to refund after this: ₹3,321.00")
    expect(asha.page.locator("#refund button.btn-error")).to_have_text("Refund ₹1,000.00")
    asha.press(asha.page.locator("#refund button.btn-error"))
    asha.shows("Refund of ₹1,000.00 asked for.")
    becomes_final(asha, "One cup came broken")


def refund_the_rest(asha: Walker) -> None:
    asha.press("Refund…")
    expect(asha.field("Amount to refund")).to_have_value("3321.00")
    asha.fill({"Amount to refund": "5", "Comment": "All of it, then"})
    asha.control("All that is left: ₹3,321.00").click()
    asha.press(asha.page.locator("#refund button.btn-error"))
    becomes_final(asha, "All of it, then")
    expect(asha.control("Refund…")).to_have_count(0)


def becomes_final(asha: Walker, reason: str) -> None:
    """Watch the refund, without touching the page, until the money is back."""
    row = asha.main.locator("tr", has_text=reason)
    expect(row).to_contain_text("Refunded", timeout=REFUND_SECONDS)
    asha.look()


@pytest.mark.parametrize("report", ["month", "method"])
def test_the_download_is_the_report_on_screen(
    report: str, signed_in: SignIn, cast: Cast, tmp_path: Path
) -> None:
    asha = signed_in(cast.asha)
    asha.open(f"{TEST}/reports")
    with asha.page.expect_navigation():
        asha.field("Report").select_option(report)
    asha.look()
    with asha.page.expect_download() as download:
        asha.control("CSV").click()
    download.value.save_as(tmp_path / "report.csv")
    rows = list(csv.reader((tmp_path / "report.csv").open(encoding="utf-8-sig")))[1:]
    assert [list(row) for row in on_screen(asha, "tbody tr")] == [row[1:] for row in rows]
    [total] = on_screen(asha, "tfoot tr")
    columns = zip(*(row[1:] for row in rows), strict=True)
    assert [paise(text) for text in total] == [sum(map(paise, column)) for column in columns]


def on_screen(asha: Walker, rows: str) -> Iterator[list[str]]:
    """The figures of the table as a CSV file writes them."""
    for row in asha.main.locator(rows).all():
        cells = row.locator(".num").all_inner_texts()
        yield [cell.replace("₹", "").replace(",", "").strip() for cell in cells]


def paise(amount: str) -> int:
    return int(amount.replace(".", ""))


@pytest.mark.parametrize("report", [report.name for report in REPORTS])
def test_every_report_is_a_page(report: str, signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    for size in (DESK, PHONE):
        asha.page.set_viewport_size(size)
        asha.open(f"{TEST}/reports?report={report}")
        expect(asha.main.locator("table, .empty")).to_have_count(1)


def test_a_report_by_mail(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha, size=PHONE)
    asha.open(f"{TEST}/reports?report=fees")
    asha.press("By mail")
    expect(asha.field("Report")).to_have_value("fees")
    asha.fill({"When": "month"})
    asha.press("Send it to me")
    asha.shows("Fees and GST by month")
    asha.press(asha.main.get_by_role("button", name="Stop"))
    asha.shows("You get no report by mail")
