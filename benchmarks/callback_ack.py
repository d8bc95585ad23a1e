"""callback_ack: Paytm's callback over HTTP, verified, kept in the inbox, its job written, 303.

The limit is pgbench with the two inserts that this must cost, in one transaction. Every callback
is about another order; the orders are those of several merchants, in turn.
"""

import hashlib
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from benchmarks import pgbench
from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.http_load import send_all
from benchmarks.stage import HOST, PORT, Facts, Stage, tree_seconds
from config.processes import Service
from payments.paytm import generate

GOAL = 0.40
ROUNDS = 5
MERCHANTS = 5
PAYMENTS = 100_000
EACH = 4_000  # callbacks in a round
ASK = "payments.asking.ask_status"

LIMIT = rf"""
\set x random(1, 1000000000000)
BEGIN;
INSERT INTO payments_message (payment_id, source, verdict, raw, digest, received_at)
    VALUES (md5(:n::text)::uuid, 'callback', 'verified', '{"x" * 420}',
        md5(:x::text) || md5(:n::text), now());
INSERT INTO job (lane, kind, tenant_id, args, key, state, run_at, attempts, last_error)
    VALUES (0, '{ASK}', '00000000-0000-4000-8000-000000000000',
        jsonb_build_object('payment_id', md5(:n::text)::uuid), 'ask:' || md5(:n::text)::uuid,
        'ready', now(), 0, '');
COMMIT;
"""  # noqa: S608  (constants of this module only)


@dataclass(frozen=True)
class Callback:
    """One callback as a browser brings it, and where the browser must be led."""

    merchant: Facts
    payment_id: UUID
    request: bytes
    status_page: bytes


def measure(stage: Stage) -> Iterator[Figure]:
    merchants = stage.merchants(MERCHANTS, stage.size(PAYMENTS))
    each, limits, ours = stage.size(EACH), list[Round](), list[Round]()
    numbers = iter(random.Random(5).sample(range(stage.size(PAYMENTS)), stage.size(PAYMENTS)))
    with stage.web() as web:
        _round(stage, web, _callbacks(merchants, numbers, each // 4))  # warms both programs up
        for number in range(ROUNDS):
            limits.append(_limit(stage, merchants[number % MERCHANTS], number, each))
            ours.append(_round(stage, web, _callbacks(merchants, numbers, each)))
            say(f"callback_ack limit {limits[-1]}")
            say(f"callback_ack ours  {ours[-1]}")
    yield held_against("callback_ack", "callbacks/s", GOAL, limits=limits, ours=ours)


def _limit(stage: Stage, merchant: Facts, number: int, count: int) -> Round:
    stage.ask("DELETE FROM job")
    size = stage.size(PAYMENTS)
    first = number * count % size
    schema = merchant["schema"]
    return pgbench.run(stage, LIMIT, schema=schema, first=first, count=count, payments=size)


def _round(stage: Stage, web: Service, callbacks: Sequence[Callback]) -> Round:
    stage.ask("DELETE FROM job")
    kept = _kept(stage, callbacks)
    app, postgres, client = tree_seconds(web), stage.postgres_seconds(), time.process_time()
    began = time.monotonic()
    heads = send_all(PORT, [callback.request for callback in callbacks])
    seconds = time.monotonic() - began
    cpu = {
        "app": tree_seconds(web) - app,
        "postgres": stage.postgres_seconds() - postgres,
        "client": time.process_time() - client,
    }
    _check_answers(callbacks, heads)
    _check_rows(callbacks, _kept(stage, callbacks) - kept, _asked(stage))
    return Round(len(callbacks), seconds, cpu)


def _callbacks(merchants: Sequence[Facts], numbers: Iterator[int], count: int) -> list[Callback]:
    return [_callback(merchants[n % len(merchants)], next(numbers)) for n in range(count)]


def _callback(merchant: Facts, number: int) -> Callback:
    """A callback of a success as Paytm signs and browsers send it (Paytm: callback)."""
    fields = {
        "BANKNAME": "HDFC Bank",
        "BANKTXNID": f"{number:012}",
        "CURRENCY": "INR",
        "GATEWAYNAME": "HDFC",
        "MID": merchant["mid"],
        "ORDERID": f"pay_{number:020}",
        "PAYMENTMODE": "CC",
        "RESPCODE": "01",
        "RESPMSG": "Txn Success",
        "STATUS": "TXN_SUCCESS",
        "TXNAMOUNT": "500.00",
        "TXNDATE": "2026-11-26 11:52:07.0",
        "TXNID": f"2026112611121280011016{number:013}",
    }
    fields["CHECKSUMHASH"] = generate(fields, merchant["merchant_key"])
    body = urlencode(fields).encode()
    head = (
        f"POST /paytm/{merchant['paytm_token']}/callback HTTP/1.1\r\n"
        f"Host: {HOST}\r\n"
        f"X-Forwarded-For: 203.0.113.{number % 250}\r\n"
        "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36\r\n"
        "Accept: text/html,application/xhtml+xml\r\n"
        "Accept-Language: en-IN,en;q=0.9\r\n"
        "Origin: https://secure.paytmpayments.com\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return Callback(
        merchant=merchant,
        payment_id=UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()),
        request=head.encode() + body,
        status_page=f"/p/return/{merchant['key']}{number:022}".encode(),
    )


def _check_answers(callbacks: Sequence[Callback], heads: Sequence[bytes]) -> None:
    for callback, head in zip(callbacks, heads, strict=True):
        place = b"location: " + callback.status_page + b"\r\n"
        if not head.startswith(b"HTTP/1.1 303") or place not in head:
            raise Wrong(f"callback_ack: not the 303 of this payment: {head!r}")


def _kept(stage: Stage, callbacks: Sequence[Callback]) -> Counter[tuple[str, str]]:
    """Messages of the product's own, by merchant and payment; pgbench's have no ORDERID."""
    schemas = {callback.merchant["schema"] for callback in callbacks}
    statement = (
        "SELECT payment_id::text FROM payments_message WHERE source = 'callback'"
        " AND verdict = 'verified' AND raw LIKE '%ORDERID=%'"
    )
    return Counter((schema, row[0]) for schema in schemas
                   for row in stage.ask_in(schema, statement))  # fmt: skip


def _asked(stage: Stage) -> Counter[tuple[str, str]]:
    """Jobs that ask Paytm, by merchant and payment."""
    return Counter(
        stage.ask("SELECT tenant_id::text, args->>'payment_id' FROM job WHERE kind = %s", [ASK])
    )


def _check_rows(
    callbacks: Sequence[Callback], kept: Counter[tuple[str, str]], asked: Counter[tuple[str, str]]
) -> None:
    """One message and one job for each callback, at its own merchant, and nothing else."""
    payments = [(callback.merchant, str(callback.payment_id)) for callback in callbacks]
    if kept != Counter((merchant["schema"], payment) for merchant, payment in payments):
        raise Wrong("callback_ack: the inboxes do not hold each callback once")
    if asked != Counter((merchant["id"], payment) for merchant, payment in payments):
        raise Wrong("callback_ack: there is not one job for each callback")
