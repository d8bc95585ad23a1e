"""M5: no callback and no webhook ever comes; the running worker alone brings every payment home.

The clock is moved under the running product and the running simulator, by one file.
"""

import json
import time
from collections import Counter
from contextlib import closing
from urllib.parse import urljoin

import psycopg2
import pytest
import requests

from config import embedded
from tests.browser.stack import Stack, own_database, running
from tests.forms import read_form
from tests.plugin import new_data_dir
from tests.proof import size

pytestmark = [pytest.mark.slow, pytest.mark.proof]

PATIENCE = 60


def test_polling_alone_brings_every_payment_home() -> None:
    with own_database() as database, running(new_data_dir(), environment=database) as stack:
        url = database.get("DATABASE_URL") or embedded.url(stack.data_dir / "postgres")
        before = states(url, stack)
        buttons = ["silent", "callback_lost", "pending_success", "pending_failure"]
        for n in range(size(8, 200)):
            pay(stack, buttons[n % len(buttons)])
        each = size(8, 200) // len(buttons)
        wanted = before + Counter(paid=3 * each, failed=each)
        for ahead in (20, 70, 310, 910):
            move_clock(stack, ahead)
            if settles(url, stack, wanted):
                break
        assert states(url, stack) == wanted
        # What Paytm cannot decide it fails after 72 hours; nothing is pending for ever.
        move_clock(stack, 73 * 3600)
        pending = wanted.pop("pending", 0)
        assert settles(url, stack, wanted + Counter(failed=pending)), states(url, stack)


def pay(stack: Stack, button: str) -> None:
    """A payer pays ₹123.45 and presses this button on Paytm's page; then the browser is gone."""
    pay_url = stack.demo["pay_url"]
    hop = requests.post(pay_url, data={"amount": "123.45"}, timeout=20)
    form = read_form(hop.text, "redirect")
    page = requests.post(form.action, data=form.fields, timeout=20)
    outcome = read_form(page.text, "outcome")
    requests.post(urljoin(form.action, outcome.action), data={"outcome": button}, timeout=20)


def move_clock(stack: Stack, seconds: int) -> None:
    secrets = json.loads((stack.data_dir / "secrets.json").read_text())
    requests.post(
        f"{stack.simulator_url}/_control/clock",
        json={"offset_seconds": seconds},
        headers={"Authorization": f"Bearer {secrets['SIMULATOR_TOKEN']}"},
        timeout=10,
    ).raise_for_status()


def settles(url: str, stack: Stack, wanted: Counter[str]) -> bool:
    deadline = time.monotonic() + PATIENCE / 4
    while states(url, stack) != +wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def states(url: str, stack: Stack) -> Counter[str]:
    """How many payments of the demo's merchant are in which state, read from the database."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT schema_name FROM tenant WHERE slug = %s", [stack.demo["merchant"]])
        (schema,) = cursor.fetchone()
        cursor.execute(f'SELECT state, count(*) FROM "{schema}".payments_payment GROUP BY state')
        return Counter(dict(cursor.fetchall()))
