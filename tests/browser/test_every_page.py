"""Every address of the resolver that answers a GET, for each kind of person who gets in.

A new address is walked without being named here, unless it names a thing: then somebody's `ids`
must know one, or several, of which a small run takes the first. An address that nobody sees fails,
unless WALKED_ELSEWHERE says why. Meera's pages are empty, and each page that can be narrowed is
also looked at with nonsense in its fields.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.urls import reverse
from playwright.sync_api import APIResponse, Browser, Route, expect

from tenants.checks import patterns
from tests.browser.conftest import Cast
from tests.browser.people import Person, prove_again, sign_in
from tests.browser.stack import Stack
from tests.browser.walker import DESK, PHONE, Walker, window
from tests.proof import size

pytestmark = pytest.mark.browser

ROUTES = {pattern.name: route for route, pattern in patterns()}
# Who looks, by the beginning of the address. Strangers and wrong roles: see test_isolation.
GUESTS = {
    "m/": ("asha", "vikram", "meera", "lakshmi"),
    "platform/": ("ada",),
    "p/": ("stranger",),
    "": ("stranger", "nisha", "lakshmi"),
}
WALKED_ELSEWHERE = {
    "merchant": "leads on to a world's home",
    "account_email_verification_sent": "a step of signing up: walk 2",
    "mfa_login_webauthn": "what the passkey button asks for",
    "mfa_authenticate": "a step of signing in: walk 8",
    "account_confirm_login_code": "signing in by a mailed code is switched off",
    "account_set_password": "for accounts without a password, which nobody has",
    "pay_logo": "a picture, on every pay page of the demo's merchant",
}
POST_ONLY = 405
MOST = 20  # things and choices of one page in a full run
LOOKS = (("light", PHONE), ("dark", DESK), ("dark", PHONE), ("light", DESK))
# Forms of the dashboard that refuse, with what they are given and the button.
REFUSED = {
    "refund_new": ({"Amount to refund": "999999"}, "#refund button.btn-error"),
    "settings_refunds": ({"A second person approves above": "a lot"}, "button.btn-primary"),
    "link_new": ({"What is it for?": "Tea", "Amount to pay": "a lot"}, "button.btn-primary"),
}
# What narrows a page: names of fields to type in, and pairs of name and value to choose.
FIELDS = """() => {
    const form = document.querySelector('main form[method=get]')
    if (!form) return [[], []]
    const ticked = '[type=hidden], [type=checkbox], [type=radio]'
    const typed = [...form.querySelectorAll(`input:not(${ticked})`)]
    const options = [...form.querySelectorAll('select option')].filter(option => option.value)
    return [typed.map(input => input.name).filter(Boolean),
        options.map(option => [option.closest('select').name, option.value])]
}"""
UNFOLD = """() => {
    const folded = [...document.querySelectorAll('main details')]
    folded.forEach(each => { each.open = true })
    return folded.length
}"""
NOTHING = {"uuid": UUID(int=7), "int": 2_000_000_000}
PASSKEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}

Enter = Callable[[str], Walker]


@pytest.fixture(scope="module")
def enter(browser: Browser, stack: Stack, cast: Cast) -> Iterator[Enter]:
    """The window of a kind of person, signed in the first time."""
    with ExitStack() as windows:
        known: dict[str, Walker] = {}

        def enter(who: str) -> Walker:
            if who not in known:
                walker = known[who] = windows.enter_context(window(browser, stack))
                walker.page.route("**/js/redirect*.js", stand_still)
                if who != "stranger":
                    sign_in(walker, getattr(cast, who))
                if who == "lakshmi":
                    cast.ids[who] |= dict.fromkeys(KEY_PAGES, add_passkey(walker))
            return known[who]

        yield enter


KEY_PAGES = ("mfa_edit_webauthn", "mfa_remove_webauthn")


def stand_still(route: Route) -> None:
    """So that a page that goes on by itself can be looked at."""
    route.fulfill(content_type="text/javascript", body="")


def add_passkey(walker: Walker) -> int:
    """Add a passkey, on a key of Chromium's own; returns its id."""
    devtools = walker.page.context.new_cdp_session(walker.page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": PASSKEY})
    walker.open("/accounts/2fa/webauthn/add/")
    walker.press("Add")
    walker.open("/accounts/2fa/webauthn/")
    address = walker.control("Rename").get_attribute("href") or ""
    return int(re.findall(r"\d+", address)[-1])


@pytest.mark.proof
@pytest.mark.parametrize("name", ROUTES)
def test_a_page(name: str, enter: Enter, cast: Cast) -> None:
    beginning = next(start for start in GUESTS if ROUTES[name].startswith(start))
    seen = {who: visit(who, name, enter, cast) for who in GUESTS[beginning]}
    well = not {200, POST_ONLY}.isdisjoint(seen.values())
    assert well is (name not in WALKED_ELSEWHERE), f"{ROUTES[name]} answered {seen}"


def visit(who: str, name: str, enter: Enter, cast: Cast) -> int:
    """If the address has a page for this person, look at it, and at how else it can be.

    Returns the status.
    """
    walker, statuses = enter(who), list[int]()
    for address in addresses_for(who, name, cast)[: size(1, MOST)]:
        answer = ask(walker, address, getattr(cast, who, None))
        statuses.append(answer.status)
        if answer.status == 200 and "html" in answer.headers["content-type"]:
            look_at(walker, address)
            others = [*narrowed(walker, address)]  # nonsense is the first
            for other in others[: size(int(who == "asha"), MOST)]:
                look_at(walker, other)
    return statuses[0]


def look_at(walker: Walker, address: str) -> None:
    """Open an address, whatever it says to that, and look; in a full run with all unfolded too."""
    walker.page.emulate_media(color_scheme="light")
    walker.page.set_viewport_size(PHONE)
    walker.page.goto(f"{walker.stack.base_url}{address}")
    in_other_looks(walker)
    if size(0, 1) and walker.page.evaluate(UNFOLD):
        in_other_looks(walker)


def in_other_looks(walker: Walker) -> None:
    """Look at both widths, light and dark: in a small run at two of the four, for what is too
    wide is so in any light. Any answer but an error of ours is one to look at."""
    assert walker.status < 500, walker.page.url
    for scheme, viewport in LOOKS[: size(2, 4)]:
        walker.page.emulate_media(color_scheme=scheme)
        walker.page.set_viewport_size(viewport)
        walker.look(walker.status)


def narrowed(walker: Walker, address: str) -> Iterator[str]:
    """The page with nonsense in every field that narrows it, then with each choice there is."""
    typed, chosen = walker.page.evaluate(FIELDS)
    if typed:
        yield f"{address}?{urlencode(dict.fromkeys(typed, '~~~'))}"
    yield from (f"{address}?{urlencode([tuple(choice)])}" for choice in chosen)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("keys", "title", "words"),
    [("Control+k", "Go to…", "Settlements"), ("?", "Keys", "Next row, row before")],
)
def test_what_opens_over_a_page(keys: str, title: str, words: str, enter: Enter) -> None:
    asha = enter("asha")
    asha.open("/m/asha-tea/test/payments")
    asha.page.keyboard.press(keys)
    expect(asha.page.get_by_role("dialog", name=title)).to_contain_text(words)
    in_other_looks(asha)


@pytest.mark.proof
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal(name: str, enter: Enter, cast: Cast) -> None:
    asha = enter("asha")
    [address] = addresses_for("asha", name, cast)
    ask(asha, address, cast.asha)
    asha.open(address)
    fields, button = REFUSED[name]
    asha.fill(fields)
    asha.press(asha.main.locator(button), status=422)
    in_other_looks(asha)


def addresses_for(who: str, name: str, cast: Cast) -> list[str]:
    """The address with each of this person's things in it, or with one that is not there."""
    ids = cast.ids.get("asha" if who == "vikram" else who, {})
    things = ids.get(name, NOTHING["uuid" if "<uuid:" in ROUTES[name] else "int"])
    places = {
        "asha": {"slug": "asha-tea", "live": False},
        "vikram": {"slug": "asha-tea", "live": False},
        "meera": {"slug": "meera-spices", "live": False},
        "lakshmi": {"slug": "lakshmi-silks", "live": True},
    }
    known: dict[str, Any] = {"code": cast.invitation}
    known |= {"token": ids.get(name, cast.ids["stranger"]["pay"])}
    known |= {"uidb36": "0", "key": "used-up"} | places.get(who, {})
    wanted = re.findall(r"<(?:\w+:)?(\w+)>", ROUTES[name])
    return [
        reverse(name, kwargs={word: (known | {"id": thing, "pk": thing})[word] for word in wanted})
        for thing in (things if isinstance(things, list) else [things])
    ]


def ask(walker: Walker, address: str, person: Person | None) -> APIResponse:
    """What the address answers this person, after they have shown who they are if need be."""
    answer = get(walker, address)
    if person and "/reauthenticate/" in answer.headers.get("location", ""):
        # not by way of the address: of one that is for posting alone a browser shows nothing
        walker.open(answer.headers["location"].partition("?")[0])
        prove_again(walker, person)
        answer = get(walker, address)
    return answer


def get(walker: Walker, address: str) -> APIResponse:
    return walker.page.request.get(f"{walker.stack.base_url}{address}", max_redirects=0)
