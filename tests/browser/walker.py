"""The one way that browser tests open pages: each is checked on the spot, whoever opens it."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import axe_playwright_python
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
)

from tests.browser.stack import Stack
from tests.plugin import page_walked

PATIENCE = 30_000  # milliseconds for anything that a page is to show
expect.set_options(timeout=PATIENCE)

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AUDIT = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"]})
    .then(found => found.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html)]))"""
# Chromium tells of violations on the console too, but not of those in report-only mode.
TELL_OF_POLICY = """addEventListener("securitypolicyviolation", event =>
    console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`))"""
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# The status of every answer is judged by itself; the console only repeats it.
STATUS_ON_CONSOLE = "Failed to load resource: the server responded with a status of"
# What a page had under way when its person went on to another one.
LEFT_BEHIND = "net::ERR_ABORTED"


@dataclass
class Walker:
    """Somebody at a browser window. They look at every page they come to before they go on."""

    page: Page
    stack: Stack
    scripts: bool = True
    status: int = 0
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def open(self, address: str, status: int = 200) -> None:
        """Go to a path of the product, or to a whole address, and look."""
        self.page.goto(urljoin(self.stack.base_url, address))
        self.look(status)

    def open_once(self, address: str, status: int) -> None:
        """Open an address again and again until it answers with this status, then look."""
        deadline = time.monotonic() + PATIENCE / 1000
        self.page.goto(address)
        while self.status != status and time.monotonic() < deadline:
            self.page.reload()
        self.look(status)

    def press(self, control: str | Locator, status: int = 200) -> None:
        """Press what leads to another page, a button or a link of this name, and look there."""
        with self.page.expect_navigation():
            self.control(control).click()
        self.look(status)

    def press_through(self, control: str | Locator, end: str, status: int = 200) -> None:
        """Press what leads over pages that go on by themselves, and look at the one that stays.

        `end` is a glob of its address.
        """
        self.control(control).click()
        self.page.wait_for_url(end)
        self.look(status)

    def control(self, name: str | Locator) -> Locator:
        """The one button or link of the page's main part that can be seen under this name."""
        if isinstance(name, Locator):
            return name
        button = self.main.get_by_role("button", name=name, exact=True)
        return button.or_(self.main.get_by_role("link", name=name, exact=True))

    @property
    def main(self) -> Locator:
        """What the page is about, without what is around it on every page."""
        return self.page.get_by_role("main")

    def fill(self, values: Mapping[str, str]) -> None:
        """Type into fields, or choose, by their labels."""
        for label, value in values.items():
            found = self.field(label)
            if found.evaluate("field => field.tagName") == "SELECT":
                found.select_option(value)
            else:
                found.fill(value)

    def field(self, label: str) -> Locator:
        """The field of this label."""
        return self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}\s*(optional)?\s*$"))

    def shows(self, words: str) -> None:
        """Wait until the page's main part holds these words."""
        expect(self.main).to_contain_text(words)

    def heading(self, words: str) -> None:
        """Wait until the page is headed with these words."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(words)

    def look(self, status: int = 200) -> None:
        """Count the page and check it. Fails with everything that is wrong, here or since."""
        self.page.wait_for_load_state()
        page_walked()
        if self.status != status:
            self.troubles.append(f"answered {self.status}, not {status}")
        if self.page.url.startswith(self.stack.base_url):
            self.troubles += self.faults()
        self.judge()

    def faults(self) -> Iterator[str]:
        """What is wrong with the page as it stands. Without scripts axe-core cannot run."""
        if self.page.evaluate(TOO_WIDE):
            yield "scrolls sideways"
        if self.scripts:
            if not self.page.evaluate("'axe' in window"):
                self.page.evaluate(AXE)
            for rule, help, places in self.page.evaluate(AUDIT, RULES):
                yield f"axe {rule}: {help}: " + "\n    ".join(places)

    def judge(self) -> None:
        """Fail if anything was wrong so far."""
        found, self.troubles = self.troubles, []
        where = f"{self.page.url} at {self.page.evaluate('innerWidth')} px"
        assert not found, "\n  ".join([where, *found])

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(STATUS_ON_CONSOLE):
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        ours = (f"{self.stack.base_url}/", f"{self.stack.simulator_url}/", "data:", "blob:")
        if not request.url.startswith(ours):
            self.troubles.append(f"request to another origin: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != LEFT_BEHIND:
            self.troubles.append(f"{request.failure}: {request.url}")

    def _answered(self, response: Response) -> None:
        try:
            shown = response.request.is_navigation_request() and not response.frame.parent_frame
        except Error:  # asked by a page that is gone
            shown = False
        if shown:
            self.status = response.status
        elif response.status >= 400:
            self.troubles.append(f"answered {response.status}: {response.url}")


@contextmanager
def window(
    browser: Browser,
    stack: Stack,
    *,
    size: ViewportSize = DESK,
    scripts: bool = True,
) -> Iterator[Walker]:
    """A browser of one person's own. What goes wrong after the last look fails at the end."""
    with browser.new_context(
        viewport=size, reduced_motion="reduce", java_script_enabled=scripts
    ) as context:
        context.set_default_timeout(PATIENCE)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stack.base_url)
        context.add_init_script(TELL_OF_POLICY)
        walker = Walker(context.new_page(), stack, scripts)
        yield walker
        walker.judge()
