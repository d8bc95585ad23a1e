"""Walk 11: who lives in the dashboard goes anywhere by keys; and everybody else without them."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Cast, SignIn
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

PAYMENTS = "/m/asha-tea/test/payments"
ORDER_ID = re.compile(r"^\s*pay_[a-z0-9]{20}\s*$")


def palette(walker: Walker) -> Locator:
    return walker.page.get_by_role("dialog", name="Go to…")


def test_anywhere_by_ctrl_k(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open(PAYMENTS)
    asha.page.keyboard.press("Control+k")
    field = palette(asha).get_by_role("combobox")
    expect(field).to_be_focused()
    first = palette(asha).get_by_role("option").first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-expanded", "true")
    asha.look()
    asha.page.keyboard.press("ArrowDown")
    second = palette(asha).get_by_role("option").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(first).to_have_attribute("aria-selected", "false")
    asha.page.keyboard.press("Escape")
    expect(palette(asha)).to_be_hidden()
    asha.page.keyboard.press("Meta+k")
    asha.page.keyboard.type("webhook")  # and Enter at once: the list comes after it
    with asha.page.expect_navigation():
        asha.page.keyboard.press("Enter")
    asha.heading("Endpoints")
    asha.look()


def test_a_payment_by_its_order_id(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha, size=PHONE)
    asha.open(PAYMENTS)
    address = (asha.main.locator(".row-link").first.get_attribute("href") or "").partition("?")[0]
    asha.open(address)
    order_id = (asha.main.get_by_text(ORDER_ID).first.text_content() or "").strip()
    asha.page.keyboard.press("Control+k")
    asha.page.keyboard.type(order_id)
    expect(palette(asha).get_by_role("option", name=order_id).first).to_be_visible()
    asha.look()
    asha.open("/m/asha-tea/team")
    asha.page.keyboard.press("Control+k")
    asha.page.keyboard.type(order_id)
    expect(palette(asha).get_by_role("option")).to_have_count(2)
    with asha.page.expect_navigation():
        asha.page.keyboard.press("Enter")
    assert asha.page.url.endswith(address)


def test_along_the_rows_and_to_the_search(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open(PAYMENTS)
    rows = asha.main.locator(".row-link")
    for key, place in (("j", 0), ("j", 1), ("k", 0), ("k", 0)):
        asha.page.keyboard.press(key)
        expect(rows.nth(place)).to_be_focused()
    asha.look()
    asha.page.keyboard.press("Control+j")
    expect(rows.nth(0)).to_be_focused()
    asha.page.keyboard.press("/")
    search = asha.main.locator("input[type=search]")
    expect(search).to_be_focused()
    asha.page.keyboard.type("j/k?")
    expect(search).to_have_value("j/k?")
    asha.open(PAYMENTS)
    asha.page.keyboard.press("j")
    address = rows.nth(0).get_attribute("href") or ""
    with asha.page.expect_navigation():
        asha.page.keyboard.press("Enter")
    assert asha.page.url.endswith(address)


def test_the_keys_are_told_and_can_be_switched_off(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open(PAYMENTS)
    asha.page.keyboard.press("?")
    told = asha.page.get_by_role("dialog", name="Keys")
    expect(told).to_contain_text("Next row, row before")
    asha.look()
    asha.page.keyboard.press("j")
    told.get_by_role("checkbox").uncheck()
    told.get_by_role("button", name="Close").click()
    asha.open(PAYMENTS)
    asha.page.keyboard.press("j")
    expect(asha.main.locator(".row-link").first).not_to_be_focused()
    asha.page.keyboard.press("Control+k")
    expect(palette(asha)).to_be_visible()


def test_without_scripts_it_is_a_page(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha, scripts=False)
    asha.open(PAYMENTS)
    asha.press(asha.page.get_by_role("link", name="Go to…").first)
    asha.heading("Go to…")
    asha.shows("Next row, row before")
    asha.fill({"What are you looking for?": "new link"})
    asha.press("Find")
    asha.press("New link")
    asha.heading("New payment link")


def test_a_notice_is_opened_by_keys(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open("/m/asha-tea/notices")
    asha.shows("links made: 3 of 4")
    unread = int((asha.page.locator(".side .bell .count").text_content() or "").split()[0])
    asha.page.keyboard.press("j")
    with asha.page.expect_navigation():
        asha.page.keyboard.press("Enter")
    asha.look()
    left = [f"{unread - 1} new"] if unread > 1 else []
    expect(asha.page.locator(".side .bell .count")).to_have_text(left)
