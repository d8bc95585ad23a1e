"""Walk 4: a merchant makes payment links, shares them and closes them."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.paying import pay
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

NEW = "/m/asha-tea/test/links/new"


def test_a_fixed_amount_once_and_until_a_day(signed_in: SignIn, walk: Open, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open("/m/asha-tea/test/links")
    asha.press("New link")
    refused(asha)
    asha.fill({"Amount to pay": "1250.50", "Takes payments until": tomorrow()})
    asha.press("Make the link")
    asha.heading("Wedding order")
    asha.shows("₹1,250.50")
    asha.shows("One payment")
    address = copied_address(asha)
    expect(asha.main.get_by_role("img", name="QR code of the payment link")).to_be_visible()
    payer = walk(size=PHONE)
    payer.open(address)
    payer.shows("₹1,250.50")
    payer.shows("Open until")
    close(asha)
    payer.open(address, status=410)
    payer.heading("This link is switched off")
    asha.press("Enable the link")
    asha.shows("The link takes payments again.")
    pay(payer, address)
    payer.open(address, status=410)
    payer.heading("This link is already paid")
    expect(asha.main.locator("dd").first).to_contain_text("Paid")


def refused(asha: Walker) -> None:
    """Amounts and a day that are none; each is said at its field, and nothing is made."""
    asha.fill({"What is it for?": "Wedding order"})
    for amount in ("", "0", "-1", "1.005", "1e5", "१००", "NaN", "99999999999"):
        asha.fill({"Amount to pay": amount})
        asha.press("Make the link", status=422)
        field = asha.field("Amount to pay")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(asha.page.locator(".errorlist")).to_contain_text(
            "required" if not amount else "Enter"
        )
    asha.fill({"Amount to pay": "10", "Takes payments until": "2020-01-01T10:00"})
    asha.press("Make the link", status=422)
    asha.shows("Choose a time that is still to come.")


def close(asha: Walker) -> None:
    asha.main.get_by_text("Disable…").click()
    asha.press("Disable the link")
    asha.shows("The link is disabled.")


def tomorrow() -> str:
    return f"{datetime.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"  # noqa: DTZ005


def copied_address(asha: Walker) -> str:
    shown = asha.field("Payment link")
    asha.control("Copy").click()
    expect(asha.control("Copied")).to_be_visible()
    address: str = asha.page.evaluate("navigator.clipboard.readText()")
    assert address == shown.input_value()
    return address


def test_an_open_amount_within_limits(signed_in: SignIn, walk: Open, cast: Cast) -> None:
    asha = signed_in(cast.asha, size=PHONE)
    asha.open(NEW)
    asha.fill({"What is it for?": "Temple fund"})
    asha.page.get_by_label("The payer enters it").check()
    asha.page.get_by_label("Any number of times").check()
    asha.fill({"At least": "500", "At most": "100"})
    asha.press("Make the link", status=422)
    asha.shows("This is less than the least amount.")
    asha.fill({"At least": "50", "At most": "5000"})
    asha.press("Make the link")
    asha.shows("₹50.00 to ₹5,000.00")
    payer = walk(size=PHONE)
    payer.open(copied_address(asha))
    for amount in ("49.99", "5000.01", "1,000", "lots"):
        payer.fill({"Amount": amount})
        payer.press("Continue to Paytm", status=422)
        payer.shows("Enter an amount")
    asha.open("/m/asha-tea/test/links")
    asha.shows("Temple fund")
    expect(asha.main.locator("tr", has_text="Temple fund")).to_contain_text(re.compile("Active"))
