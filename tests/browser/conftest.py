"""One running product and one Chromium for all browser tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.stack import Stack, own_database, running
from tests.plugin import new_data_dir


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole product, started once; its demo data is there."""
    with own_database() as database, running(new_data_dir(), environment=database) as stack:
        yield stack


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium.launched() as browser:
        yield browser
