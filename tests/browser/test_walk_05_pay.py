"""Walk 5: a customer without an account pays on a phone, whatever Paytm and the bank make of it."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.paying import (
    PAYTM,
    STATUS,
    becomes,
    decide,
    go_to_paytm,
    order_id,
    pay,
)
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

FOCUS_SHOWS = "control => getComputedStyle(control).outlineStyle !== 'none'"


@pytest.fixture
def payer(walk: Open) -> Walker:
    return walk(size=PHONE)


def test_paid_with_a_receipt_to_keep(payer: Walker) -> None:
    pay(payer, payer.stack.demo["pay_url"], "123.45", method="CC")
    payer.heading("Paid")
    for fact in ("₹123.45", "Asha Tea House Private Limited", "29ABCDE1234F1Z5", "Credit card"):
        payer.shows(fact)
    payer.shows("TEST, no real money")
    expect(payer.control("Print this receipt")).to_be_visible()


def test_paid_in_hindi_from_a_link_in_english(payer: Walker) -> None:
    payer.page.set_viewport_size({"width": 360, "height": 740})
    payer.open(payer.stack.demo["pay_url"])
    payer.press(payer.page.get_by_role("link", name="हिन्दी", exact=True))
    payer.fill({"राशि": "123.45"})
    payer.press_through("Paytm पर आगे बढ़ें", PAYTM)
    decide(payer, "success", "paid", method="CC")
    payer.heading("भुगतान हो गया")
    payer.shows("क्रेडिट कार्ड")
    payer.press(payer.page.get_by_role("link", name="English", exact=True))
    payer.heading("Paid")


def test_declined_then_tried_again_under_another_order(payer: Walker) -> None:
    go_to_paytm(payer, payer.stack.demo["pay_url"], "250")
    decide(payer, "failure", "failed")
    payer.shows("Your bank declined the payment.")
    declined = order_id(payer)
    payer.press("Try again")
    payer.fill({"Amount": "250"})
    payer.press_through("Continue to Paytm", PAYTM)
    decide(payer, "success", "paid")
    assert order_id(payer) != declined


def test_given_up_at_paytm(payer: Walker) -> None:
    go_to_paytm(payer, payer.stack.demo["pay_url"], "75.50")
    decide(payer, "cancel", "failed")
    payer.shows("You left Paytm's page before the payment was complete.")
    payer.shows("No money was taken.")


def test_pending_settles_by_itself_before_the_payers_eyes(payer: Walker) -> None:
    go_to_paytm(payer, payer.stack.demo["pay_url"], "999")
    decide(payer, "pending", "checking")
    payer.heading("Being checked")
    payer.shows("Do not pay again.")
    order = f"orders/{payer.stack.demo['paytm']['mid']}/{order_id(payer)}"
    payer.stack.control(f"{order}/finish", outcome="success")
    becomes(payer, "paid")
    payer.look()


def test_without_scripts_every_hop_has_its_button(walk: Open) -> None:
    payer = walk(size=PHONE, scripts=False)
    payer.open(payer.stack.demo["pay_url"])
    payer.fill({"Amount": "60"})
    payer.press("Continue to Paytm")
    payer.heading("Taking you to Paytm")
    payer.press("Continue to Paytm")
    payer.press("Pay ₹60.00")
    payer.press("Return to the shop")
    becomes(payer, "paid")
    payer.shows("₹60.00")


def test_by_keyboard_alone(payer: Walker) -> None:
    payer.open(payer.stack.demo["pay_url"])
    tab_to(payer, payer.field("Amount"))
    payer.page.keyboard.type("42")
    tab_to(payer, payer.control("Continue to Paytm"))
    payer.page.keyboard.press("Enter")
    payer.page.wait_for_url(PAYTM)
    payer.look()
    tab_to(payer, payer.control("Pay ₹42.00"))
    payer.page.keyboard.press("Enter")
    payer.page.wait_for_url(STATUS)
    payer.look()
    becomes(payer, "paid")


def tab_to(payer: Walker, control: Locator) -> None:
    """Press Tab until the control has the focus, which must show."""
    for _ in range(30):
        payer.page.keyboard.press("Tab")
        if control.evaluate("control => control === document.activeElement"):
            assert control.evaluate(FOCUS_SHOWS)
            return
    pytest.fail(f"Tab does not reach {control}")


def test_a_link_that_is_nobodys(payer: Walker) -> None:
    address = payer.stack.demo["pay_url"]
    payer.open(address[:-4] + "AAAA", status=404)
    payer.open(address, status=200)
