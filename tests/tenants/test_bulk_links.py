"""A file of thousands becomes links in real workers: killed, cancelled, beside others' money."""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django_tenants.utils import tenant_context

from dashboard import batches
from dashboard.views.links import pay_url
from payments import batching
from payments.batching import NotOpen, cancel, start
from payments.models import Batch, Link
from tenants.jobs import BULK
from tenants.models import Job, Tenant, User
from tests import make
from tests.crowd import at_once
from tests.proof import size
from tests.tenants.job_handlers import note_down
from tests.tenants.test_worker import end_leases, until, worker

pytestmark = [pytest.mark.slow, pytest.mark.proof, pytest.mark.usefixtures("committed")]

ROWS = size(500, 5000)
KILLS = size(2, 8)
MONEY_JOBS = 50
# Each step takes a fifth of a second longer, after its links are written and before it is over:
# whoever ends a worker at a random moment mostly hits that.
PAUSE = """
    CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
    CREATE TRIGGER pause AFTER INSERT ON payments_link
        FOR EACH STATEMENT EXECUTE FUNCTION pause()
"""


@pytest.fixture(autouse=True)
def own_clock(tmp_path: Path) -> Iterator[Path]:
    """The workers' clock is the test's own."""
    file = tmp_path / "clock"
    with override_settings(CLOCK_FILE=file):
        yield file


def is_wrong(n: int) -> bool:
    return n % 7 == 3


def invoices(by: User, name: str = "INV") -> Batch:
    """The file: a row in seven has an amount that is none."""
    lines = [f"Invoice {n},{'much' if is_wrong(n) else n},{name}-{n}" for n in range(1, ROWS + 1)]
    return make.batch(*lines, by=by)


def now_of(batch: Batch) -> Batch:
    return Batch.objects.get(pk=batch.pk)


def in_bulk() -> int:
    return Job.objects.filter(lane=BULK, kind=batching.make_some.kind).count()


def is_beyond(batch: Batch, done: int) -> bool:
    return now_of(batch).done > done


def ended(batch: Batch) -> bool:
    return now_of(batch).state == Batch.State.DONE


def test_killed_and_cancelled_each_good_row_has_one_link(
    open_acme: Tenant, own_clock: Path
) -> None:
    alice = User.objects.get(name="Alice")
    with connection.cursor() as cursor:
        cursor.execute(PAUSE)
    batch = invoices(alice)
    start(batch, alice)
    for _ in range(KILLS):
        done = now_of(batch).done
        with worker(own_clock, threads=4) as process:
            until(partial(is_beyond, batch, done), "a step more")
            process.kill()
            process.wait()
        assert now_of(batch).done < ROWS
        end_leases()
    with worker(own_clock, threads=4):
        done = now_of(batch).done
        until(lambda: now_of(batch).done > done, "a step in the next worker")
        cancel(batch, alice)
        until(lambda: not in_bulk(), "the end of the steps")
        rested = now_of(batch)
        assert (rested.state, rested.done < ROWS) == ("cancelled", True)
        assert batch.links.count() == sum(not is_wrong(n) for n in range(1, rested.done + 1))
        start(batch, alice)
        until(lambda: ended(batch), "the last step")
    wanted = [(n + 1, f"INV-{n}", n * 100) for n in range(1, ROWS + 1) if not is_wrong(n)]
    made = Link.objects.order_by("batch_row")
    assert [*made.values_list("batch_row", "reference", "amount_paise")] == wanted
    assert not in_bulk(), [*Job.objects.values()]
    assert_the_result_is_right(batch)

    again = invoices(alice)
    assert again == batch
    with pytest.raises(NotOpen):
        start(again, alice)
    assert Link.objects.count() == len(wanted)


def test_steps_and_uploads_at_the_same_moment_double_nothing(open_acme: Tenant) -> None:
    alice = User.objects.get(name="Alice")
    uploads: list[Callable[[], Batch]] = [partial(invoices, alice)] * 6
    (batch,) = {*at_once(open_acme, uploads)}
    start(batch, alice)
    steps: list[Callable[[], None]] = [partial(step, batch)] * 6
    while not ended(batch):
        at_once(open_acme, steps)
    rows = [*Link.objects.order_by("batch_row").values_list("batch_row", flat=True)]
    assert rows == [n + 1 for n in range(1, ROWS + 1) if not is_wrong(n)]


def step(batch: Batch) -> None:
    with transaction.atomic():
        batching.make_some(batch_id=str(batch.pk))


def assert_the_result_is_right(batch: Batch) -> None:
    urls = {f"INV-{n}": "" for n in range(1, ROWS + 1)}
    urls |= {link.reference: pay_url(link.token) for link in Link.objects.all()}
    by_row = {number: pay_url(token) for number, token in batches.tokens(batch)}
    result = [*batches.results(now_of(batch), by_row)]
    assert [(reference, url) for _, _, reference, url, _ in result] == [*urls.items()]
    for n, (*_, why) in enumerate(result, 1):
        assert why.startswith("amount: Enter an amount") if is_wrong(n) else why == ""


def test_another_merchants_money_is_not_held_up(open_acme: Tenant, own_clock: Path) -> None:
    """Figures to read, not to judge by: the limit is far beyond what is ever seen."""
    alice = User.objects.get(name="Alice")
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    other = Tenant.objects.exclude(pk=open_acme.pk)[0]
    with worker(own_clock, threads=4):
        alone = delays(other, "alone")
        with tenant_context(open_acme):
            batch = invoices(alice)
            start(batch, alice)
        began = time.monotonic()
        beside = delays(other, "beside")
        with tenant_context(open_acme):
            at_end = now_of(batch).done
            until(lambda: ended(batch), "the last step")
        took = time.monotonic() - began
    print(f"\nmoney alone {told(alone)}; beside {ROWS} rows {told(beside)};"
          f" {at_end} rows were gone through by then, all in {took:.1f} s")  # fmt: skip
    assert max(beside) < 20


def delays(tenant: Tenant, name: str) -> list[float]:
    """How long each of some money jobs waited, from its commit to its effect, in seconds."""
    asked = {}
    for n in range(MONEY_JOBS):
        asked[f"{name} {n}"] = time.time()
        note_down.enqueue(tenant.pk, note=f"{name} {n}")
        time.sleep(0.03)
    until(lambda: len(effects_at(name)) == MONEY_JOBS, "the money jobs")
    return [at - asked[note] for note, at in effects_at(name)]


def effects_at(name: str) -> list[tuple[str, float]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT note, extract(epoch FROM at)::float FROM job_effect WHERE note LIKE %s",
            [f"{name} %"],
        )
        return list(cursor.fetchall())


def told(seconds: list[float]) -> str:
    middle, longest = statistics.median(seconds), max(seconds)
    tail = sorted(seconds)[int(len(seconds) * 0.95)]
    return f"p50 {middle * 1000:.1f} ms, p95 {tail * 1000:.1f} ms, max {longest * 1000:.1f} ms"
