"""Every state of payers' pages, as anybody may meet it: on a narrow phone, with scripts and
without, by keyboard alone, in both languages; and what payers do that nobody expects of them.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from django.utils import translation
from playwright.sync_api import Browser, Locator, Route, ViewportSize, expect

from tenants import limits
from tests.browser.conftest import Cast, Open
from tests.browser.paying import PAYTM, STATUS, becomes, decide
from tests.browser.stack import Stack
from tests.browser.walker import Walker, window
from tests.proof import size

pytestmark = pytest.mark.browser

NARROW: ViewportSize = {"width": 360, "height": 740}
MINUTE = 60

# Which page, how it answers, and what its heading says: of the product's own words in English.
STATES = (
    ("open", 200, "Masala chai"),
    ("long", 200, "Donaudampfschifffahrtsgesellschaftskapitänsmütze"),
    ("asks", 200, "Tea school"),
    ("live", 200, "Masala chai"),
    ("early", 403, "Not open yet"),
    ("expired", 410, "This link has expired"),
    ("disabled", 410, "This link is switched off"),
    ("archived", 410, "This link is switched off"),
    ("used", 410, "This link is already paid"),
    ("full", 410, "Everything is taken"),
    ("held", 409, "This is being paid at the moment"),
    ("pending", 409, "A payment of it is being checked"),
    ("too often", 429, "Too many tries"),
    ("no account", 410, "Payments cannot be taken yet"),
    ("suspended", 410, "No payments here now"),
    ("unknown", 404, "There is nothing at this address."),
    ("report", 200, "Report this page"),
    ("terms", 200, ""),
    ("hop", 200, "Taking you to Paytm"),
    ("waiting", 200, "Waiting for your payment"),
    ("paid", 200, "Paid"),
    ("failed", 200, "Not paid"),
    ("left", 200, "Not paid"),
    ("checking", 200, "Being checked"),
    ("surplus", 200, "Your payment arrived, but was not expected"),
    ("refunded", 200, "Paid"),
    ("nobody's", 404, "There is nothing at this address."),
    ("unknown order", 405, "We do not know this payment"),
)

CUT = """() => [...document.querySelectorAll('body *')].filter(part => {
    const look = getComputedStyle(part), box = part.getBoundingClientRect()
    if (!box.width || part.closest('.sr-only, .skip, svg, option')) return false
    const field = part.matches('input, select, textarea')
    const hides = look.display !== 'inline' && part.scrollWidth > part.clientWidth + 1
    return box.right > innerWidth + 0.5 || box.left < -0.5 || (hides && !field)
}).map(part => part.outerHTML.slice(0, 200))"""
# What Tab should come to, in this order; of radio buttons one of each name.
STOPS = """() => {
    const all = 'a[href], button, input, select, textarea, summary, [tabindex]'
    window.stops = [...document.querySelectorAll(all)].filter(part =>
        part.tabIndex >= 0 && !part.disabled && part.checkVisibility({visibilityProperty: true}))
    return stops.map(part => part.type === 'radio' ? part.name : part.outerHTML.slice(0, 120))
}"""
# Which of them has the focus, and whether that can be seen; -1 beyond the last.
FOCUS = """() => {
    const part = document.activeElement, look = getComputedStyle(part)
    return [window.stops.indexOf(part),
        look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 1]
}"""


@dataclass
class Payers:
    """A merchant's pages in every state, and links that nobody has touched yet."""

    stack: Stack
    places: dict[str, str]
    fresh: list[str]
    schema: str
    mid: str

    def once(self) -> str:
        """A link for one payment."""
        return self.fresh.pop()

    def often(self) -> str:
        """A link for any number of payments."""
        return self.fresh.pop(0)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database says, with the merchant's tables."""
        with closing(psycopg2.connect(self.stack.database_url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(f'SET search_path TO "{self.schema}", public')
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def attempts(self, link: str) -> list[str]:
        """The states of what was begun on a link."""
        found = self.sql(
            "SELECT state FROM payments_payment WHERE link_id ="
            " (SELECT id FROM payments_link WHERE token = %s) ORDER BY created_at",
            link.rpartition("/")[2],
        )
        return [state for (state,) in found]

    def look_too_often(self, link: str) -> None:
        """Let this machine have looked at a link far too often in this minute and the next ones."""
        token, start = link.rpartition("/")[2], int(time.time()) // MINUTE * MINUTE
        for address in ("127.0.0.1", "::/64"):
            self.sql(
                "INSERT INTO rate_limit (bucket, window_start, hits)"
                " SELECT %s, %s + n * 60, 9999 FROM generate_series(0, 5) n",
                limits.digest(f"look:{address}:{token}", MINUTE), start,
            )  # fmt: skip


@pytest.fixture(scope="module")
def payers(stack: Stack, cast: Cast) -> Payers:
    made = json.loads(stack.run("-m", "tests.browser.payers_supporting"))
    return Payers(stack, **made)


Window = Callable[[bool, str], Walker]


@pytest.fixture(scope="module")
def phone(browser: Browser, stack: Stack) -> Iterator[Window]:
    """A narrow phone, with scripts or without, in a language: four in all."""
    with ExitStack() as windows:
        known: dict[tuple[bool, str], Walker] = {}

        def opened(scripts: bool, language: str) -> Walker:
            if (scripts, language) not in known:
                phone = window(browser, stack, size=NARROW, scripts=scripts)
                walker = windows.enter_context(phone)
                choose(walker, language)
                walker.page.route("**/js/redirect*.js", stand_still)
                known[scripts, language] = walker
            return known[scripts, language]

        yield opened


def choose(walker: Walker, language: str) -> None:
    cookie = {"name": "lang", "value": language, "url": walker.stack.base_url}
    walker.page.context.add_cookies([cookie])  # type: ignore[list-item]


def stand_still(route: Route) -> None:
    """So that a page that goes on by itself can be looked at."""
    route.fulfill(content_type="text/javascript", body="")


# --- States


@pytest.mark.proof
@pytest.mark.parametrize(("name", "status", "words"), STATES, ids=[state[0] for state in STATES])
def test_every_state(name: str, status: int, words: str, payers: Payers, phone: Window) -> None:
    """In a small run half of the four windows looks at each page, in turn."""
    place = payers.places[name]
    if name == "too often":
        payers.look_too_often(place)
    turn = [state[0] for state in STATES].index(name) % 2
    windows = [(True, "en"), (False, "hi"), (True, "hi"), (False, "en")]
    for scripts, language in windows if size(0, 1) else windows[2 * turn :][:2]:
        walker = phone(scripts, language)
        if status == 429:
            walker.open_once(f"{payers.stack.base_url}{place}", status)
        else:
            walker.open(place, status)
        with translation.override(language):
            walker.heading(translation.gettext(words) if words else "")
        assert walker.page.locator("html").get_attribute("lang") == language
        assert walker.page.evaluate(CUT) == []
        assert_tab_reaches_everything(walker)


def assert_tab_reaches_everything(walker: Walker) -> None:
    """Tab comes to all that can be used, from the first to the last, and it can be seen where."""
    stops = walker.page.evaluate(STOPS)
    reached: list[int] = []
    for _ in range(3 * len(stops) + 3):  # a day has three parts to stop at
        walker.page.keyboard.press("Tab")
        at, shows = walker.page.evaluate(FOCUS)
        if at < 0 or (reached and at < reached[-1]):
            break
        assert shows, f"the focus cannot be seen on {stops[at]}"
        reached.append(at)
    assert {stops[at] for at in reached} == {*stops}
    assert reached == sorted(reached)


def test_the_merchants_words_and_the_test_band_are_there(payers: Payers, phone: Window) -> None:
    walker = phone(True, "en")
    walker.open(payers.places["disabled"], 410)
    walker.shows("Sold out.")
    band = walker.page.get_by_text("TEST MODE")
    expect(band).to_be_visible()
    walker.open(payers.places["live"])
    expect(band).not_to_be_attached()


# --- By keyboard alone


TYPED = {
    "Your name": "Dev Rao",
    "Your e-mail": "dev@example.com",
    "Your phone number": "+91 98123 45678",
    "Roll number": "17",
}


@pytest.mark.parametrize("scripts", [True, False])
def test_a_form_with_every_kind_of_question_by_keyboard_alone(
    walk: Open, payers: Payers, scripts: bool
) -> None:
    payer = walk(size=NARROW, scripts=scripts)
    payer.open(payers.places["asks"])
    keys = payer.page.keyboard
    tab_to(payer, payer.page.get_by_label("₹100.00", exact=True))
    keys.press("Space")
    keys.press("ArrowDown")
    expect(payer.page.get_by_label("₹500.00", exact=True)).to_be_checked()
    for label, typed in TYPED.items():
        tab_to(payer, payer.field(label))
        keys.type(typed)
    tab_to(payer, payer.field("Which batch?"))
    keys.type("M")
    tab_to(payer, payer.field("Born on"))
    keys.type("02032001")
    tab_to(payer, payer.field("I agree to the rules"))
    keys.press("Space")
    tab_to(payer, payer.control("Continue to Paytm"))
    keys.press("Enter")
    if not scripts:
        payer.heading("Taking you to Paytm")
        tab_to(payer, payer.control("Continue to Paytm"))
        keys.press("Enter")
    payer.page.wait_for_url(PAYTM)
    payer.look()
    answers, paise = payers.sql(
        "SELECT answers, amount_paise FROM payments_payment ORDER BY created_at DESC LIMIT 1"
    )[0]
    assert paise == 500_00
    assert answers == [
        ["Roll number", "17"], ["Which batch?", "Morning"], ["Born on", "2001-02-03"],
        ["I agree to the rules", True],
    ]  # fmt: skip


def tab_to(payer: Walker, control: Locator) -> None:
    """Press Tab until the control has the focus."""
    for _ in range(30):
        payer.page.keyboard.press("Tab")
        if control.evaluate("control => control === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach {control}")


# --- What nobody expects


@pytest.mark.parametrize("scripts", [True, False])
def test_pressed_twice_it_is_begun_once(walk: Open, payers: Payers, scripts: bool) -> None:
    payer, link = walk(size=NARROW, scripts=scripts), payers.often()
    payer.open(link)
    payer.page.locator("#pay button").dblclick()
    if scripts:
        payer.page.wait_for_url(PAYTM)
        payer.look()
    else:
        go_on_without_scripts(payer)
    assert payers.attempts(link) == ["open"]


def go_on_without_scripts(payer: Walker) -> None:
    """The second press may have met the first one under way: the page says so, and to go on."""
    heading = payer.page.get_by_role("heading", level=1)
    either = re.compile("Taking you to Paytm|Your payment is being started")
    expect(heading).to_have_text(either)
    while "started" in heading.inner_text():
        payer.look(409)
        payer.page.locator("#pay button").click()
        expect(heading).to_have_text(either)
    payer.look()


@pytest.mark.parametrize("once", [True, False])
def test_back_from_paytm_one_goes_on_with_the_same_order(
    walk: Open, payers: Payers, once: bool
) -> None:
    payer = walk(size=NARROW)
    link = payers.once() if once else payers.often()
    payer.open(link)
    first = pressed(payer)
    payer.page.go_back()
    expect(payer.page.locator("#pay")).to_be_visible()
    payer.page.reload()
    payer.look()
    payer.shows("You have begun to pay here.")
    assert pressed(payer) == first
    decide(payer, "success", "paid")
    payer.page.reload()
    payer.look()
    becomes(payer, "paid")
    assert payers.attempts(link) == ["paid"]


def pressed(payer: Walker) -> str:
    """Press Pay and come to Paytm's page; returns the order there."""
    payer.press_through(payer.page.locator("#pay button"), PAYTM)
    found = re.search(r"pay_\w+", payer.page.content())
    assert found
    return found[0]


def test_back_after_paying_one_does_not_pay_again(walk: Open, payers: Payers) -> None:
    payer, link = walk(size=NARROW), payers.once()
    left_open = Walker(payer.page.context.new_page(), payer.stack)
    for tab in (payer, left_open):
        tab.open(link)
    pressed(payer)
    decide(payer, "success", "paid")
    payer.page.evaluate("history.go(-2)")
    payer.page.wait_for_url(f"**{link}")
    payer.heading("This link is already paid")
    left_open.press(left_open.page.locator("#pay button"), 410)
    left_open.heading("This link is already paid")
    assert payers.attempts(link) == ["paid"]


def test_two_tabs_pay_once(walk: Open, payers: Payers) -> None:
    payer, link = walk(size=NARROW), payers.once()
    other = Walker(payer.page.context.new_page(), payer.stack)
    for tab in (payer, other):
        tab.open(link)
    assert pressed(payer) == pressed(other)
    decide(payer, "success", "paid")
    other.open(link, 410)
    assert payers.attempts(link) == ["paid"]


@pytest.mark.parametrize("once", [True, False])
def test_a_second_tab_cannot_pay_while_one_is_pending(
    walk: Open, payers: Payers, once: bool
) -> None:
    payer = walk(size=NARROW)
    link = payers.once() if once else payers.often()
    other = Walker(payer.page.context.new_page(), payer.stack)
    for tab in (payer, other):
        tab.open(link)
    pressed(payer)
    decide(payer, "pending", "checking")
    other.press_through(other.page.locator("#pay button"), STATUS)
    other.heading("Being checked")
    other.open(link, 409)
    other.heading("Your payment is being checked")
    other.press("See your payment")
    stranger = walk(size=NARROW)
    stranger.open(link, 409 if once else 200)
    order = re.findall(r"pay_\w+", payer.main.inner_text())[0]
    payer.stack.control(f"orders/{payers.mid}/{order}/finish", outcome="success")
    for tab in (payer, other):
        becomes(tab, "paid")
    assert payers.attempts(link) == ["paid"]


def test_a_price_that_changed_while_the_page_was_open(walk: Open, payers: Payers) -> None:
    payer, link = walk(size=NARROW), payers.often()
    payer.open(link)
    token = link.rpartition("/")[2]
    payers.sql("UPDATE payments_link SET amount_paise = 60000 WHERE token = %s", token)
    payer.press(payer.page.locator("#pay button"), 409)
    payer.heading("The price has changed")
    payer.shows("₹600.00")
    assert payers.attempts(link) == []
    pressed(payer)
    payer.page.get_by_text("₹600.00").first.wait_for()


def test_a_stale_token_makes_room_for_another_order(walk: Open, payers: Payers) -> None:
    payer, link = walk(size=NARROW), payers.once()
    payer.open(link)
    first = pressed(payer)
    with later(payers.stack, 17 * MINUTE):
        payer.open(link)
        assert pressed(payer) != first
        decide(payer, "success", "paid")
    assert payers.attempts(link) == ["expired", "paid"]


@contextmanager
def later(stack: Stack, seconds: int) -> Iterator[None]:
    """Product and Paytm live so much later for a while."""
    clock = stack.data_dir / "clock"
    clock.write_text(str(seconds))
    try:
        yield
    finally:
        clock.unlink()
