"""The payment page as a payer meets it, in a real browser."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.plugin import page_walked
from tests.simulator.shop import MID, Receiver, Shop, Simulator, is_genuine, wait_until

pytestmark = pytest.mark.browser
HOP = """<form method="post" action="{url}/theia/api/v1/showPaymentPage?mid={mid}&orderId={order}">
<input name="mid" value="{mid}"><input name="orderId" value="{order}">
<input name="txnToken" value="{token}"><button>Go</button></form>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(params=[390, 1280])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that must say nothing on its console."""
    said: list[str] = []
    page = browser.new_page(viewport={"width": request.param, "height": 844})
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda fault: said.append(str(fault)))
    yield page
    page.close()
    assert said == []


def test_paying(page: Page, shop: Shop, receiver: Receiver) -> None:
    shop.callback_url, receiver.status = receiver.url, 204
    order_id = shop.new_order_id()
    token = shop.initiate(order_id, "123456.50")["txnToken"]
    page.set_content(HOP.format(url=shop.url, mid=MID, order=order_id, token=token))
    page.get_by_role("button").click()
    for method, field in (("UPI", "vpa"), ("CC", "CC_cvv"), ("EMI", "emi_bank")):
        page.locator(f"#method-{method}").check()
        page.locator(f"[name={field}]").wait_for(state="visible")
    page.get_by_text("More scenarios").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    with page.expect_response(receiver.url):
        page.get_by_role("button", name="Pay ₹1,23,456.50").click()
    (form,) = wait_until(receiver.forms)
    assert is_genuine(form)
    assert (form["STATUS"], form["PAYMENTMODE"]) == ("TXN_SUCCESS", "EMI")


def test_pages_without_a_way_back(page: Page, shop: Shop, simulator: Simulator) -> None:
    order_id = shop.new_order_id()
    token = shop.initiate(order_id)["txnToken"]
    page.set_content(HOP.format(url=shop.url, mid=MID, order=order_id, token=token))
    page.get_by_role("button").click()
    page.get_by_text("More scenarios").click()
    page.get_by_role("button", name="silent").click()
    page.get_by_role("heading", name="Payment successful").wait_for()
    assert violations(page) == []
    page.goto(f"{simulator.url}/_control/")
    assert violations(page) == []


def violations(page: Page) -> list[str]:
    page_walked()
    return [violation["id"] for violation in Axe().run(page).response["violations"]]
