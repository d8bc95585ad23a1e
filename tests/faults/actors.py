"""Payers and merchants as the product sees them: browsers without JavaScript."""

import random
import re
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests

from tests.faults.stack import Stack
from tests.faults.words import CANARY
from tests.forms import Form, read_form

ANSWER_WITHIN = (5, 40)
PAYMENT = re.compile(r'href="/m/[^/"]+/test/payments/([0-9a-f-]{36})[?"]')
KEPT = 200  # callbacks of a merchant

Fields = Mapping[str, str] | Sequence[tuple[str, str]]


def form_in(html: str, id: str) -> Form | None:
    """The form of this id on a page, which may be another page than one hoped for."""
    try:
        return read_form(html, id)
    except KeyError:
        return None


class Watch:
    """What was seen that must never be, and what only deserves a look. Shared by all threads.

    `pages` counts roughly how many pages showed their own merchant's canary, as they must.
    """

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.pages = 0

    def look(self, answer: requests.Response, canary: str) -> None:
        """Note another merchant's canary on a page, and a failure of the product's own."""
        where = f"{answer.request.method} {answer.request.url} {answer.status_code}"
        shown = set(CANARY.findall(answer.text))
        self.pages += canary in shown
        if others := shown - {canary}:
            self.foreign.append(f"{where} shows {sorted(others)}")
        if answer.status_code >= 500 and answer.status_code != 503:
            self.errors.append(where)


class Browser:
    """One browser at one address of the Internet. Where a form leads is the caller's to follow."""

    def __init__(self, stack: Stack, watch: Watch, canary: str, address: str) -> None:
        self.base_url, self.watch, self.canary = stack.base_url, watch, canary
        self._address = address
        self.session = self.fresh_session()

    def fresh_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers["X-Forwarded-For"] = self._address
        return session

    def get(self, path: str) -> requests.Response:
        """A page, wherever it leads."""
        return self._send("GET", path, None, follow=True)

    def post(self, path: str, fields: Fields) -> requests.Response:
        return self._send("POST", path, fields, follow=False)

    def _send(
        self, method: str, path: str, fields: Fields | None, follow: bool
    ) -> requests.Response:
        url = urljoin(self.base_url, path)
        answer = self.session.request(
            method, url, data=fields, timeout=ANSWER_WITHIN, allow_redirects=follow
        )
        self.watch.look(answer, self.canary)
        return answer


class Person:
    """Somebody on a merchant's team. One act at a time: a browser has one pair of hands."""

    def __init__(self, browser: Browser, email: str, password: str) -> None:
        self.browser, self.email, self._password = browser, email, password
        self.busy = threading.RLock()

    def tab(self) -> "Person":
        """The same person in another tab of the same browser, signed in there as here."""
        browser = copy(self.browser)
        browser.session = self.browser.fresh_session()
        browser.session.cookies.update(self.browser.session.cookies)
        return Person(browser, self.email, self._password)

    def get(self, path: str) -> requests.Response:
        """A page of the dashboard, signed in first where that is needed."""
        with self.busy:
            answer = self.browser.get(path)
            if "/accounts/login/" in answer.url:
                self._sign_in()
                answer = self.browser.get(path)
            return answer

    def post(self, path: str, **fields: str) -> requests.Response:
        """Send a form; prove who we are first where that is asked for."""
        with self.busy:
            answer = self._post(path, fields)
            where = answer.headers.get("Location", "")
            if "/accounts/login/" in where:
                self._sign_in()
                answer = self._post(path, fields)
            elif "/accounts/reauthenticate/" in where:
                self._post("/accounts/reauthenticate/", {"password": self._password})
                answer = self._post(path, fields)
            return answer

    def _post(self, path: str, fields: Mapping[str, str]) -> requests.Response:
        token = self.browser.session.cookies.get("csrf") or ""
        return self.browser.post(path, {**fields, "csrfmiddlewaretoken": token})

    def _sign_in(self) -> None:
        self.browser.get("/accounts/login/")
        self._post("/accounts/login/", {"login": self.email, "password": self._password})


@dataclass
class Shop:
    """A merchant, its team, its links by kind, and the callbacks that its payers brought."""

    slug: str
    canary: str
    mid: str
    people: list[Person]
    links: dict[str, list[str]]
    callbacks: deque[Form] = field(default_factory=lambda: deque(maxlen=KEPT))
    payments: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))

    def path(self, rest: str = "") -> str:
        return f"/m/{self.slug}/test/{rest}"

    def listed(self, by: Person, state: str = "") -> list[str]:
        """The ids of the newest payments in this state, as the dashboard lists them."""
        page = by.get(self.path(f"payments?status={state}"))
        found = list(dict.fromkeys(PAYMENT.findall(page.text)))
        self.payments.extend(found)
        return found


def shops_of(told: list[dict[str, Any]], stack: Stack, watch: Watch) -> list[Shop]:
    """The merchants that the set-up made."""
    return [_shop(number, facts, stack, watch) for number, facts in enumerate(told)]


def _shop(number: int, facts: dict[str, Any], stack: Stack, watch: Watch) -> Shop:
    canary, password = facts["canary"], facts["password"]
    people = [
        Person(Browser(stack, watch, canary, f"10.1.{number}.{n + 1}"), email, password)
        for n, email in enumerate(facts["people"])
    ]
    return Shop(facts["slug"], canary, facts["mid"], people, facts["links"])


class Payer:
    """Somebody who pays one link once, from an address of their own."""

    def __init__(self, stack: Stack, watch: Watch, shop: Shop, dice: random.Random) -> None:
        address = f"172.{dice.randrange(16, 32)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        self.browser = Browser(stack, watch, shop.canary, address)
        self.paytm_url = stack.paytm.url

    def open(self, token: str) -> Form | None:
        """The form of a link's page, with its key; None when the link is closed."""
        return form_in(self.browser.get(f"/p/{token}").text, "pay")

    def press_pay(self, token: str, form: Form, rupees: str) -> requests.Response:
        """Send the form; where it leads to Paytm, the page with the hop."""
        answer = self.browser.post(f"/p/{token}", form.fields | {"amount": rupees})
        if answer.status_code == 303:
            answer = self.browser.get(answer.headers["Location"])
        return answer

    def decide(self, hop: Form, button: str, method: str) -> Form | None:
        """Press a button on Paytm's page; what the browser carries back, if it goes back."""
        page = self._at_paytm(hop.action, hop.fields)
        outcome = form_in(page, "outcome")
        if outcome is None:  # too late, or decided in another tab
            return form_in(page, "redirect")
        told = self._at_paytm(outcome.action, {"outcome": button, "method": method})
        return form_in(told, "redirect")

    def _at_paytm(self, url: str, fields: Mapping[str, str]) -> str:
        """Payers reach Paytm without the proxy: it stands between Paytm and the product."""
        path = re.sub(r"^https?://[^/]+", "", url)
        answer = requests.post(f"{self.paytm_url}{path}", data=fields, timeout=ANSWER_WITHIN)
        answer.raise_for_status()
        return answer.text
