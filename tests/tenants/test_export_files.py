"""Files of payments made by real workers: killed in the middle, kept at work beyond a lease."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import override_settings

from payments import export_files, exporting, inventing
from payments.models import ExportFile
from payments.selecting import Selection
from tenants import job_queue, jobs
from tenants.jobs import BULK, LeaseLost
from tenants.models import Job, Tenant, User
from tests.proof import size
from tests.tenants.test_worker import end_leases, until, worker

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("committed")]

COUNT = size(30_000, 300_000)
KILLS = size(2, 8)
# Each piece takes a fifth of a second longer: whoever ends a worker mostly hits that.
PAUSE = """
    CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
    CREATE TRIGGER pause AFTER INSERT ON payments_exportchunk
        FOR EACH STATEMENT EXECUTE FUNCTION pause()
"""


@pytest.fixture(autouse=True)
def own_clock(tmp_path: Path) -> Iterator[Path]:
    """The workers' clock is the test's own."""
    file = tmp_path / "clock"
    with override_settings(CLOCK_FILE=file):
        yield file


def now_of(file: ExportFile) -> ExportFile:
    return ExportFile.objects.get(pk=file.pk)


def is_being_written(file: ExportFile, turn: int) -> bool:
    return now_of(file).turn > turn and now_of(file).chunks.exists()


@pytest.mark.proof
def test_killed_again_and_again_it_is_whole_in_the_end(open_acme: Tenant, own_clock: Path) -> None:
    inventing.invent(COUNT, until=datetime(2026, 11, 27, 9, 30, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute(PAUSE)
    alice = User.objects.get(name="Alice")
    file = export_files.ask(Selection(live=False), "csv", [], key="k" * 22, by=alice)
    for _ in range(KILLS):
        turn = now_of(file).turn
        with worker(own_clock, threads=2) as process:
            until(lambda turn=turn: is_being_written(file, turn), "a piece of the file")  # type: ignore[misc]
            process.kill()
            process.wait()
        assert now_of(file).is_under_way
        end_leases()
    with worker(own_clock, threads=2):
        until(lambda: now_of(file).state == "done", "the whole file")
    done = now_of(file)
    assert (done.count, done.done, done.turn) == (COUNT, COUNT, KILLS + 1)
    pieces = b"".join(bytes(chunk.data) for chunk in done.chunks.order_by("number"))
    assert len(pieces) == done.size
    assert pieces == b"".join(exporting.csv_parts(Selection(live=False), exporting.chosen([])))
    with closing(exporting.Reading(Selection(live=False), exporting.COLUMNS)) as reading:
        sums = reading.sums()
    assert (done.received_paise, done.refunded_paise) == (sums.received_paise, sums.refunded_paise)
    assert not Job.objects.filter(lane=BULK, kind=export_files.make.kind).exists()


def test_a_job_that_says_so_keeps_its_lease(
    open_acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who has lost it learns that at once."""
    monkeypatch.setattr(jobs, "RENEW_AFTER", 0.0)
    seen: list[str] = []

    def beating(file_id: str) -> None:
        end_leases()
        jobs.still_at_it()
        job_queue.promote(datetime.now(UTC))
        seen.append(Job.objects.get().state)
        Job.objects.update(lease_token=None)
        with pytest.raises(LeaseLost):
            jobs.still_at_it()
        raise LeaseLost

    monkeypatch.setattr(export_files.make, "function", beating)
    export_files.make.enqueue(open_acme.pk, file_id="x")
    jobs.run_due(1)
    assert seen == ["running"]
