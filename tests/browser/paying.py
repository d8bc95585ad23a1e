"""What payers do: from a payment link over Paytm's page to what became of it."""

import re

from playwright.sync_api import expect

from tests.browser.walker import Walker

PAYTM = "**/theia/api/v1/showPaymentPage*"
STATUS = "**/p/return/*"


def go_to_paytm(payer: Walker, link: str, amount: str = "") -> None:
    """Open a payment link, enter an amount where it is open, and press the button."""
    payer.open(link)
    if amount:
        payer.fill({"Amount": amount})
    payer.press_through(payer.page.locator("#pay button"), PAYTM)


def decide(payer: Walker, button: str, state: str, method: str = "") -> None:
    """Press a button of Paytm's page and come back, to a page that knows the truth at once."""
    if method:
        payer.page.locator(f"#method-{method}").check()
    payer.press_through(payer.page.locator(f"button[value={button}]"), STATUS)
    assert payer.main.get_attribute("data-payment-state") == state


def pay(payer: Walker, link: str, amount: str = "", method: str = "") -> None:
    """Pay a link and see the receipt."""
    go_to_paytm(payer, link, amount)
    decide(payer, "success", "paid", method)


def becomes(payer: Walker, state: str) -> None:
    """Wait until the status page, by itself, says `paid`, `failed` or `checking`."""
    expect(payer.main).to_have_attribute("data-payment-state", state)


def order_id(payer: Walker) -> str:
    """The order that the page is about."""
    found = re.search(r"pay_\w+", payer.main.inner_text())
    assert found, payer.main.inner_text()
    return found[0]
