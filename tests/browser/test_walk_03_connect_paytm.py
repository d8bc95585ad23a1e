"""Walk 3: a new merchant connects Paytm: first the simulator, then keys of its own."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Cast, SignIn
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

KEY = "WrongKey16chars!"
# What Paytm's staging may say of keys that are nobody's; without a network it is not reached.
DIAGNOSES = re.compile("could not be reached|does not know this MID|is wrong|somewhere else")


def test_connecting_the_simulator_and_then_staging(signed_in: SignIn, cast: Cast) -> None:
    meera = signed_in(cast.meera)
    meera.open("/m/meera-spices/test/")
    meera.press("Connect Paytm")
    connect_simulator(meera)
    addresses_to_copy(meera)
    connect_staging(meera)
    meera.press("Go back to the simulator")
    meera.shows("Simulator")


def connect_simulator(meera: Walker) -> None:
    meera.press("Connect the simulator")
    meera.press("Check these keys")
    meera.shows("These keys are right")


def addresses_to_copy(meera: Walker) -> None:
    for label, ending in (("Webhook URL", "webhook"), ("Callback URL", "callback")):
        shown = meera.field(label)
        expect(shown).to_have_value(re.compile(f"^{meera.stack.base_url}/paytm/.+/{ending}$"))
        button = meera.page.locator(".copy-row").filter(has=shown).get_by_role("button")
        button.click()
        expect(button).to_have_text("Copied")
        copied = meera.page.evaluate("navigator.clipboard.readText()")
        assert copied == shown.input_value()


def connect_staging(meera: Walker) -> None:
    meera.press("Use Paytm staging")
    fields = {"MID": "MEERA SPICES", "Merchant key": "tooshort", "Website": "WEBSTAGING"}
    meera.fill(fields)
    meera.press("Seal and use these keys", status=422)
    meera.shows("at most 20 letters and digits, without spaces")
    meera.shows("exactly 16 characters; this has 8")
    meera.fill({"MID": "MEERAS00000000000001", "Merchant key": KEY})
    meera.press("Seal and use these keys")
    meera.shows("MEERAS00000000000001")
    assert KEY not in meera.page.content()
    expect(meera.main).to_contain_text(KEY[-4:])
    meera.press("Check these keys")
    expect(meera.main).to_contain_text(DIAGNOSES)
    assert KEY[:-4] not in meera.page.content()
