"""One running product and one Chromium for all browser tests, and the people who use them.

They live as long as this package's tests: Playwright's loop and Django's database do not share
a thread.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.people import Person, sign_in
from tests.browser.stack import Stack, own_database, running
from tests.browser.walker import Walker, window
from tests.plugin import new_data_dir

Open = Callable[..., Walker]
SignIn = Callable[..., Walker]


@dataclass
class Cast:
    """Who uses the product, and where for each of them the things are that addresses name."""

    asha: Person  # owns the demo's merchant, asha-tea
    admin: Person  # of the platform
    nisha: Person  # has no merchant, and an invitation
    vikram: Person  # a viewer at asha-tea
    meera: Person  # owns meera-spices, where nothing has happened yet
    lakshmi: Person  # owns lakshmi-silks, which is live, and a suspended merchant
    ada: Person  # another admin of the platform
    bob: Person  # finance at asha-tea, with an export of a week ago
    ids: dict[str, dict[str, Any]]
    invitation: str


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The whole product, started once; its demo data is there."""
    with own_database() as database, running(new_data_dir(), environment=database) as stack:
        yield stack


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def cast(stack: Stack) -> Cast:
    """The demo's people and the supporting cast."""
    demo, more = stack.demo, json.loads(stack.run("-m", "tests.browser.supporting"))
    people = [demo["owner"], demo["platform_admin"], *more.pop("people")]
    return Cast(*(Person(**person) for person in people), **more)


@pytest.fixture
def walk(browser: Browser, stack: Stack) -> Iterator[Open]:
    """Opens windows, see `walker.window`. They close, and are judged, at the end of the test."""
    with ExitStack() as windows:

        def open_window(**options: Any) -> Walker:
            return windows.enter_context(window(browser, stack, **options))

        yield open_window


@pytest.fixture
def signed_in(walk: Open) -> SignIn:
    """A window in which this person has just signed in."""

    def enter(person: Person, **options: Any) -> Walker:
        walker = walk(**options)
        sign_in(walker, person)
        return walker

    return enter
