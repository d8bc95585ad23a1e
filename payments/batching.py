"""Many links out of one file: reading it, its rows' rules, and making a link of each good row.

A file is kept as it was read, so that the same file again is the same batch and makes no second
link. Workers make its links some rows at a time; each step is one transaction that holds the
links, how far the file is through, and the next step. Rows are judged anew when their turn comes.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.clock import now
from merchants import audit
from merchants.noticing import notify
from payments.forms import RupeesField
from payments.link_fields import MethodsField, QuestionsField, SuggestionsField, refuse_outside
from payments.linking import LONGEST_LIFE, RETURN_SCHEMES, Terms
from payments.models import Batch, Link
from payments.money import MAX_PAISE, MIN_PAISE
from tenants.current import current_tenant, zone
from tenants.jobs import BULK, job
from tenants.models import User
from tenants.routing import new_token

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 5_000
WAITS = timedelta(days=7)  # for its start; then it is forgotten
CHUNK = 100  # rows of a step, after which others have their turn
MOST_PAYMENTS = 100_000

# What a result says beside what was uploaded. A file of errors may come back corrected; one with
# links may not, for its rows would be made again.
ERROR, LINK = "error", "link"
SEPARATORS = ",;\t"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")

State = Batch.State


class BadFile(Exception):
    """No file of links. `reason` is a word; `names` are the columns it is about."""

    def __init__(self, reason: str, names: Iterable[str] = ()) -> None:
        self.reason, self.names = reason, [*names]
        super().__init__(f"{reason} {self.names}")


class NotOpen(Exception):
    """The batch is past this: it runs, or it is done."""


# --- The columns


class MomentField(forms.DateTimeField):
    """A moment in the merchant's zone, written as spreadsheets do, the day before the month. A
    day alone is that day at `hour`."""

    DAY = re.compile(r"[0-9]{1,4}([-/])[0-9]{1,2}\1[0-9]{1,4}")

    def __init__(self, *, hour: str) -> None:
        days = ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y")
        formats = [f"{day} {time}" for day in days for time in ("%H:%M", "%H:%M:%S")]
        wrong = gettext_lazy("Enter a day such as 2027-03-31, or 2027-03-31 18:00.")
        super().__init__(required=False, input_formats=formats, error_messages={"invalid": wrong})
        self.hour = hour

    def to_python(self, value: Any) -> Any:
        return super().to_python(f"{value} {self.hour}" if self.DAY.fullmatch(value) else value)


class TimesField(forms.IntegerField):
    """How many payments: a number; empty for one, `unlimited` for any number (None)."""

    def __init__(self) -> None:
        wrong = {"invalid": gettext_lazy("Enter a whole number, or “unlimited”.")}
        super().__init__(required=False, min_value=1, max_value=MOST_PAYMENTS, error_messages=wrong)

    def clean(self, value: Any) -> int | None:
        if value.lower() == "unlimited":
            return None
        number: int | None = super().clean(value)
        return 1 if number is None else number


class AskedField(forms.ChoiceField):
    """A word of Link.Asked; empty for not asked."""

    def __init__(self) -> None:
        wrong = gettext_lazy("Enter “no”, “optional” or “required”.")
        choices = Link.Asked.choices
        super().__init__(required=False, choices=choices, error_messages={"invalid_choice": wrong})

    def clean(self, value: Any) -> str:
        return str(super().clean(value.lower())) or Link.Asked.NO


_URL = URLValidator(
    schemes=RETURN_SCHEMES,
    message=gettext_lazy("Enter a web address that begins with https://."),
)


def _words(most: int, **options: Any) -> forms.CharField:
    return forms.CharField(max_length=most, **{"required": False} | options)


# In the order of the template. A field is made once and cleans the cells of all rows: a form for
# each of 5,000 rows would take longer to make than to ask.
FIELDS: dict[str, forms.Field] = {
    "description": _words(120, required=True),
    "amount": RupeesField(required=False),
    "reference": _words(60),
    "notes": _words(1000),
    "min_amount": RupeesField(required=False),
    "max_amount": RupeesField(required=False),
    "suggestions": SuggestionsField(),
    "payments": TimesField(),
    "starts_at": MomentField(hour="00:00"),
    "expires_at": MomentField(hour="23:59"),
    "ask_name": AskedField(),
    "ask_email": AskedField(),
    "ask_phone": AskedField(),
    "questions": QuestionsField(required=False, max_length=1000),
    "methods": MethodsField(required=False, max_length=200),
    "thanks": _words(300),
    "return_url": _words(400, validators=[_URL]),
}
OF_OPEN_AMOUNTS = ("min_amount", "max_amount", "suggestions")


# --- A file


@dataclass(frozen=True)
class Sheet:
    """What a file says: names of its columns, and the rows that are not empty, each with its
    number as a spreadsheet shows it, the heading being row 1."""

    columns: list[str]
    rows: list[tuple[int, list[str]]]

    @property
    def digest(self) -> str:
        """The same for what says the same, whatever separates it and whichever column is first."""
        said = [sorted(_named(self.columns, cells).items()) for number, cells in self.rows]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def read_sheet(content: bytes) -> Sheet:
    """Read a whole file, whatever its rows say. Raises BadFile."""
    if len(content) > MOST_BYTES:
        raise BadFile("too_large")
    text = _text(content)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
        columns = _columns(next(lines, []))
        rows = [*_rows(lines)]
    except csv.Error as error:
        raise BadFile("not_csv") from error
    if not rows:
        raise BadFile("empty")
    return Sheet(columns, rows)


def _text(content: bytes) -> str:
    """Text in UTF-8, with its mark or without, or what a spreadsheet calls Unicode text."""
    try:
        text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile("not_text") from error
    if "\0" in text:
        raise BadFile("not_text")
    return text


def _separator(text: str) -> str:
    """What stands most often in the heading."""
    heading = text.partition("\n")[0]
    return max(SEPARATORS, key=heading.count)


def _columns(cells: list[str]) -> list[str]:
    names = ["_".join(cell.lower().split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    unknown = [cell.strip() for cell, name in zip(cells, names, strict=False)
               if name not in FIELDS and name != ERROR]  # fmt: skip
    if "description" not in names:
        raise BadFile("no_description")
    if LINK in names:
        raise BadFile("result")
    if unknown:
        raise BadFile("unknown", unknown)
    if len(set(names)) != len(names):
        raise BadFile("twice", sorted({name for name in names if names.count(name) > 1}))
    return names


def _rows(lines: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(lines, 2):
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            if number > MOST_ROWS + 1:
                raise BadFile("too_long")
            yield number, stripped


def _named(columns: list[str], cells: list[str]) -> dict[str, str]:
    """The cells that say something, by their columns; those beyond the heading under none. Notes
    alone have lines."""
    named = dict(zip(columns, cells, strict=False)) | {"": " ".join(cells[len(columns) :])}
    said = {name: cell for name, cell in named.items() if cell.strip() and name != ERROR}
    return {
        name: cell if name == "notes" else " ".join(cell.split()) for name, cell in said.items()
    }


# --- A row


@dataclass(frozen=True)
class Row:
    """A row and what became of it: terms for a link, or what is wrong by column, "" for the whole
    row."""

    number: int
    cells: dict[str, str]
    terms: Terms | None
    errors: dict[str, str]


def read_row(number: int, cells: dict[str, str]) -> Row:
    """What a row asks for, by its named cells, as things are now."""
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, field in FIELDS.items():
        try:
            found[name] = field.clean(cells.get(name, ""))
        except ValidationError as error:
            errors[name] = " ".join(error.messages)
    if "" in cells:
        errors[""] = _(
            "The row has more cells than the heading. Put text with a separator in quotes."
        )
    errors = _crossed(found) | errors
    return Row(number, cells, None if errors else _terms(found), errors)


def _crossed(found: dict[str, Any]) -> dict[str, str]:
    """What cells say against each other, or against the clock."""
    return _wrong_limits(found) | _wrong_times(found)


def _wrong_limits(found: dict[str, Any]) -> dict[str, str]:
    low, high = found.get("min_amount") or MIN_PAISE, found.get("max_amount") or MAX_PAISE
    if found.get("amount"):
        needless = [name for name in OF_OPEN_AMOUNTS if found.get(name)]
        return dict.fromkeys(needless, _("Leave this empty, or the amount."))
    if low > high:
        return {"max_amount": _("This is less than the least amount.")}
    try:
        refuse_outside(found.get("suggestions", ()), low, high)
    except ValidationError as error:
        return {"suggestions": " ".join(error.messages)}
    return {}


def _wrong_times(found: dict[str, Any]) -> dict[str, str]:
    starts, ends = found.get("starts_at"), found.get("expires_at")
    wrong = {}
    if ends and ends <= now():
        wrong["expires_at"] = _("Choose a time that is still to come.")
    elif starts and ends and starts >= ends:
        wrong["expires_at"] = _("This is before it starts.")
    for name, moment in (("starts_at", starts), ("expires_at", ends)):
        if moment and abs(moment - now()) > LONGEST_LIFE:
            wrong[name] = _("Choose a time within ten years.")
    return wrong


def _terms(found: dict[str, Any]) -> Terms:
    same = ("description", "reference", "notes", "thanks", "starts_at", "expires_at", "return_url")
    asked = ("ask_name", "ask_email", "ask_phone", "suggestions", "questions", "methods")
    return Terms(
        amount_paise=found["amount"],
        min_paise=found["min_amount"] or MIN_PAISE,
        max_paise=found["max_amount"] or MAX_PAISE,
        max_payments=found["payments"],
        **{name: found[name] for name in same + asked},
    )


# --- A batch


def keep(sheet: Sheet, name: str, *, live: bool, by: User) -> tuple[Batch, bool]:
    """The batch of a file, and whether it is new: the same file again is the one that is there."""
    rows = [["", *sheet.columns], *([str(number), *cells] for number, cells in sheet.rows)]
    kept = {"name": name[:120], "rows": rows, "total": len(sheet.rows)}
    kept |= {"created_by_id": by.pk, "created_by_name": str(by)[:80]}
    with transaction.atomic():
        batch, is_new = Batch.objects.get_or_create(live=live, digest=sheet.digest, defaults=kept)
        if is_new:
            audit.record(by, "batch.created", str(batch), after=_facts(batch), of=batch)
    return batch, is_new


def columns_of(batch: Batch) -> list[str]:
    """The names of the columns that were uploaded."""
    return [name for name in batch.rows[0][1:] if name != ERROR]


def rows_of(
    batch: Batch, first: int = 0, count: int = MOST_ROWS, but: Container[int] = ()
) -> Iterator[tuple[int, Row]]:
    """So many rows from a place on, each with its place, judged as things are now in the
    merchant's zone; those whose numbers are in `but` are left out."""
    columns = batch.rows[0][1:]
    for place, (number, *cells) in enumerate(batch.rows[1:][first : first + count], first):
        if int(number) not in but:
            with timezone.override(zone()):
                row = read_row(int(number), _named(columns, cells))
            yield place, row


def start(batch: Batch, by: User) -> None:
    """Have workers make the links, or go on where it was cancelled. Raises NotOpen."""
    _move(batch, (State.WAITING, State.CANCELLED), State.RUNNING, "batch.started", by)


def cancel(batch: Batch, by: User) -> None:
    """Make no more links than those of the step under way. Raises NotOpen.

    Links that are made stay; `start` goes on after the last of them.
    """
    _move(batch, (State.WAITING, State.RUNNING), State.CANCELLED, "batch.cancelled", by)


def forget_the_old() -> None:
    """Delete files that nobody started for a week; one that is being started at this moment is
    left alone."""
    old = Batch.objects.filter(state=State.WAITING, created_at__lt=now() - WAITS)
    with transaction.atomic():
        for batch in old.select_for_update(skip_locked=True).order_by("pk"):
            audit.record(None, "batch.forgotten", str(batch), before=_facts(batch))
            batch.delete()


def _move(batch: Batch, out_of: tuple[str, ...], to: State, act: str, by: User) -> None:
    """Waits for a step under way: whoever reads the batch afterwards sees its last word."""
    with transaction.atomic():
        locked = _locked(batch.pk)
        if locked.state not in out_of:
            raise NotOpen
        locked.state = to
        locked.ended_at = now() if to == State.CANCELLED else None
        locked.save(update_fields=["state", "ended_at"])
        audit.record(by, act, str(locked), after=_facts(locked), of=locked)
        if to == State.RUNNING:
            _step_on(locked)


def _step_on(batch: Batch) -> None:
    """The next step is a job of its own, so that it queues behind others' in its lane."""
    make_some.enqueue(current_tenant().pk, key=f"batch:{batch.pk}", batch_id=str(batch.pk))


@job(lane=BULK, atomic=True)
def make_some(batch_id: str) -> None:
    """Make the links of the next rows. Two of it for one batch take turns and double nothing."""
    batch = _locked(UUID(batch_id))
    if batch.state != State.RUNNING:
        return
    rows = [row for place, row in rows_of(batch, batch.done, CHUNK)]
    Link.objects.bulk_create(_link(batch, row.number, row.terms) for row in rows if row.terms)
    batch.done += len(rows)
    if batch.done == batch.total:
        batch.state, batch.ended_at = State.DONE, now()
        _tell(batch)
    else:
        _step_on(batch)
    batch.save(update_fields=["done", "state", "ended_at"])


def _tell(batch: Batch) -> None:
    """Let whoever uploaded the file know that it is done."""
    if batch.created_by_id:
        made = Link.objects.filter(batch=batch).count()
        told: dict[str, str | int] = {"name": batch.name, "made": made, "total": batch.total}
        where = {"slug": current_tenant().slug, "live": batch.live, "id": batch.pk}
        notify(batch.created_by_id, "batch.done", told, reverse("link_batch", kwargs=where))


def _locked(id: UUID) -> Batch:
    return Batch.objects.select_for_update(no_key=True).get(pk=id)


def _link(batch: Batch, number: int, terms: Terms) -> Link:
    return Link(
        live=batch.live,
        token=new_token(current_tenant()),
        batch=batch,
        batch_row=number,
        created_by_id=batch.created_by_id,
        created_by_name=batch.created_by_name,
        **vars(terms),
    )


def _facts(batch: Batch) -> dict[str, str | int | bool | None]:
    return {"id": str(batch.pk), "live": batch.live, "rows": batch.total, "done": batch.done}
