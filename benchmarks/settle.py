"""settle: a stored status answer to booked money, by two worker processes; the call excluded.

The limit is pgbench with the fixed statements that this must cost, in one transaction: the answer
into the inbox, the payment locked by its order id and updated, timeline, transfer and job. (Others
count seven: here a transfer is its own delta.) Limit and product each have a merchant of 100,000
payments, of which every one is settled at most once.
"""

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import psutil

from benchmarks import pgbench
from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.stage import ROOT, Facts, Row, Stage, seconds_of

GOAL = 0.60
ROUNDS = 5
PAYMENTS = 100_000
EACH = 4_000  # settlements in a round
PROCESSES = 2
PAISE = 500_00

LIMIT = rf"""
\set x random(1, 1000000000000)
BEGIN;
INSERT INTO payments_message (payment_id, source, verdict, raw, digest, received_at)
    VALUES (md5(:n::text)::uuid, 'status', 'success', '{"x" * 420}',
        md5(:x::text) || md5(:n::text), now())
    ON CONFLICT DO NOTHING;
SELECT * FROM payments_payment WHERE order_id = 'pay_' || lpad(:n::text, 20, '0') FOR UPDATE;
UPDATE payments_payment
    SET state = 'paid', received_paise = {PAISE}, paytm_txn_id = '20261126111212800110' || :n,
        bank_txn_id = lpad(:n::text, 12, '0'), method = 'credit_card', gateway = 'HDFC',
        bank = 'HDFC Bank', result_code = '01', result_message = 'Txn Success',
        paid_at = now(), decided_at = now()
    WHERE id = md5(:n::text)::uuid;
INSERT INTO payments_timelineentry (payment_id, at, kind, state, words, by_name)
    VALUES (md5(:n::text)::uuid, now(), 'status', 'paid', '01 Txn Success', '');
INSERT INTO payments_transfer (live, at, day, payment_id, debit, credit, paise, method, folded)
    VALUES (false, now(), current_date, md5(:n::text)::uuid, 'receivable', 'sales', {PAISE},
        'credit_card', false);
INSERT INTO job (lane, kind, tenant_id, args, state, run_at, attempts, last_error)
    VALUES (1, 'payments.outbox.payment_changed', '00000000-0000-4000-8000-000000000000',
        jsonb_build_object('payment_id', md5(:n::text)::uuid, 'state', 'paid'),
        'ready', now(), 0, '');
COMMIT;
"""  # noqa: S608  (constants of this module only)

# What a merchant's books hold: each figure must be one for each payment that was settled.
BOOKS = """
    SELECT (SELECT count(*) FROM payments_payment WHERE state = 'paid'),
        (SELECT sum(received_paise) FROM payments_payment WHERE state = 'paid') / %(paise)s,
        (SELECT count(*) FROM payments_payment
            WHERE id IN (SELECT payment_id FROM payments_transfer) AND state = 'paid'),
        (SELECT count(*) FROM payments_transfer),
        (SELECT sum(paise) FROM payments_transfer
            WHERE debit = 'receivable' AND credit = 'sales') / %(paise)s,
        (SELECT count(*) FROM payments_message WHERE source = 'status'),
        (SELECT count(*) FROM payments_timelineentry WHERE kind = 'status' AND state = 'paid'),
        (SELECT count(DISTINCT args->>'payment_id') FROM job
            WHERE kind = 'payments.outbox.payment_changed' AND tenant_id = %(tenant)s),
        (SELECT count(*) FROM job
            WHERE kind = 'payments.outbox.payment_changed' AND tenant_id = %(tenant)s)
"""


def measure(stage: Stage) -> Iterator[Figure]:
    theirs, mine = stage.merchants(2, stage.size(PAYMENTS))
    each, limits, ours = stage.size(EACH), list[Round](), list[Round]()
    numbers = random.Random(5).sample(range(stage.size(PAYMENTS)), stage.size(PAYMENTS))
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(stage, mine)) for _ in range(PROCESSES)]
        _round(stage, workers, numbers[: each // 4])
        settled = each // 4
        for _ in range(ROUNDS):
            limits.append(_limit(stage, theirs, len(limits) * each, each))
            ours.append(_round(stage, workers, numbers[settled : settled + each]))
            settled += each
            say(f"settle limit {limits[-1]}")
            say(f"settle ours  {ours[-1]}")
            _check(stage, mine, settled)
        _round(stage, workers, numbers[: each // 4])  # the same answers once more
        _check(stage, mine, settled)
    yield held_against("settle", "settlements/s", GOAL, limits=limits, ours=ours)


def _limit(stage: Stage, merchant: Facts, first: int, count: int) -> Round:
    schema, size = merchant["schema"], stage.size(PAYMENTS)
    return pgbench.run(stage, LIMIT, schema=schema, first=first, count=count, payments=size)


class Worker:
    """A process that settles what it is told to; see `settling_worker`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, numbers: Sequence[int]) -> None:
        """Have it read the payments of these numbers and their answers, ready to begin."""
        self._write(json.dumps(numbers))
        self._hear()

    def begin(self) -> None:
        self._write("go")

    def seconds(self) -> float:
        """Wait until it is done: how long it took."""
        return float(self._hear())

    @property
    def cpu(self) -> float:
        return seconds_of([psutil.Process(self.process.pid)])

    def _write(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def _hear(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line.startswith("done "):
            raise Wrong(f"settle: a worker said {line!r}")
        return line.removeprefix("done ")


@contextmanager
def _worker(stage: Stage, merchant: Facts) -> Iterator[Worker]:
    """A worker process; it ends when it hears no more."""
    words = [sys.executable, "-m", "benchmarks.settling_worker", merchant["id"]]
    with (stage.directory / "logs" / "settle.log").open("ab") as log:
        process = subprocess.Popen(
            words, cwd=ROOT, env=stage.environment, text=True, stderr=log,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
    with process:
        yield Worker(process)


def _round(stage: Stage, workers: Sequence[Worker], numbers: Sequence[int]) -> Round:
    for position, worker in enumerate(workers):
        worker.tell(numbers[position :: len(workers)])
    app, postgres = sum(worker.cpu for worker in workers), stage.postgres_seconds()
    for worker in workers:
        worker.begin()
    seconds = max([worker.seconds() for worker in workers])
    cpu = {
        "app": sum(worker.cpu for worker in workers) - app,
        "postgres": stage.postgres_seconds() - postgres,
    }
    return Round(len(numbers), seconds, cpu)


def _check(stage: Stage, merchant: Facts, settled: int) -> None:
    """Every settled payment is paid once, in full, with its evidence, story and job."""
    [books] = _books(stage, merchant)
    if set(books) != {settled}:
        raise Wrong(f"settle: {settled} payments were settled, the books say {books}")


def _books(stage: Stage, merchant: Facts) -> list[Row]:
    return stage.ask_in(merchant["schema"], BOOKS, {"paise": PAISE, "tenant": merchant["id"]})
