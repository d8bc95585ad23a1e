"""Merchants' own systems, which are told of events: some well, some sick. The campaign's own."""

import json
import random
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from tests.paytm.server import FakePaytm, Handler, Request

GOOD = "good"
# Every merchant has one that is well, and in turn one of these.
SICK = ("flaky", "stalling", "gone", "busy", "redirecting")
PATIENCE = 1  # seconds that the product has for them; a stalling one takes longer
ILL = 0.1  # of the time, for those that are ill now and then
STATUS = {"gone": 410, "busy": 429}

Heard = dict[str, list[str]]


def behave(handler: Handler) -> None:
    way = handler.path.rpartition("/")[2]
    ill = random.random() < ILL
    if way == "stalling":
        threading.Event().wait(PATIENCE + 1)
    if way == "flaky" and ill:
        handler.hang_up(reset=True)
    elif way == "redirecting":
        handler.reply(b"", 307, Location=f"/{GOOD}")
    elif way == "gone" or (way == "busy" and ill):
        handler.reply(b"", STATUS[way], Retry_After="1")
    else:
        handler.reply(b"")


def ways_of(number: int) -> tuple[str, str]:
    """How the systems of the merchant of this number answer."""
    return (GOOD, SICK[number % len(SICK)])


class Systems(FakePaytm):
    """A server with an address for each system. `requests` holds all they were sent."""

    def __init__(self) -> None:
        super().__init__()
        self.does(behave)

    def heard(self, secrets: Mapping[str, str]) -> tuple[Heard, list[str]]:
        """The ids of what each merchant's good system was told, and what nobody should be: what
        another's secret or none has signed, and two messages under one id.

        `secrets` are those of the addresses, by path.
        """
        heard: dict[str, set[str]] = defaultdict(set)
        bodies: dict[str, bytes] = {}
        odd: list[str] = []
        for request in [*self.requests]:
            odd += _odd(request, secrets[request.path], bodies)
            _, slug, way = request.path.split("/")
            if way == GOOD:
                heard[slug].add(request.headers["webhook-id"])
        return {slug: sorted(ids) for slug, ids in heard.items()}, odd


def _odd(request: Request, secret: str, bodies: dict[str, bytes]) -> Iterator[str]:
    headers: dict[str, str] = request.headers
    id, said = headers["webhook-id"], headers["webhook-signature"]
    if said != _signature(secret, request):
        yield f"{request.path} was sent {id} with a signature that is not its own"
    if bodies.setdefault(id, request.body) != request.body:
        yield f"{request.path} was sent another message as {id}"
    told: Any = json.loads(request.body)
    if told["id"] != id:
        yield f"{request.path} was sent {told['id']} as {id}"


def _signature(secret: str, request: Request) -> str:
    """By the published library, which would refuse the clock that a campaign moves."""
    at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    signed: str = Webhook(secret).sign(request.headers["webhook-id"], at, request.body.decode())
    return signed
