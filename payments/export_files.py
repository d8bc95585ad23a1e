"""Files of lists that workers make in the background, kept for a week and fetched by few.

A file shows one moment: it is read in one snapshot, and its count and sums are of that snapshot. A
worker that dies takes the snapshot with it, so the next one begins the file anew; whoever comes
late from an earlier turn writes no more.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import translation

from config.clock import now
from config.spreadsheets import MOST_ROWS, Cell, Sheet, xlsx_parts
from merchants import audit
from merchants.noticing import notify
from payments import exporting, refund_exporting
from payments.exporting import Heading, Kind, Reading
from payments.models import ExportChunk, ExportFile, Listed
from payments.refund_exporting import RefundReading
from payments.refund_selecting import RefundSelection
from payments.selecting import Selection
from tenants.current import current_tenant
from tenants.jobs import BULK, Later, job, still_at_it
from tenants.models import Job, User

KEPT: Final = timedelta(days=7)
STUCK: Final = timedelta(minutes=15)  # after which a file without a job is given up
CHUNK: Final = 1_000_000  # bytes
ATTEMPTS: Final = 5
UNDER_WAY_AT_ONCE: Final = 5  # of a merchant

State, Format = ExportFile.State, ExportFile.Format
CELLS: Final = {
    Kind.TEXT: Cell.TEXT,
    Kind.WORD: Cell.TEXT,
    Kind.RUPEES: Cell.RUPEES,
    Kind.MOMENT: Cell.MOMENT,
    Kind.DAY: Cell.DAY,
}


@dataclass(frozen=True)
class Making:
    """What files of one list are made of: its kind of selection, the columns that there are and
    those of some names, and who reads the rows."""

    selection: type[Any]
    columns: Sequence[Heading]
    chosen: Callable[[Collection[str]], list[Any]]
    reading: Callable[..., Any]


OF: Final = {
    Listed.PAYMENTS: Making(Selection, exporting.COLUMNS, exporting.chosen, Reading),
    Listed.REFUNDS: Making(
        RefundSelection, refund_exporting.COLUMNS, refund_exporting.chosen, RefundReading
    ),
}
Selected = Selection | RefundSelection
S = TypeVar("S", Selection, RefundSelection)
# However many are wanted, mails and money find a thread.
_one_at_a_time = threading.Lock()


class TooMany(Exception):
    """The merchant has that many under way already."""


class NotOpen(Exception):
    """The file has come to its end."""


class Stopped(Exception):
    """It was cancelled, or another worker has begun it anew."""


# --- Asking for one


def ask(
    selection: Selected, format: str, columns: Iterable[str], *, key: str, by: User
) -> ExportFile:
    """Have workers make a file. The same form key of the same person is the same file.

    Raises TooMany.
    """
    wanted = {
        "live": selection.live,
        "of": selection.of,
        "format": format,
        "selection": stored(selection),
        "columns": [*columns],
        "language": translation.get_language() or "en",
        "created_by_name": str(by)[:80],
    }
    with transaction.atomic():
        under_way = ExportFile.objects.filter(state__in=(State.WAITING, State.RUNNING)).count()
        file, is_new = ExportFile.objects.get_or_create(
            created_by_id=by.pk, request_key=key, defaults=wanted
        )
        if is_new:
            if under_way >= UNDER_WAY_AT_ONCE:
                raise TooMany
            audit.record(by, "export.made", file_name(file), after=_facts(file), of=file)
            make.enqueue(current_tenant().pk, key=f"export:{file.pk}", file_id=str(file.pk))
    return file


def cancel(file: ExportFile, by: User) -> None:
    """Make no more of it, and forget what is there. Raises NotOpen."""
    with transaction.atomic():
        locked = _locked(file.pk)
        if not locked.is_under_way:
            raise NotOpen
        _end(locked, State.CANCELLED)
        audit.record(by, "export.cancelled", file_name(file), after=_facts(file), of=file)


def stored(selection: Selected) -> dict[str, Any]:
    """A selection as plain JSON."""
    said = {name: value for name, value in asdict(selection).items() if value not in ("", (), None)}
    return {
        name: str(value) if isinstance(value, date | UUID) else value
        for name, value in said.items()
    }


def selected(file: ExportFile) -> Selected:
    """What a file is of."""
    found: Selected = read(making_of(file).selection, file.selection)
    return found


def file_name(file: ExportFile) -> str:
    """What it is called where it is saved; in the merchant's schema."""
    world = "live" if file.live else "test"
    name = f"{current_tenant().slug}-{world}-{file.of}-{file.created_at:%Y-%m-%d}"
    return f"{name}.{file.format}"


def making_of(file: ExportFile) -> Making:
    return OF[Listed(file.of)]


def read(kind: type[S], known: Mapping[str, Any]) -> S:
    """The selection of this kind that was stored."""
    readers: dict[str, Callable[[Any], Any]] = {
        "first": date.fromisoformat,
        "last": date.fromisoformat,
        "link_id": UUID,
    }
    said = {field.name for field in fields(kind)} & {*known}
    values = {name: readers.get(name, _as_told)(known[name]) for name in said}
    return kind(**values)


def _as_told(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# --- Making it


@job(lane=BULK, attempts=ATTEMPTS)
def make(file_id: str) -> Later | None:
    """Make the file, from its beginning."""
    if not _one_at_a_time.acquire(blocking=False):
        return Later(now() + timedelta(seconds=2))
    try:
        file = _begin(UUID(file_id))
        if file is not None:
            with translation.override(file.language):
                _write(file)
    except Stopped:
        pass
    finally:
        _one_at_a_time.release()
    return None


def _begin(id: UUID) -> ExportFile | None:
    with transaction.atomic():
        file = _locked(id)
        if not file.is_under_way:
            return None
        file.chunks.all().delete()
        file.state, file.turn = State.RUNNING, file.turn + 1
        file.count = file.received_paise = file.asked_paise = file.refunded_paise = None
        file.done = file.size = 0
        file.touched_at = now()
        file.save()
    return file


def _write(file: ExportFile) -> None:
    making = making_of(file)
    columns = making.chosen(file.columns)
    with closing(making.reading(selected(file), columns)) as reading:
        sums = reading.sums()
        _note(file, **asdict(sums))
        if file.format == Format.XLSX and sums.count > MOST_ROWS:
            return _finish(file, State.FAILED, "too_long")
        parts = _csv(reading, file) if file.format == Format.CSV else _xlsx(reading, file)
        for number, chunk in enumerate(_chunks(parts)):
            _keep(file, number, chunk)
    return _finish(file)


def _csv(reading: Any, file: ExportFile) -> Iterator[bytes]:
    for count, part in reading.csv():
        file.done += count
        yield part


def _xlsx(reading: Any, file: ExportFile) -> Iterator[bytes]:
    """Rows are counted as they are read; the bytes come when all of them were."""
    cells = [CELLS[column.kind] for column in reading.columns]

    def rows() -> Iterator[tuple[Any, ...]]:
        for some in reading.rows():
            yield from some
            file.done += len(some)
            _note(file, done=file.done)

    yield from xlsx_parts(Sheet(file.get_of_display(), reading.headings, cells, rows()))


def _chunks(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about CHUNK."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        if len(waiting) >= CHUNK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _keep(file: ExportFile, number: int, chunk: bytes) -> None:
    file.size += len(chunk)
    with transaction.atomic():
        _note(file, done=file.done, size=file.size)
        ExportChunk.objects.create(file=file, number=number, data=chunk)


def _note(file: ExportFile, **facts: object) -> None:
    """Write down how far it is. Raises Stopped, and LeaseLost as `still_at_it` does."""
    still_at_it()
    own = ExportFile.objects.filter(pk=file.pk, turn=file.turn, state=State.RUNNING)
    if not own.update(touched_at=now(), **facts):
        raise Stopped


def _finish(file: ExportFile, state: str = State.DONE, error: str = "") -> None:
    with transaction.atomic():
        locked = _locked(file.pk)
        if (locked.state, locked.turn) != (State.RUNNING, file.turn):
            raise Stopped
        locked.error = error
        _end(locked, state)


def _end(file: ExportFile, state: str) -> None:
    """Under the file's lock: it comes to this end. Only what is ready keeps its bytes."""
    file.state, file.ended_at = state, now()
    if state == State.DONE:
        file.expires_at = now() + KEPT
    else:
        file.chunks.all().delete()
    file.save(update_fields=["state", "error", "ended_at", "expires_at"])
    if state in (State.DONE, State.FAILED):
        _ring(file)


def _ring(file: ExportFile) -> None:
    """Tell who asked for it."""
    where = {"slug": current_tenant().slug, "live": file.live, "id": file.pk}
    name = {"name": f"{file.of}.{file.format}"}
    notify(file.created_by_id, f"export.{file.state}", name, reverse("export", kwargs=where))


# --- Fetching and forgetting


def fetched(file: ExportFile, by: User) -> None:
    """Write down that this person takes the file away."""
    audit.record(by, "export.fetched", file_name(file), after=_facts(file), of=file)


def tidy() -> None:
    """Forget this merchant's files whose week is over; give up those that nobody makes any more."""
    over = ExportFile.objects.filter(state=State.DONE, expires_at__lte=now())
    for pk in over.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            _end(_locked(pk), State.EXPIRED)
    stuck = ExportFile.objects.filter(
        state__in=(State.WAITING, State.RUNNING), touched_at__lt=now() - STUCK
    )
    for pk in stuck.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            if not _has_job(pk) and (file := _locked(pk)).is_under_way:
                _end(file, State.FAILED)


def _has_job(pk: UUID) -> bool:
    jobs = Job.objects.filter(tenant_id=current_tenant().pk, kind=make.kind)
    return jobs.filter(args__file_id=str(pk)).exists()


def _locked(id: UUID) -> ExportFile:
    return ExportFile.objects.select_for_update(no_key=True).get(pk=id)


def _facts(file: ExportFile) -> dict[str, str | int | bool | None]:
    return {
        "live": file.live,
        "of": file.of,
        "format": file.format,
        "selection": selected(file).query,
        "count": file.count,
    }
