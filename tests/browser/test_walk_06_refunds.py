"""Walk 6, more of it: an owner finds the refund that waits for her, looks, and lets it go."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.people import sign_in
from tests.browser.test_walk_06_exports import fact, read
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

TEST = "/m/asha-tea/test"
REFUND_SECONDS = 90_000  # Paytm's simulator takes five; the worker may be busy


def test_what_waits_is_found_approved_and_told(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open(f"{TEST}/")
    asha.press("2 refunds wait for your approval")
    asha.shows("Waits for approval")
    asha.press("Tea for the wedding, first part")
    asha.heading("Refund of ₹12,000.00")
    asha.shows("nothing is sent before a second person approves it")
    asha.page.locator("summary", has_text="Reject…").click()
    asha.look()
    asha.page.keyboard.press("Escape")
    asha.page.locator("summary", has_text="Approve…").click()
    asha.look()
    asha.press("Approve ₹12,000.00")
    asha.shows("Approved: ₹12,000.00 is on its way to Paytm.")
    asha.shows("Refund of ₹12,000.00 approved")
    expect(asha.main.locator("[data-state]")).to_contain_text("Refunded", timeout=REFUND_SECONDS)
    asha.shows("The payer should have it by")
    asha.look()
    asha.press("Refunds")
    asha.fill({"Search": "wedding is"})
    with asha.page.expect_navigation():
        asha.field("Search").press("Enter")
    asha.shows("No refund fits")
    asha.press("Show all refunds")
    asha.field("Search").fill("status:done by:kiran")
    with asha.page.expect_navigation():
        asha.field("Search").press("Enter")
    expect(asha.main.locator(".chip")).to_contain_text(["Refunded", "By: kiran", "Show all"])
    asha.press(asha.main.locator(".chips").get_by_role("link", name="Refunded"))
    asha.main.get_by_text("More filters").click()
    asha.look()
    asha.main.get_by_label("Refunded", exact=True).check()
    asha.press("Show")
    sums = asha.main.locator("#sums")
    expect(sums).to_have_text("1 refund of ₹12,000.00 ₹12,000.00 given back")
    with asha.page.expect_download() as download:
        asha.control("CSV").click()
    [row] = read(download.value)
    assert (row["Asked by"], row["Decided by"]) == ("Kiran", "Asha Rao")
    file_is_made(asha, [row])
    looked_at_otherwise(asha)


def file_is_made(asha: Walker, rows: list[dict[str, str]]) -> None:
    """In the background, of what the list shows: the same rows, the same sums."""
    asha.press("Export")
    expect(asha.main.locator(".chip")).to_have_text(["Refunded", "By: kiran"])
    asha.look()
    asha.press("Make the file")
    expect(fact(asha, "State")).to_have_text("Ready")
    for name, words in (("Refunds", "1"), ("Given back in all", "₹12,000.00")):
        expect(fact(asha, name)).to_have_text(words)
    asha.look()
    with asha.page.expect_download() as download:
        asha.control("Download").click()
    assert read(download.value) == rows
    asha.press("See them as they are now")


def looked_at_otherwise(asha: Walker) -> None:
    """Other columns, and a view to come back to."""
    asha.press("Columns and views")
    asha.main.get_by_label("Payer", exact=True).check()
    asha.look()
    asha.press("Show these")
    expect(asha.main.locator("th").get_by_text("Payer", exact=True)).to_be_visible()
    asha.press("Columns and views")
    asha.fill({"Name": "Of Kiran's"})
    asha.press("Save the view")
    expect(asha.main.locator('.tab-row [aria-current="page"]')).to_have_text("Of Kiran's")
    asha.look()


def test_reasons_and_limits_are_set(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha, size=PHONE)
    asha.open(f"{TEST}/refunds")
    asha.press("Reasons and limits")
    reasons = asha.field("Reasons to choose from")
    reasons.fill("Tea arrived damp\nWrong tea")
    asha.press("Save")
    asha.shows("Saved. It holds for every refund from now on.")
    asha.field("Reasons to choose from").fill("")
    asha.press("Save")
    asha.shows("Saved.")
    assert "Customer cancelled" in asha.field("Reasons to choose from").input_value()


def test_without_scripts_too(walk: Open, cast: Cast) -> None:
    asha = walk(scripts=False)
    sign_in(asha, cast.asha)
    asha.open(f"{TEST}/refunds?method=net_banking")
    asha.shows("Tea for the wedding, first part")
    asha.press(asha.main.get_by_role("link", name="Tea for the wedding, first part").first)
    asha.heading("Refund of ₹12,000.00")
