"""A Chromium for the browser tests: the machine's own, or one installed here and now."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PLAYWRIGHT = [sys.executable, "-m", "playwright", "install"]
# Each is tried until one leaves a Chromium. On Ubuntu apt's package is only a hint at a snap.
AS_ROOT = (
    [
        "apt-get update",
        "apt-get install --yes -o DPkg::Lock::Timeout=300 chromium",
    ],
    [" ".join([*PLAYWRIGHT, "--with-deps", "chromium"])],
)
AS_ANYONE = ([" ".join([*PLAYWRIGHT, "chromium"])],)


@contextmanager
def launched() -> Iterator[Browser]:
    """A running headless Chromium, closed at the end. Fails the test where none can be had."""
    with sync_playwright() as playwright:
        program = find(playwright) or install(playwright)
        flags = FLAGS + (["--no-sandbox"] if os.geteuid() == 0 else [])
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


def find(playwright: Playwright) -> str | None:
    """The Chromium that CHROMIUM names, else one on the PATH, else Playwright's own."""
    if chosen := os.environ.get("CHROMIUM"):
        return chosen
    on_path = (found for name in NAMES if (found := shutil.which(name)))
    own = playwright.chromium.executable_path
    return next(on_path, own if Path(own).exists() else None)


def install(playwright: Playwright) -> str:
    """Install a Chromium, with apt where we are root. Fails, and says how, when there is none.

    Tests run in several processes: one installs, and the others find what it has installed.
    """
    with (Path(tempfile.gettempdir()) / f"chromium-install-{os.geteuid()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return find(playwright) or _install(playwright)


def _install(playwright: Playwright) -> str:
    for commands in AS_ROOT if os.geteuid() == 0 else AS_ANYONE:
        print(f"No Chromium found; running: {' && '.join(commands)}", file=sys.stderr)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(" && ".join(commands), shell=True, env=environment)
        if done.returncode == 0 and (program := find(playwright)):
            return program
    pytest.fail("No Chromium, and none could be installed. Install one, or name it: CHROMIUM=…")
