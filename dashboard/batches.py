"""What the pages about links out of a file are made of: the upload, rows and errors in words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.clock import now
from dashboard.paging import Row
from payments import batching
from payments.batching import ERROR, FIELDS, LINK, BadFile
from payments.models import Batch, Link

State = Batch.State

# What may stand in a column, for whoever fills the file.
COLUMNS = {
    "description": gettext_lazy(
        "What it is for. The payer sees it. The one column that is needed."
    ),
    "amount": gettext_lazy("Rupees with plain digits: 499 or 499.50. Empty: the payer enters it."),
    "reference": gettext_lazy("Your own, such as an invoice's number."),
    "notes": gettext_lazy("For your team alone, such as the customer's name."),
    "min_amount": gettext_lazy("The least a payer may enter, where the amount is empty."),
    "max_amount": gettext_lazy("The most a payer may enter, where the amount is empty."),
    "suggestions": gettext_lazy("Amounts to choose from, where the amount is empty: 100, 250."),
    "payments": gettext_lazy("How often it can be paid: empty for once, a number, or “unlimited”."),
    "starts_at": gettext_lazy("Takes payments from: 2027-01-31, 31/01/2027 or with a time, 18:00."),
    "expires_at": gettext_lazy("Takes payments until then; a day alone counts to its end."),
    "ask_name": gettext_lazy("Whether the payer is asked: empty or “no”, “optional”, “required”."),
    "ask_email": gettext_lazy("The same for an email address."),
    "ask_phone": gettext_lazy("The same for a phone number."),
    "questions": gettext_lazy(
        "Your own, with semicolons between: Roll number (number, required); Size (choice: S | M);"
        " Remarks. Kinds are text, number, choice, date and checkbox."
    ),
    "methods": gettext_lazy(
        "Ways to pay, with commas between: upi, credit_card, debit_card, net_banking, wallet, emi."
        " Empty: all of them."
    ),
    "thanks": gettext_lazy("What the payer reads after paying."),
    "return_url": gettext_lazy("A page of yours to go to after paying; begins with https://."),
}

FILE_ERRORS = {
    "too_large": gettext_lazy("The file is larger than 2 MB. Split it into several files."),
    "too_long": gettext_lazy("The file has more than 5,000 rows. Split it into several files."),
    "empty": gettext_lazy("The file has a heading but no rows."),
    "not_text": gettext_lazy("The file is not text in UTF-8. Save it as “CSV UTF-8”."),
    "not_csv": gettext_lazy(
        "The file cannot be read as CSV: a quote is open. Save it as CSV again."
    ),
    "result": gettext_lazy(
        "The file has a column “link”: its rows have links already. Upload the rows with errors"
        " alone, or remove the column to make new links."
    ),
    "no_description": gettext_lazy(
        "The file has no column “description”. Its first row must name the columns, as the"
        " template does."
    ),
}
FILE_ERRORS_ABOUT = {
    "unknown": gettext_lazy("These columns are not known here: %(names)s. Rename or remove them."),
    "twice": gettext_lazy("These columns are there twice: %(names)s."),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File (CSV)"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy(
            "At most 5,000 rows and 2 MB. You look at it before any link is made."
        ),
    )


def words_of_file(error: BadFile) -> str:
    """Why no links can be made of a file."""
    if error.reason in FILE_ERRORS:
        return str(FILE_ERRORS[error.reason])
    return FILE_ERRORS_ABOUT[error.reason] % {"names": ", ".join(error.names)}


def words_of_row(errors: dict[str, str]) -> str:
    """What is wrong with a row, column by column."""
    return " ".join(f"{name}: {words}" if name else words for name, words in errors.items())


def examples(zone: ZoneInfo) -> list[list[str]]:
    """Two rows that show how the template is filled: an invoice, and a payer's own amount."""
    month_on = datetime(*_next_month(now().astimezone(zone)), tzinfo=zone)
    invoice = {
        "description": _("Invoice 1042"),
        "amount": "4990.50",
        "reference": "INV-1042",
        "notes": _("Sharma Stores"),
        "expires_at": f"{month_on:%Y-%m-%d}",
        "ask_name": "optional",
    }
    donation = {
        "description": _("Annual donation"),
        "reference": "DON-7",
        "min_amount": "100",
        "max_amount": "50000",
        "suggestions": "500, 1000, 5000",
        "payments": "unlimited",
        "ask_name": "required",
        "ask_email": "optional",
        "questions": _("PAN for the tax receipt (text); In memory of"),
        "thanks": _("Thank you for helping us."),
    }
    return [[row.get(name, "") for name in FIELDS] for row in (invoice, donation)]


def _next_month(moment: datetime) -> tuple[int, int, int]:
    """The first of the month after next: always to come, never far."""
    months = moment.year * 12 + moment.month + 1
    return months // 12, months % 12 + 1, 1


def with_made(live: bool) -> QuerySet[Any, Any]:
    """Batches, each with how many links it has `made`, as of the same moment as `done`."""
    own = Link.objects.filter(batch=OuterRef("pk"))
    counted = own.values("batch").annotate(count=Count("pk")).values("count")
    return Batch.objects.filter(live=live).annotate(made=Coalesce(Subquery(counted), 0))


def batch_rows(live: bool) -> QuerySet[Any, Row]:
    """Batches for page_of."""
    return with_made(live).values("id", "created_at", "name", "state", "total", "done", "made")


@dataclass(frozen=True)
class Look:
    """The rows without a link: those to come, and what is wrong with the others, by number."""

    coming: list[batching.Row]
    wrong: list[tuple[int, str]]

    @property
    def coming_paise(self) -> int:
        """What the links to come ask for in all, where they name an amount."""
        return sum(row.terms.amount_paise or 0 for row in self.coming if row.terms)


def look(batch: Batch) -> Look:
    """Judges every row that has no link, as things are now."""
    seen = Look([], [])
    for place, row in batching.rows_of(batch, but={number for number, token in tokens(batch)}):
        if row.terms and place >= batch.done:
            seen.coming.append(row)
        else:
            seen.wrong.append((row.number, _why_none(batch, place, row)))
    return seen


def twins(batch: Batch, coming: list[batching.Row]) -> int:
    """How many rows to come say what a link of another file says already: perhaps the whole file
    was uploaded again after some of it was corrected."""
    asked = [row.terms for row in coming if row.terms]
    wanted = [(terms.description, terms.reference, terms.amount_paise) for terms in asked]
    others = Link.objects.filter(live=batch.live, batch__isnull=False).exclude(batch=batch)
    like = others.filter(description__in={terms.description for terms in asked})
    made = {*like.values_list("description", "reference", "amount_paise")}
    return sum(each in made for each in wanted)


def head(batch: Batch, link: bool = True) -> list[str]:
    """The columns of a result: as uploaded, then the link, and what is wrong."""
    return [*batching.columns_of(batch), *([LINK] if link else []), ERROR]


def results(batch: Batch, urls: dict[int, str]) -> Iterator[list[str]]:
    """Each row with its link, or with the words why there is none. `urls` are by row."""
    columns = batching.columns_of(batch)
    for place, row in batching.rows_of(batch):
        url = urls.get(row.number, "")
        why = "" if url else _why_none(batch, place, row)
        yield [*(row.cells.get(name, "") for name in columns), url, why]


def without_link(batch: Batch) -> Iterator[list[str]]:
    """The rows that have no link, to be corrected and uploaded: without a column for it."""
    yield from ([*cells, why] for *cells, url, why in results(batch, dict(tokens(batch))) if why)


def _why_none(batch: Batch, place: int, row: batching.Row) -> str:
    if row.errors:
        return words_of_row(row.errors)
    if place >= batch.done:
        return _("Not made yet.")
    # Its time was further away than is allowed, and has come nearer since.
    return _("It could not be made when its turn came. Upload the row again.")


def tokens(batch: Batch) -> Iterable[tuple[int, str]]:
    """The number of each row that has a link, and the link's token."""
    made = Link.objects.filter(batch=batch).order_by("batch_row")
    return made.values_list("batch_row", "token")  # type: ignore[return-value]
