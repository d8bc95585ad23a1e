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
    payer.open_once(address, status=410)  # what only looks may be a second old
    payer.heading("This link is switched off")
    asha.press("Enable the link")
    asha.shows("The link takes payments again.")
    payer.open_once(address, status=200)
    pay(payer, address)
    payer.open_once(address, status=410)
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
    asha.main.get_by_text("When it takes payments").click()
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


def test_a_link_that_asks_is_seen_as_payers_see_it_and_changed(
    signed_in: SignIn, cast: Cast
) -> None:
    asha = signed_in(cast.asha)
    asha.open(NEW)
    preview = asha.page.get_by_role("complementary", name="What the payer sees")
    asha.fill({"What is it for?": "Pottery class", "Amount to pay": "900"})
    expect(preview).to_contain_text("Pay ₹900.00")
    ask_for_sizes(asha)
    expect(preview.get_by_label("Size of apron")).to_be_disabled()
    asha.look(422)
    asha.press("Make the link")
    asha.shows("Size of apron Must be given: S, M")
    asha.press("Change")
    asha.fill({"Amount to pay": ""})
    asha.press("Save", status=422)
    asha.fill({"Amount to pay": "950"})
    asha.press("Save")
    asha.shows("₹950.00")
    asha.press("Sheet to print")
    asha.shows("Scan with your phone's camera to pay")
    asha.press("Pottery class")
    asha.press("Duplicate")
    asha.press("Make the link")
    put_away(asha)


def ask_for_sizes(asha: Walker) -> None:
    """A choice that must be made; one of a single size is none."""
    asha.main.get_by_text("What payers are asked").click()
    asha.main.get_by_text("Question 1", exact=True).click()
    first = asha.main.get_by_role("group", name="Question 1")
    first.get_by_label("What you ask").fill("Size of apron")
    first.get_by_label("Answered by").select_option("choice")
    first.get_by_label("Must be answered").check()
    first.get_by_label("Choices").fill("S")
    asha.press("Make the link", status=422)
    asha.shows("Give from 2 to 20 choices")
    first.get_by_label("Choices").fill("S\nM")


def put_away(asha: Walker) -> None:
    asha.main.get_by_text("Archive…").click()
    asha.press("Archive the link")
    asha.press("Payment links")
    asha.press("Archived")
    asha.press("Pottery class")
    asha.press("Restore the link")
    asha.shows("The link is back in the list.")


def test_without_scripts_a_preview_is_a_button(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha, scripts=False, size=PHONE)
    asha.open(NEW)
    asha.fill({"What is it for?": "Halwa", "Amount to pay": "20"})
    asha.press("Preview")
    asha.shows("Pay ₹20.00")
    asha.press("Make the link")
    asha.heading("Halwa")
