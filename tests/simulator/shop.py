"""A running simulator, and a merchant who speaks to it over HTTP.

Nothing here needs Django, the product or a database: what a merchant can do with Paytm's
official library, these tests do.
"""

import html
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import paytmchecksum
import psutil
import requests

ROOT = Path(__file__).parents[2]
MID = "TESTMID0000000001"
KEY = "0123456789abcdef"
OTHER_MID = "TESTMID0000000002"
OTHER_KEY = "fedcba9876543210"
Json = dict[str, Any]


@dataclass
class Simulator:
    """One running `python -m simulator`."""

    port: int
    options: list[str]
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def control(self, method: str, path: str, **members: Any) -> Json:
        """A control call that must succeed."""
        response = requests.request(
            method, f"{self.url}/_control/{path}", json=members if method == "POST" else None
        )
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", advance_seconds=seconds)

    def plant(self, endpoint: str, scenario: str, **members: Any) -> Json:
        return self.control("POST", "scenarios", endpoint=endpoint, scenario=scenario, **members)

    def kill(self) -> None:
        """End it as a power cut would. Its worker notices, and must be gone before the next."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait(10)
        assert not psutil.wait_procs(family, 10)[1]

    def start_again(self) -> None:
        self.process = launch(self.port, self.options)


def launch(port: int, options: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simulator", "--port", str(port), *options]
    process = subprocess.Popen(command, cwd=ROOT, text=True)
    wait_until(lambda: answers(port) or process.poll() is not None)
    assert process.poll() is None, "the simulator did not start"
    return process


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    except requests.ConnectionError:
        return False


def wait_until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """The condition's first true value; a failure when there is none in time."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Page:
    """A form found in an HTML answer."""

    response: requests.Response
    form: str

    @property
    def action(self) -> str:
        return html.unescape(self.find(rf'<form id="{self.form}"[^>]*action="([^"]*)"'))

    @property
    def fields(self) -> dict[str, str]:
        """The hidden fields of the page."""
        found = re.findall(
            r'<input type="hidden" name="([^"]*)" value="([^"]*)"', self.response.text
        )
        return {html.unescape(name): html.unescape(value) for name, value in found}

    @property
    def is_there(self) -> bool:
        return f'<form id="{self.form}"' in self.response.text

    def find(self, pattern: str) -> str:
        match = re.search(pattern, self.response.text)
        assert match, self.response.text
        return match[1]


ORDER_NUMBERS = count(int(time.time()))


@dataclass
class Shop:
    """A merchant's side, with Paytm's official checksum library."""

    url: str
    callback_url: str = "http://shop.test/callback"
    mid: str = MID
    key: str = KEY

    def new_order_id(self) -> str:
        return f"ORDER_{next(ORDER_NUMBERS)}"

    def post(
        self, path: str, body: Json, key: str | None = None, timeout: float = 5
    ) -> requests.Response:
        """Send a signed body, the text with spaces as Paytm's samples have it."""
        text = json.dumps(body)
        signature = paytmchecksum.generateSignature(text, key or self.key)
        data = f'{{"body": {text}, "head": {{"signature": "{signature}"}}}}'
        return requests.post(
            self.url + path, data=data.encode(), timeout=timeout, allow_redirects=False
        )

    def call(self, path: str, body: Json, key: str | None = None) -> Json:
        """Send a signed body; the answer's body, its signature verified where there is one."""
        response = self.post(path, body, key)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        if "signature" in answer["head"]:
            assert self.verifies(response)
        inner: Json = answer["body"]
        return inner

    def verifies(self, response: requests.Response) -> bool:
        """Check an answer as Paytm's SDK does: the text after `"body":` but for the last brace."""
        text = response.text[response.text.index('"body":') + 7 : -1]
        signature = response.json()["head"]["signature"]
        return bool(paytmchecksum.verifySignature(text, self.key, signature))

    def order_body(self, order_id: str, amount: str = "499.00", **changes: Any) -> Json:
        return {
            "requestType": "Payment",
            "mid": self.mid,
            "websiteName": "WEBSTAGING",
            "orderId": order_id,
            "callbackUrl": self.callback_url,
            "txnAmount": {"value": amount, "currency": "INR"},
            "userInfo": {"custId": "CUST_1"},
        } | changes

    def initiate(self, order_id: str, amount: str = "499.00", **changes: Any) -> Json:
        path = f"/theia/api/v1/initiateTransaction?mid={self.mid}&orderId={order_id}"
        return self.call(path, self.order_body(order_id, amount, **changes))

    def open_page(self, order_id: str, token: str) -> Page:
        response = requests.post(
            f"{self.url}/theia/api/v1/showPaymentPage?mid={self.mid}&orderId={order_id}",
            data={"mid": self.mid, "orderId": order_id, "txnToken": token},
        )
        return Page(response, "outcome")

    def press(self, page: Page, outcome: str, **fields: str) -> Page:
        response = requests.post(self.url + page.action, data={"outcome": outcome, **fields})
        return Page(response, "redirect")

    def pay(self, amount: str = "499.00", outcome: str = "success", **fields: str) -> "Attempt":
        """Walk an order through Paytm's page."""
        order_id = self.new_order_id()
        token = self.initiate(order_id, amount)["txnToken"]
        page = self.open_page(order_id, token)
        return Attempt(self, order_id, self.press(page, outcome, **fields))

    def status(self, order_id: str) -> Json:
        return self.call("/v3/order/status", {"mid": self.mid, "orderId": order_id})

    def refund(self, attempt: "Attempt", amount: str, ref_id: str, **changes: Any) -> Json:
        body = {
            "mid": self.mid,
            "txnType": "REFUND",
            "orderId": attempt.order_id,
            "txnId": attempt.status().get("txnId", ""),
            "refId": ref_id,
            "refundAmount": amount,
        }
        return self.call("/refund/apply", body | changes)

    def refund_status(self, order_id: str, ref_id: str) -> Json:
        body = {"mid": self.mid, "orderId": order_id, "refId": ref_id}
        return self.call("/v2/refund/status", body)


@dataclass
class Attempt:
    """An order after a button was pressed on Paytm's page."""

    shop: Shop
    order_id: str
    page: Page

    @property
    def callback(self) -> dict[str, str]:
        return self.page.fields

    def status(self) -> Json:
        return self.shop.status(self.order_id)


def code(body: Json) -> tuple[str, str]:
    """The resultStatus and resultCode of an answer."""
    return body["resultInfo"]["resultStatus"], body["resultInfo"]["resultCode"]


def is_genuine(fields: dict[str, str], key: str = KEY) -> bool:
    """Whether the official library accepts a callback."""
    rest = {name: value for name, value in fields.items() if name != "CHECKSUMHASH"}
    return bool(paytmchecksum.verifySignature(rest, key, fields["CHECKSUMHASH"]))


@dataclass
class Receiver:
    """A merchant's server that keeps what is posted to it and answers `status`."""

    url: str
    messages: list[tuple[str, str]]
    status: int = 200

    def forms(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(text, True)) for kind, text in self.messages if "form" in kind]

    def documents(self) -> list[str]:
        return [text for kind, text in self.messages if "json" in kind]
