"""Messages that Paytm's servers send: webhooks, and callbacks that come without a browser.

They are rows, written in the transaction they tell of, and sent by a courier with retries. The
schedule, and that a 4xx is not retried, are unconfirmed by Paytm.
"""

import logging
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from simulator.clock import Clock
from simulator.records import Delivery
from simulator.store import Store, find, save, select_where

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
RETRY_SECONDS = (60, 300, 1800, 7200, 21600, 86400, 86400, 86400, 86400)
TIMEOUT = (3, 10)
SENDERS = 8

log = logging.getLogger(__name__)


def enqueue(db: sqlite3.Connection, message: Delivery) -> None:
    """Have a message sent once it is due. One without an address is nobody's and is dropped."""
    if message.url:
        save(db, message)


class Courier:
    """Sends what is due, several at a time, so that one slow merchant delays no other."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._pool = ThreadPoolExecutor(SENDERS, "courier")
        self._under_way: set[int] = set()
        self._guard = threading.Lock()

    def send_due(self) -> None:
        """Hand every message that is due to a sender, unless one has it already.

        Claimed inside the transaction: a sender lets go only after it has recorded its answer.
        """
        with self._store.transaction() as db:
            for message in select_where(db, Delivery, "due <= ?", self._clock.now()):
                if message.id is not None and self._claim(message.id):
                    self._pool.submit(self._send, message, message.id)

    def _claim(self, number: int) -> bool:
        with self._guard:
            if number in self._under_way:
                return False
            self._under_way.add(number)
            return True

    def _send(self, message: Delivery, number: int) -> None:
        try:
            self._record(number, post(message))
        finally:
            with self._guard:
                self._under_way.discard(number)

    def _record(self, number: int, answer: str) -> None:
        with self._store.transaction() as db:
            message = find(db, Delivery, id=number)
            if message is None or message.due is None:  # forgotten by a reset, or sent already
                return
            message.answer = answer
            message.due = next_due(message, self._clock.now())
            message.attempts += 1
            save(db, message)


def post(message: Delivery) -> str:
    """Send a message once. Returns the status as text, or the name of the fault."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.post(
                message.url,
                data=message.payload,
                headers={"Content-Type": message.content_type},
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, UnicodeError) as fault:
            log.warning("%s for %s not delivered: %s", message.kind, message.order_id, fault)
            return type(fault).__name__
        return str(response.status_code)


def next_due(message: Delivery, now: int) -> int | None:
    """When to try again; None when it arrived, was refused with a 4xx, or has been tried enough."""
    arrived_or_refused = message.answer[:1] in ("2", "3", "4")
    callback = message.kind == "callback"
    if arrived_or_refused or callback or message.attempts >= len(RETRY_SECONDS):
        return None
    return now + RETRY_SECONDS[message.attempts] * 1000
