"""One running product and one Chromium for all browser tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.stack import Stack, own_database, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product, started once; its demo data is there."""
    data_dir: Path = tmp_path_factory.mktemp("stack")
    with own_database() as database, running(data_dir, environment=database) as stack:
        yield stack


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium.launched() as browser:
        yield browser
