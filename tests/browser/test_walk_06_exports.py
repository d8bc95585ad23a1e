"""Walk 6, of an accountant: a filtered list becomes a file, which says what the screen says."""

import csv
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from playwright.sync_api import Download, Locator, expect

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.paying import pay
from tests.browser.stack import Stack
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

TEST = "/m/asha-tea/test"
MINE = "status=paid&min=871&max=872"  # what this walk pays, and nobody else
SUMS = {"Payments": "2", "Received": "₹1,742.50", "Refunded": "₹0.00"}


def test_a_filtered_list_becomes_a_file(
    signed_in: SignIn, walk: Open, cast: Cast, stack: Stack
) -> None:
    payer, bob, meera = walk(size=PHONE), signed_in(cast.bob), signed_in(cast.meera)
    for amount in ("871", "871.50"):
        pay(payer, stack.demo["pay_url"], amount, method="CC")
    bob.open(f"{TEST}/payments?{MINE}")
    expect(bob.main.locator("#sums")).to_contain_text("₹1,742.50 received from 2")
    shown = bob.main.locator("tbody .under.mono").all_inner_texts()
    rung = bell(bob)
    with nobody_reads_tags(stack):
        ask(bob)
        page = bob.page.url
        becomes(bob, "Being made")
        expect(bob.page.locator("#progress")).to_have_attribute("max", "2")
        expect(fact(bob, "Written")).to_have_text("0")
        bob.look()
        cancel_another(bob)
        bob.open(page)
        becomes(bob, "Being made")
    becomes(bob, "Ready")  # without touching the page
    bob.look()
    take(bob, shown)
    told(bob, rung, page)
    for address in (page, f"{page}/file"):
        meera.open(address, status=404)


def ask(bob: Walker) -> None:
    """From the list, with what narrows it, to a file under way."""
    bob.open(f"{TEST}/payments?{MINE}")
    bob.press("Export")
    expect(bob.main.locator(".chip")).to_have_text(["Paid", "At least ₹871.00", "At most ₹872.00"])
    bob.press("Make the file")


def cancel_another(bob: Walker) -> None:
    """One at a time is made; who waits is let go, and stays so."""
    ask(bob)
    becomes(bob, "Waiting its turn")
    bob.press("Cancel")
    becomes(bob, "Cancelled")
    expect(bob.control("Download")).to_have_count(0)
    bob.press("Exports")
    rows = bob.main.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("Cancelled")
    expect(rows.nth(1)).to_contain_text("0 of 2")
    bob.look()


def take(bob: Walker, shown: list[str]) -> None:
    """The file has the rows and the sums of the list, and of its own page."""
    for name, words in SUMS.items():
        expect(fact(bob, name)).to_have_text(words)
    with bob.page.expect_download() as download:
        bob.control("Download").click()
    rows = read(download.value)
    assert [row["Order ID"] for row in rows] == shown
    assert [row["Received (INR)"] for row in rows] == ["871.50", "871.00"]
    assert {row["Refunded (INR)"] for row in rows} == {"0.00"}
    bob.open(f"{TEST}/payments?{MINE}")
    with bob.page.expect_download() as download:
        bob.control("CSV").click()
    at_once = read(download.value)
    assert at_once == [{head: row[head] for head in at_once[0]} for row in rows]


def told(bob: Walker, rung: int, page: str) -> None:
    """The bell counts one more, and leads to the file."""
    assert bell(bob) == rung + 1
    bob.press(bob.page.locator(".side .bell"))
    bob.press(bob.main.get_by_role("button", name="payments.csv").first)
    assert bob.page.url == page
    assert bell(bob) == rung


def test_a_file_whose_week_is_over_says_so(signed_in: SignIn, cast: Cast) -> None:
    bob = signed_in(cast.bob, size=PHONE)
    bob.open(f"{TEST}/exports/{cast.ids['bob']['export']}/file", status=410)
    bob.page.get_by_text("This file has expired. Have it made again.").wait_for()
    expect(bob.control("Download")).to_have_count(0)
    bob.press("Make it again")
    bob.shows("All payments.")


def fact(walker: Walker, name: str) -> Locator:
    """What the page says of the file under this name."""
    return walker.main.locator(f'dt:text-is("{name}") + dd')


def becomes(walker: Walker, state: str) -> None:
    expect(fact(walker, "State")).to_have_text(state)


def bell(walker: Walker) -> int:
    """How many notices wait, says the bell."""
    found = re.search(r"\d+", walker.page.locator(".side .bell").inner_text())
    return int(found[0]) if found else 0


def read(download: Download) -> list[dict[str, str]]:
    text = Path(download.path()).read_text(encoding="utf-8-sig")
    return [*csv.DictReader(text.splitlines())]


@contextmanager
def nobody_reads_tags(stack: Stack) -> Iterator[None]:
    """Hold a file that is being made before its first row, so that its state can be seen."""
    with closing(psycopg2.connect(stack.database_url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT schema_name FROM tenant WHERE slug = 'asha-tea'")
        cursor.execute(f'LOCK TABLE "{cursor.fetchone()[0]}".payments_paymenttag')
        yield
