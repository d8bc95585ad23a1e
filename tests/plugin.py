"""What must be there before Django reads its settings: the test environment and a PostgreSQL.

Loaded with `-p` by pyproject.toml, so tests are run as `python -m pytest`. With DATABASE_URL
set, that server is used; otherwise the embedded one is started in a folder of this run, once
for all processes of xdist.
"""

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import embedded
from config.processes import Service

DATA_DIR = Path(tempfile.mkdtemp(prefix="payments-test-"))
IS_XDIST_WORKER = "PYTEST_XDIST_WORKER" in os.environ
GIVEN_DATABASE_URL = os.environ.get(
    "GIVEN_DATABASE_URL" if IS_XDIST_WORKER else "DATABASE_URL", ""
).strip()
DATABASE_URL = GIVEN_DATABASE_URL or embedded.url(DATA_DIR / "postgres")
ENVIRONMENT = {
    "MODE": "test",
    "DATA_DIR": str(DATA_DIR),
    "DATABASE_URL": os.environ["DATABASE_URL"] if IS_XDIST_WORKER else DATABASE_URL,
    "GIVEN_DATABASE_URL": GIVEN_DATABASE_URL,
    "BASE_URL": "http://localhost:8000",
    "SIMULATOR_URL": "",
    "SIMULATOR_TOKEN": "",
    "SECRET_KEY": "a key for tests alone, of no use anywhere else",
    "MASTER_KEYS": "k1:" + base64.b64encode(bytes(range(32))).decode(),
    "METRICS_TOKEN": "a token for tests alone",
    "TRUSTED_PROXIES": "",
    "EMAIL_URL": "",
}
os.environ |= ENVIRONMENT
(DATA_DIR / "static").mkdir()

# What stays in one test process: browser tests share one running product, each fault campaign is a
# product of its own, of which two at once would only wait for each other, and what such a module
# has made ready for all its tests takes long. The groups of most tests begin first.
ONE_PROCESS = {
    "tests/browser/": "browser",
    "tests/faults/": "faults",
    "tests/dashboard/test_exports.py": "exports",
    "tests/house/test_stack.py": "stack",
    "tests/house/test_streams.py": "streams",
    "tests/simulator/test_browser.py": "simulator's browser",
    "tests/tenants/test_bootstrap.py": "bootstrap",
}
# What `make check` leaves to `make test`: places of many small tests, or of real processes.
SLOW_PLACES = (
    "tests/attack/",
    "tests/simulator/",
    "tests/test_isolation.py",
    "tests/config/test_embedded.py",
    "tests/config/test_processes.py",
)

pages_walked = 0


def page_walked() -> None:
    """Count a page that a browser test has opened and checked."""
    global pages_walked
    pages_walked += 1


def new_data_dir() -> Path:
    """A folder that is gone after this run.

    Not one of pytest's, which another run at the same time closes to our PostgreSQL's user.
    """
    return Path(tempfile.mkdtemp(dir=DATA_DIR))


@pytest.fixture
def data_dir() -> Path:
    """A folder for one test that starts a PostgreSQL or the whole product."""
    return new_data_dir()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(SLOW_PLACES):
            item.add_marker(pytest.mark.slow)
        for place, group in ONE_PROCESS.items():
            if item.nodeid.startswith(place):
                item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """Start the server before anything else looks for it, unless there is one or nothing runs."""
    is_there = bool(GIVEN_DATABASE_URL) or IS_XDIST_WORKER
    if not is_there and not session.config.option.collectonly:
        session.config.stash[SERVER] = start_server()
    return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["pages_walked"] = pages_walked


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the pages that a worker walked; one that crashed has told of none."""
    global pages_walked
    pages_walked += getattr(node, "workeroutput", {}).get("pages_walked", 0)


def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(SERVER, None):
        server.stop()
    shutil.rmtree(DATA_DIR)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """The last words before pytest's own summary line."""
    result = yield
    terminalreporter.write_line(f"browser: {pages_walked} pages walked")
    return result


SERVER = pytest.StashKey[Service]()


def start_server() -> Service:
    """The embedded server of this run."""
    directory = DATA_DIR / "postgres"
    server = embedded.service(directory, DATA_DIR / "postgres.log", embedded.THROWAWAY)
    server.start()
    embedded.wait_until_ready(server, directory)
    return server
