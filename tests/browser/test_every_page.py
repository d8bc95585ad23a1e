"""Every address of the resolver that answers a GET, for each kind of person who gets in.

A new address is walked without being named here, unless it names a thing: then somebody's `ids`
must know one. An address that nobody sees fails, unless WALKED_ELSEWHERE says why.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse
from playwright.sync_api import APIResponse, Browser, Route

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
    """If the address has a page for this person, look at it at both widths, light and dark: in a
    small run at two of the four, for what is too wide is so in any light.

    Returns the status.
    """
    address, walker = address_for(who, name, cast), enter(who)
    answer = ask(walker, address, getattr(cast, who, None))
    if answer.status == 200 and "html" in answer.headers["content-type"]:
        walker.page.emulate_media(color_scheme="light")
        walker.page.set_viewport_size(PHONE)
        walker.open(address)
        for scheme, viewport in [("dark", DESK), ("dark", PHONE), ("light", DESK)][: size(1, 3)]:
            walker.page.emulate_media(color_scheme=scheme)
            walker.page.set_viewport_size(viewport)
            walker.look()
    return answer.status


def address_for(who: str, name: str, cast: Cast) -> str:
    """The address with this person's things in it, or with one that is not there."""
    places = {
        "asha": {"slug": "asha-tea", "live": False},
        "vikram": {"slug": "asha-tea", "live": False},
        "meera": {"slug": "meera-spices", "live": False},
        "lakshmi": {"slug": "lakshmi-silks", "live": True},
    }
    ids = cast.ids.get("asha" if who == "vikram" else who, {})
    thing = ids.get(name, NOTHING["uuid" if "<uuid:" in ROUTES[name] else "int"])
    known: dict[str, Any] = {"id": thing, "pk": thing, "code": cast.invitation}
    known |= {"token": ids.get(name, cast.ids["stranger"]["pay"])}
    known |= {"uidb36": "0", "key": "used-up"} | places.get(who, {})
    wanted = re.findall(r"<(?:\w+:)?(\w+)>", ROUTES[name])
    return reverse(name, kwargs={word: known[word] for word in wanted})


def ask(walker: Walker, address: str, person: Person | None) -> APIResponse:
    """What the address answers this person, after they have shown who they are if need be."""
    answer = get(walker, address)
    if person and "/reauthenticate/" in answer.headers.get("location", ""):
        walker.open(address)
        prove_again(walker, person)
        answer = get(walker, address)
    return answer


def get(walker: Walker, address: str) -> APIResponse:
    return walker.page.request.get(f"{walker.stack.base_url}{address}", max_redirects=0)
