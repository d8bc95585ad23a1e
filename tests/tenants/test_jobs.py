"""Jobs as application code sees them: written, run, repeated, buried."""

import ast
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import schema_context, tenant_context

from config import clock
from tenants import job_queue, jobs
from tenants.jobs import ALL_LANES, NO_TENANT, enqueue_periodics, run_due, wait_after
from tenants.models import DeadJob, Job, Tenant, Tick
from tests.tenants import job_handlers
from tests.tenants.conftest import MoveClock, effects
from tests.tenants.job_handlers import (
    come_back,
    end_elsewhere,
    exactly_once,
    fail,
    fail_after_effect,
    lose_the_lease,
    note_down,
    note_down_in_bulk,
)

pytestmark = pytest.mark.usefixtures("effect_table")

Capture = Callable[..., AbstractContextManager[list[Callable[[], None]]]]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_jobs_of_others(effect_table: None) -> None:
    """Making merchants may have written jobs of its own."""
    Job.objects.all().delete()


# --- Running ------------------------------------------------------------------------------
def test_it_runs_once_in_its_tenant(acme: Tenant, globex: Tenant) -> None:
    Job.objects.all().delete()
    note_down.enqueue(acme.pk, note="a")
    note_down.enqueue(globex.pk, note="g")
    assert run_due() == 2
    assert sorted(effects()) == [("a", acme.schema_name), ("g", globex.schema_name)]
    assert run_due() == 0
    assert not Job.objects.exists()


def test_the_platforms_own_runs_in_public() -> None:
    note_down.enqueue(NO_TENANT, note="p")
    run_due()
    assert effects() == [("p", "public")]


def test_it_runs_with_the_callers_tenant_cleared(acme: Tenant) -> None:
    Job.objects.all().delete()
    note_down.enqueue(NO_TENANT, note="p")
    with tenant_context(acme):
        run_due()
        assert connection.schema_name == acme.schema_name  # type: ignore[attr-defined]
    assert effects() == [("p", "public")]


def test_a_suspended_tenants_jobs_still_run(acme: Tenant) -> None:
    Job.objects.all().delete()
    Tenant.objects.filter(pk=acme.pk).update(state=Tenant.State.SUSPENDED)
    note_down.enqueue(acme.pk, note="money under way")
    run_due()
    assert effects() == [("money under way", acme.schema_name)]


def test_a_rollback_leaves_no_job() -> None:
    with transaction.atomic():
        note_down.enqueue(NO_TENANT, note="never")
        transaction.set_rollback(True)
    assert run_due() == 0
    assert effects() == []


def test_enqueuing_inside_a_tenant_writes_to_the_one_queue(acme: Tenant) -> None:
    Job.objects.all().delete()
    with tenant_context(acme):
        note_down.enqueue(acme.pk, note="from inside")
    assert Job.objects.get().tenant_id == acme.pk


def test_enqueuing_is_one_insert() -> None:
    with CaptureQueriesContext(connection) as queries:
        note_down.enqueue(NO_TENANT, note="n", key="k")
    [insert] = [q["sql"] for q in queries if not q["sql"].startswith("SET search_path")]
    assert insert.lstrip().startswith("INSERT")


def test_many_jobs_of_one_transaction_notify_once(
    django_capture_on_commit_callbacks: Capture,
) -> None:
    with django_capture_on_commit_callbacks() as hooks:
        note_down.enqueue(NO_TENANT, note="1")
        note_down.enqueue(NO_TENANT, note="2")
        note_down.enqueue(NO_TENANT, note="3", at=clock.now() + timedelta(hours=1))
    assert hooks == [job_queue.notify]


# --- Refusals -----------------------------------------------------------------------------
def test_a_job_for_another_tenant_is_a_bug(acme: Tenant, globex: Tenant) -> None:
    with tenant_context(acme):
        for other in (globex.pk, NO_TENANT):
            with pytest.raises(ValueError, match="inside t_"):
                note_down.enqueue(other, note="x")
    with schema_context(acme.schema_name), pytest.raises(ValueError, match="inside t_"):
        note_down.enqueue(acme.pk, note="whose is a bare schema?")


@pytest.mark.parametrize("args", [{}, {"note": "x", "more": 1}, {"note": uuid.uuid4()}])
def test_arguments_are_checked_when_the_job_is_written(args: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        note_down.enqueue(NO_TENANT, **args)


def test_nan_is_no_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        note_down.enqueue(NO_TENANT, note=float("nan"))


def test_no_transaction_may_be_open_for_a_handler_that_may_use_the_network() -> None:
    jobs.refuse_open_transaction()
    with transaction.atomic(), pytest.raises(RuntimeError):
        jobs.refuse_open_transaction()


# --- Time ---------------------------------------------------------------------------------
def test_a_delayed_job_waits_for_the_business_clock(move_clock: MoveClock) -> None:
    note_down.enqueue(NO_TENANT, note="late", at=clock.now() + timedelta(hours=72))
    assert run_due() == 0
    move_clock(timedelta(hours=71))
    assert run_due() == 0
    move_clock(timedelta(hours=72))
    assert run_due() == 1
    assert effects() == [("late", "public")]


def test_a_time_in_the_past_means_now() -> None:
    note_down.enqueue(NO_TENANT, note="now", at=clock.now() - timedelta(hours=1))
    assert run_due() == 1


def test_later_runs_the_same_row_again_with_fresh_attempts(move_clock: MoveClock) -> None:
    come_back.enqueue(NO_TENANT, note="n", hours=1)
    row = Job.objects.get()
    run_due()
    again = Job.objects.get()
    assert (again.pk, again.state, again.attempts) == (row.pk, "waiting", 0)
    assert again.lease_token is None
    assert run_due() == 0
    move_clock(timedelta(hours=1))
    run_due()
    assert effects() == [("n", "public")] * 2


# --- Keys ---------------------------------------------------------------------------------
def test_jobs_with_a_key_are_one_until_it_starts() -> None:
    for note in "abc":
        note_down.enqueue(NO_TENANT, note=note, key="k")
    note_down.enqueue(NO_TENANT, note="other", key="l")
    run_due()
    assert effects() == [("a", "public"), ("other", "public")]


def test_the_earlier_of_two_times_wins() -> None:
    soon, later = (clock.now() + timedelta(hours=hours) for hours in (1, 2))
    note_down.enqueue(NO_TENANT, note="n", key="k", at=later)
    note_down.enqueue(NO_TENANT, note="n", key="k", at=soon)
    note_down.enqueue(NO_TENANT, note="n", key="k", at=later)
    assert Job.objects.get().run_at == soon
    note_down.enqueue(NO_TENANT, note="n", key="k")
    assert run_due() == 1


def test_a_running_job_does_not_absorb_a_new_one() -> None:
    note_down.enqueue(NO_TENANT, note="n", key="k")
    claimed = job_queue.claim(ALL_LANES, {})
    assert claimed
    note_down.enqueue(NO_TENANT, note="n", key="k")
    assert sorted(Job.objects.values_list("state", "key")) == [("ready", "k"), ("running", None)]


# --- Failure ------------------------------------------------------------------------------
def test_a_failure_is_tried_again_after_a_growing_wait(move_clock: MoveClock) -> None:
    fail.enqueue(NO_TENANT, message="no")
    run_due()
    row = Job.objects.get()
    assert (row.state, row.attempts, row.last_error) == ("waiting", 1, "Refused: no")
    assert timedelta() < row.run_at - clock.now() <= timedelta(seconds=2)
    move_clock(timedelta(seconds=2))
    run_due()
    assert Job.objects.get().attempts == 2


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 2), (5, 32), (11, 2048), (12, 3600), (99, 3600)]
)
def test_waits_double_to_an_hour(attempts: int, seconds: int) -> None:
    for _ in range(100):
        wait = wait_after(attempts).total_seconds()
        assert 0.75 * seconds <= wait <= seconds


def test_the_last_attempt_ends_among_the_dead_letters(
    move_clock: MoveClock, caplog: pytest.LogCaptureFixture
) -> None:
    fail.enqueue(NO_TENANT, message=f"no\nDETAIL: {'x' * 5000} whsec_abcdef")
    for hours in (0, 1, 2):
        move_clock(timedelta(hours=hours))
        assert run_due() == 1
    assert not Job.objects.exists()
    dead = DeadJob.objects.get()
    assert (dead.kind, dead.attempts, dead.error) == (fail.kind, 3, "Refused: no")
    assert dead.args["message"].startswith("no")
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.getMessage() == "job died"
    assert (record.kind, record.attempts) == (fail.kind, 3)  # type: ignore[attr-defined]


def test_an_atomic_handler_that_fails_leaves_no_effect() -> None:
    fail_after_effect.enqueue(NO_TENANT, note="half")
    run_due()
    assert effects() == []
    assert Job.objects.get().state == "waiting"


def test_an_atomic_handler_that_lost_its_lease_leaves_no_effect() -> None:
    lose_the_lease.enqueue(NO_TENANT, note="twice")
    run_due()
    assert effects() == []
    assert Job.objects.get().state == "running"


def test_a_handler_that_ends_in_another_schema_has_failed(acme: Tenant) -> None:
    Job.objects.all().delete()
    end_elsewhere.enqueue(acme.pk)
    run_due()
    assert Job.objects.get().last_error.startswith("WrongSchema: public instead of t_")


def test_a_job_whose_tenant_is_gone_is_dead() -> None:
    note_down.enqueue(uuid.uuid4(), note="nobody's")
    run_due()
    assert effects() == []
    assert DeadJob.objects.get().error.startswith("NoSuchTenant")


def test_a_kind_nobody_knows_is_tried_again() -> None:
    note_down.enqueue(NO_TENANT, note="from a newer version")
    Job.objects.update(kind="future.job")
    run_due()
    assert Job.objects.get().last_error == "UnknownKind: future.job"


# --- Leases -------------------------------------------------------------------------------
def claim_and_vanish() -> None:
    """What a killed worker leaves behind, its lease run out."""
    assert job_queue.claim(ALL_LANES, {})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE job SET leased_until = leased_until - interval '1 hour'")


def test_a_lease_holds_while_it_lasts() -> None:
    exactly_once.enqueue(NO_TENANT, note="n")
    assert job_queue.claim(ALL_LANES, {})
    assert run_due() == 0


def test_a_lease_that_ran_out_is_another_attempt() -> None:
    exactly_once.enqueue(NO_TENANT, note="n")
    claim_and_vanish()
    assert run_due() == 1
    assert effects() == [("n", "public")]


def test_the_late_worker_can_end_nothing() -> None:
    exactly_once.enqueue(NO_TENANT, note="n")
    late = job_queue.claim(ALL_LANES, {})
    assert late
    with connection.cursor() as cursor:
        cursor.execute("UPDATE job SET leased_until = leased_until - interval '1 hour'")
    job_queue.promote(clock.now())
    assert job_queue.claim(ALL_LANES, {})
    assert not job_queue.finish(late)
    assert not job_queue.postpone(late, clock.now(), attempts=0)
    assert not job_queue.bury(late, "", clock.now())
    assert not DeadJob.objects.exists()


def test_a_job_that_kills_every_worker_dies() -> None:
    fail.enqueue(NO_TENANT, message="never reached")
    for _ in range(3):
        claim_and_vanish()
        job_queue.promote(clock.now())
    run_due()
    assert DeadJob.objects.get().error == "WorkerDied: at each of 3 attempts"


# --- Order --------------------------------------------------------------------------------
def test_tenants_take_turns(acme: Tenant, globex: Tenant) -> None:
    Job.objects.all().delete()
    for number in range(5):
        note_down.enqueue(acme.pk, note=f"a{number}")
    for number in range(2):
        note_down.enqueue(globex.pk, note=f"g{number}")
    run_due()
    notes = [note for note, _ in effects()]
    assert [n for n in notes if n[0] == "a"] == ["a0", "a1", "a2", "a3", "a4"]
    assert notes.index("g0") <= 1
    assert notes.index("g1") <= 3


def test_money_goes_first() -> None:
    note_down_in_bulk.enqueue(NO_TENANT, note="bulk")
    note_down.enqueue(NO_TENANT, note="money")
    run_due()
    assert [note for note, _ in effects()] == ["money", "bulk"]


def test_a_claim_reads_an_index_however_long_the_queue(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO job (lane, kind, tenant_id, args, state, run_at, attempts, last_error)
            SELECT n %% 3, 'k', %s, '{}', 'ready', now(), 0, '' FROM generate_series(1, 20000) n
            """,
            [acme.pk],
        )
        cursor.execute("ANALYZE job")
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)" + claim_sql())
        [[plans]] = cursor.fetchall()
    plan = (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]
    scans = {node["Node Type"] for node in nodes(plan) if "Scan" in node["Node Type"]}
    assert scans <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Bitmap Index Scan"}
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100


def claim_sql() -> str:
    """The very statement that a claim sends."""
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        job_queue.claim(ALL_LANES, {})
        transaction.set_rollback(True)
    return next(q["sql"] for q in queries if "UPDATE job" in q["sql"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


# --- Periodic jobs ------------------------------------------------------------------------
def test_a_tick_is_taken_once_and_survives_a_clock_that_goes_back() -> None:
    assert [job_queue.take_tick("k", tick) for tick in (7, 7, 6, 8, 8)] == [
        True, False, False, True, False,
    ]  # fmt: skip
    assert job_queue.take_tick("k", 2)


def test_a_period_writes_one_job(move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = job_handlers.once_a_generation
    mine = [each for each in jobs.PERIODICS if each.handler is handler]
    monkeypatch.setattr(jobs, "PERIODICS", mine)
    for period in range(3):
        move_clock(timedelta(seconds=period * job_handlers.LONG_PERIOD))
        enqueue_periodics({})
        enqueue_periodics({})
        run_due()
    assert effects() == [("tick", "public")] * 3
    assert Tick.objects.get(kind=handler.kind).last


# --- House --------------------------------------------------------------------------------
def test_every_module_with_handlers_is_known_to_the_workers() -> None:
    found = set()
    for app in ("config", "tenants", "merchants", "payments", "dashboard"):
        for file in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef) and any(
                    map(makes_handler, node.decorator_list)
                ):
                    found.add(".".join(file.relative_to(ROOT).with_suffix("").parts))
    assert found == set(settings.JOB_MODULES)


def makes_handler(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id in ("job", "periodic")
    )


def test_kinds_fit_their_column() -> None:
    jobs.load_handlers()
    longest = max(map(len, jobs.HANDLERS))
    assert longest <= (Job._meta.get_field("kind").max_length or 0)
