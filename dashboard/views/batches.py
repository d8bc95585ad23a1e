"""Many links at once: a file is uploaded, looked at, made into links, and given back with them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import batches, live
from dashboard.batches import UploadForm, words_of_file
from dashboard.exports import csv_file
from dashboard.link_sharing import pay_url
from dashboard.paging import page_of
from payments import batching
from payments.batching import BadFile, NotOpen
from payments.models import Batch
from tenants import limits
from tenants.access import WorldRequest, member
from tenants.current import zone

SHOWN_ROWS = 20
SHOWN_ERRORS = 100
HOUR = 3600
UPLOADS = 60  # an hour and merchant


@member("links.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def list(request: WorldRequest) -> HttpResponse:
    """Files that were uploaded, newest first; a POST uploads one. The same file is one batch."""
    if request.method != "POST":
        return _list(request, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list(request, form, 422)
    if not limits.hit(f"file-of-links:{request.tenant.pk}", UPLOADS, HOUR):
        form.add_error("file", _("Too many files were uploaded within an hour. Wait a little."))
        return limits.until_next(_list(request, form, 429), HOUR)
    file = form.cleaned_data["file"]
    try:
        sheet = batching.read_sheet(file.read())
    except BadFile as error:
        form.add_error("file", words_of_file(error))
        return _list(request, form, 422)
    batch, is_new = batching.keep(sheet, file.name, live=request.live, by=request.user)
    if not is_new:
        words = _("This file was uploaded before: here it is. No link is made of it twice.")
        messages.info(request, words)
    return _see(request, batch)


def _list(request: WorldRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    page = page_of(batches.batch_rows(request.live), request)
    context = {"form": form, "page": page, "columns": batches.COLUMNS.items()}
    return render(request, "dashboard/batches/list.html", context, status=status)


@member("links.manage")
@require_safe
def template(request: WorldRequest) -> HttpResponse:
    """An empty file to fill in, with two rows that show how."""
    return csv_file("links", [*batching.FIELDS], batches.examples(zone()))


@member("links.manage")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """What a file would make, or how far it is, or what it made."""
    batch = get_object_or_404(batches.with_made(request.live).defer("rows"), id=id)
    context = {"batch": batch, "skipped": batch.done - batch.made}
    if batch.state != Batch.State.RUNNING:
        context |= _rows(batch)
    shows = (batch.state, batch.done, batch.made)
    return live.answer(request, "dashboard/batches/detail.html", context, shows=shows)


def _rows(batch: Batch) -> dict[str, Any]:
    """Some rows of a batch that rests; to judge all takes a moment, so not while it is polled."""
    seen = batches.look(batch)
    made = batch.links.order_by("batch_row")[:SHOWN_ROWS]
    return {
        "coming": seen.coming[:SHOWN_ROWS],
        "coming_count": len(seen.coming),
        "coming_paise": seen.coming_paise,
        "twins": batches.twins(batch, seen.coming),
        "wrong": seen.wrong[:SHOWN_ERRORS],
        "wrong_count": len(seen.wrong),
        "more_wrong": max(0, len(seen.wrong) - SHOWN_ERRORS),
        "links": [(link, pay_url(link.token)) for link in made],
    }


@member("links.manage")
@require_POST
def start(request: WorldRequest, id: UUID) -> HttpResponse:
    """Make the links, or go on where it was cancelled."""
    batch = _batch(request, id)
    try:
        batching.start(batch, request.user)
    except NotOpen:
        messages.info(request, _("Its links are made, or being made."))
    return _see(request, batch)


@member("links.manage")
@require_POST
def cancel(request: WorldRequest, id: UUID) -> HttpResponse:
    """Make no more links; those that are made stay."""
    batch = _batch(request, id)
    try:
        batching.cancel(batch, request.user)
    except NotOpen:
        messages.info(request, _("Nothing is left to cancel."))
    return _see(request, batch)


@member("links.manage")
@require_safe
def result(request: WorldRequest, id: UUID) -> HttpResponse:
    """The file with a link for each row; with `only=errors` the rows without, to be corrected."""
    batch = _batch(request, id)
    name = f"links-{batch.pk}"
    if request.GET.get("only") == "errors":
        return csv_file(
            f"{name}-errors", batches.head(batch, link=False), batches.without_link(batch)
        )
    urls = {number: pay_url(token) for number, token in batches.tokens(batch)}
    return csv_file(name, batches.head(batch), batches.results(batch, urls))


def _batch(request: WorldRequest, id: UUID) -> Batch:
    return get_object_or_404(Batch, live=request.live, id=id)


def _see(request: WorldRequest, batch: Batch) -> HttpResponse:
    return redirect("link_batch", slug=request.tenant.slug, live=batch.live, id=batch.pk)
