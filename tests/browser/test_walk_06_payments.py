"""Walk 6, before the money: the team narrows, searches, tags and saves, by keyboard and by hand."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.paying import order_id, pay
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

LIST = "/m/asha-tea/test/payments"


def test_a_payment_comes_into_the_list_that_is_open(
    signed_in: SignIn, walk: Open, cast: Cast
) -> None:
    """Rows come while somebody looks, but not while they tick some."""
    asha, payer = signed_in(cast.asha), walk(size=PHONE)
    asha.open(f"{LIST}?min=77&max=77")
    asha.shows("No payment fits")
    pay(payer, payer.stack.demo["pay_url"], "77", method="CC")
    first = order_id(payer)
    row = asha.main.locator("tr", has_text=first)
    expect(row).to_contain_text("Paid")
    box = row.get_by_role("checkbox")
    box.focus()
    asha.page.keyboard.press("Space")
    expect(asha.main.locator("#picked")).to_contain_text("New rows wait, for you ticked: 1")
    pay(payer, payer.stack.demo["pay_url"], "77", method="UPI")
    tag_by_keyboard(asha)
    expect(asha.main.locator("tbody tr")).to_have_count(2)
    open_the_tagged(asha, first)


def tag_by_keyboard(asha: Walker) -> None:
    asha.field("Tag those ticked").focus()
    asha.page.keyboard.type("walked")
    with asha.page.expect_navigation():
        asha.page.keyboard.press("Enter")
    asha.look()
    asha.shows("1 payment is tagged “walked” now.")


def open_the_tagged(asha: Walker, order: str) -> None:
    asha.press("All tags")
    asha.press("walked")
    expect(asha.main.locator("tbody tr")).to_have_count(1)
    asha.main.locator(".row-link").focus()
    with asha.page.expect_navigation():
        asha.page.keyboard.press("Enter")
    asha.look()
    asha.shows(order)
    asha.fill({"Note": "Walked in and asked for a bill"})
    asha.press("Keep the note")
    asha.shows("Walked in and asked for a bill")
    copy = asha.main.locator(".copy-id").first
    copy.click()
    expect(copy).to_contain_text("Copied")
    asha.main.get_by_role("link", name="Payments").click()
    expect(asha.page).to_have_url(re.compile("tag=walked"))


def test_searching_narrowing_and_saving(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open(LIST)
    asha.field("Search").focus()
    asha.page.keyboard.type("status:paid amount:>=1")
    with asha.page.expect_navigation():
        asha.page.keyboard.press("Enter")
    asha.look()
    expect(asha.page).to_have_url(re.compile(r"payments\?q=[^&]+$"))  # and nothing that is empty
    expect(asha.main.locator(".chips")).to_contain_text("At least ₹1.00")
    expect(asha.main.locator("#sums")).to_contain_text("received from")
    asha.look()
    asha.press("Columns and views")
    asha.fill({"Name": "Good money"})
    asha.press("Save the view")
    expect(asha.main.get_by_role("link", name="Good money")).to_have_attribute(
        "aria-current", "page"
    )
    asha.press(asha.main.locator(".chips").get_by_role("link", name=re.compile("^Paid")))
    assert "status=paid" not in asha.page.url
    asha.press("Columns and views")
    asha.main.get_by_label("Customer").check()
    asha.press("Show these")
    expect(asha.main.locator("thead")).to_contain_text("Customer")
    asha.fill({"Search": "colour:red"})
    asha.press("Search", status=422)
    asha.shows("“colour:” is no operator")
    asha.fill({"Search": ""})
    asha.press("Search")
    expect(asha.page).to_have_url(re.compile(r"payments\?min=1\.00$"))


def test_it_works_without_scripts(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha, scripts=False, size=PHONE)
    asha.open(f"{LIST}?status=paid")
    asha.press("What these come to")
    asha.shows("received from")
    asha.press("Payments")
    asha.main.locator(".finder-line summary").click()
    asha.press("Last 30 days")
    expect(asha.main.locator(".chips")).to_contain_text("Last 30 days")
