"""The pictures of the README: `SCREENSHOTS=1 make test ONLY=screenshots` takes them anew."""

import io
import os
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from PIL import Image

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.stack import Stack
from tests.browser.walker import PHONE, Walker
from tests.forms import read_form

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.environ.get("SCREENSHOTS"), reason="SCREENSHOTS=1 takes them"),
]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
DAY = 24 * 3600
# Rupees sold on each of the days before today, the last one yesterday.
SALES = (8_450, 12_300, 9_999, 15_120, 21_480, 18_300, 6_240, 11_750, 14_025, 12_890, 17_460,
         24_900, 19_875)  # fmt: skip


def test_screenshots(stack: Stack, signed_in: SignIn, walk: Open, cast: Cast) -> None:
    for days_ago, rupees in zip(range(len(SALES), 0, -1), SALES, strict=True):
        sell(stack, days_ago, rupees)
    (stack.data_dir / "clock").unlink()
    asha = signed_in(cast.asha)
    asha.open("/m/asha-tea/test/")
    take(asha, "dashboard")
    asha.open("/m/asha-tea/test/links/new")
    asha.fill({"What is it for?": "Diwali gift box, four teas", "Amount to pay": "2100"})
    asha.press("Make the link")
    payer = walk(size=PHONE)
    payer.open(asha.field("Payment link").input_value())
    take(payer, "pay-page")


def sell(stack: Stack, days_ago: int, rupees: int) -> None:
    """A payment of so many days ago: the clock of product and simulator is moved."""
    (stack.data_dir / "clock").write_text(str(-days_ago * DAY))
    with requests.Session() as payer:
        answer = payer.post(stack.demo["pay_url"], {"amount": str(rupees)}, timeout=30)
        for form, more in (("redirect", {}), ("outcome", {"outcome": "success"}), ("redirect", {})):
            hop = read_form(answer.text, form)
            action = urljoin(stack.simulator_url, hop.action)
            answer = payer.post(action, hop.fields | more, timeout=30)
    assert 'data-payment-state="paid"' in answer.text


def take(walker: Walker, name: str) -> None:
    """A small PNG of what the window shows."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(walker.page.screenshot()))
    picture.quantize(128).save(IMAGES / f"{name}.png", optimize=True)
