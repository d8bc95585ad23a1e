"""A real Paytm simulator in its own process, and what a payer's browser does there."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from django.test import Client

from tests.forms import Form, read_form

START_SECONDS = 20


@dataclass
class Simulator:
    url: str
    process: subprocess.Popen[bytes]

    def control(self, path: str, **body: Any) -> Any:
        """POST to the control interface; see GET /_control/."""
        answer = requests.post(f"{self.url}/_control/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def books(self, mid: str) -> Any:
        answer = requests.get(f"{self.url}/_control/books", params={"mid": mid}, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def plant(self, endpoint: str, scenario: str, **more: Any) -> None:
        """Have the next call of an API endpoint go as the scenario says."""
        self.control("scenarios", endpoint=endpoint, scenario=scenario, **more)

    def forget_scenarios(self) -> None:
        """Let everything go well again."""
        requests.delete(f"{self.url}/_control/scenarios", timeout=10).raise_for_status()

    def decide(self, hop: Form, outcome: str, **fields: str) -> Form:
        """Go to Paytm's page with the hop's form and press a button: the callback's form."""
        page = requests.post(hop.action, data=hop.fields, timeout=10)
        page.raise_for_status()
        form = read_form(page.text, "outcome")
        answer = requests.post(
            f"{self.url}{form.action}",
            data=form.fields | fields | {"outcome": outcome},
            timeout=10,
        )
        answer.raise_for_status()
        return read_form(answer.text, "redirect")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def start_simulator(port: int, log: Path, *arguments: str) -> Simulator:
    """A simulator of this run, ready to answer. Without --state it forgets when stopped."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port", str(port), *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    simulator = Simulator(f"http://127.0.0.1:{port}", process)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(simulator):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"the simulator did not start: {log.read_text()}")
        time.sleep(0.05)
    return simulator


def _answers(simulator: Simulator) -> bool:
    try:
        return requests.get(f"{simulator.url}/healthz", timeout=1).ok
    except requests.ConnectionError:
        return False


def go_to_paytm(client: Client, pay_path: str, **fields: str) -> Form:
    """Press *Pay* on a link's page; returns the form that hops to Paytm."""
    answer = client.post(pay_path, fields, follow=True)
    return read_form(answer.content.decode(), "redirect")


def come_back(client: Client, callback: Form) -> Any:
    """Bring Paytm's callback to the product; returns its answer, not followed."""
    return send(client, urlsplit(callback.action).path, callback.fields)


def send(client: Client, path: str, fields: Mapping[str, str]) -> Any:
    """POST fields as a browser's form does."""
    return client.post(path, urlencode(fields), "application/x-www-form-urlencoded")
