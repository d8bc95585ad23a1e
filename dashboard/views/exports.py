"""Exports: what a list shows as a file, at once or made in the background and fetched later."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final
from uuid import UUID

import psycopg2
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_tenants.utils import tenant_context

from dashboard import live
from dashboard.export_form import ExportForm, in_words
from dashboard.exports import TYPES
from dashboard.lists import LISTS, List
from dashboard.paging import Row, page_of
from merchants import roles
from payments import export_files, exporting
from payments.export_files import NotOpen, Selected, TooMany
from payments.models import ExportChunk, ExportFile, Listed
from payments.models.export import as_it_stands
from tenants.access import WorldRequest, member
from tenants.models import Tenant

STREAMS: Final = 2  # that one process sends at once: each holds a thread and a connection
ROW: Final = (
    *("id", "created_at", "created_by_id", "created_by_name", "of", "format", "state", "count"),
    *("done", "size", "received_paise", "asked_paise", "refunded_paise", "expires_at"),
    "selection",
)
_streams = threading.BoundedSemaphore(STREAMS)


@member("exports.make")
@require_safe
def csv(request: WorldRequest, of: Listed) -> HttpResponseBase:
    """What the list of the same address shows, all pages of it, sent as it is read.

    A file of some thousand rows goes whole, with its length. One that breaks off later says so
    in its last line: the web server ends a body as if it were whole, whatever became of us.
    """
    listed, making = LISTS[of], export_files.OF[of]
    selection = listed.form_of(request.GET).selection(request.live)
    columns = making.chosen(request.GET.get("columns", "").split(","))
    whole = exporting.csv_parts(selection, columns, making.reading)
    if not _streams.acquire(blocking=False):
        messages.info(request, _("Others are taking files now. Have this one made meanwhile."))
        return _to_form(request, listed)
    parts = _counted(whole)
    first = [*islice(parts, 2)]  # inside the tenant; what is wrong by now is an error's page
    response: HttpResponseBase
    if len(first) < 2:
        response = HttpResponse(b"".join(first), content_type=TYPES["csv"])
    else:
        response = StreamingHttpResponse(_whole(first, parts), content_type=TYPES["csv"])
    return _named(response, f"{request.tenant.slug}-{_world(request.live)}-{of}.csv")


def _whole(first: Sequence[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    words = _("INCOMPLETE: the file broke off here. Take it again.")
    yield from first
    try:
        yield from rest
    except psycopg2.Error:
        yield f'"{words}"\n'.encode()
        raise


def _counted(parts: Iterator[bytes]) -> Iterator[bytes]:
    """One of STREAMS until it ends, breaks off or is forgotten."""
    try:
        yield from parts
    finally:
        _streams.release()


@member("exports.make")
@require_http_methods(["GET", "HEAD", "POST"])
def list(request: WorldRequest, of: Listed) -> HttpResponse:
    """The files that were made; a POST has one made of what the address selects of this list."""
    listed = LISTS[of]
    selection = listed.form_of(request.GET).selection(request.live)
    if request.method != "POST":
        empty = ExportForm.empty(listed, request.GET.get("columns", ""))
        return _page(request, selection, empty)
    form = ExportForm(listed, request.POST)
    if not form.is_valid():
        return _page(request, selection, form, 422)
    try:
        file = export_files.ask(selection, **form.cleaned_data, by=request.user)
    except TooMany:
        form.add_error(None, _("Several files are being made already. Wait for one of them."))
        return _page(request, selection, form, 429)
    return _see(request, file)


@member("exports.make")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """How far a file is, what is in it, and how to take it."""
    return _detail(request, _file(request, id))


def _detail(request: WorldRequest, file: ExportFile) -> HttpResponse:
    selection, making = export_files.selected(file), export_files.making_of(file)
    context = {
        "file": file,
        **_of(selection),
        "columns": [column.heading for column in making.chosen(file.columns)],
    }
    shows = (file.state, file.done, file.count)
    return live.answer(request, "dashboard/exports/detail.html", context, shows=shows)


@member("exports.make")
@require_POST
def cancel(request: WorldRequest, id: UUID) -> HttpResponse:
    """Make no more of a file."""
    file = _file(request, id)
    try:
        export_files.cancel(file, request.user)
    except NotOpen:
        messages.info(request, _("Nothing is left to cancel."))
    return _see(request, file)


@member("exports.make")
@require_safe
def fetch(request: WorldRequest, id: UUID) -> HttpResponseBase:
    """The file itself; 410 once it has expired, 409 before it is ready."""
    file = _file(request, id)
    if file.state != ExportFile.State.DONE:
        return _not_there(request, file)
    if request.method == "GET":
        export_files.fetched(file, request.user)
    parts = _chunks(request.tenant, file.pk, file.chunks.count())
    response = StreamingHttpResponse(parts, content_type=TYPES[file.format])
    response["Content-Length"] = str(file.size)
    return _named(response, export_files.file_name(file))


def _not_there(request: WorldRequest, file: ExportFile) -> HttpResponse:
    is_over = file.state == ExportFile.State.EXPIRED
    words = (
        _("This file has expired. Have it made again.")
        if is_over
        else _("This file is not there yet.")
    )
    messages.warning(request, words)
    response = _detail(request, file)
    response.status_code = 410 if is_over else 409
    return response


def _chunks(tenant: Tenant, id: UUID, count: int) -> Iterator[bytes]:
    """Each is fetched by itself, inside its tenant, so that nothing is held while a reader waits.

    Raises DoesNotExist when the file is forgotten meanwhile.
    """
    for number in range(count):
        with tenant_context(tenant):
            data = bytes(ExportChunk.objects.get(file=id, number=number).data)
        yield data


def _page(
    request: WorldRequest, selection: Selected, form: ExportForm, status: int = 200
) -> HttpResponse:
    page = page_of(_files(request).values(*ROW), request)
    page = replace(page, rows=[*map(_standing, page.rows)])
    context = {
        "form": form,
        "page": page,
        **_of(selection),
        "sees_all": _sees_all(request),
        "making": any(row["state"] in ("waiting", "running") for row in page.rows),
    }
    shows = [(row["id"], row["state"], row["done"]) for row in page.rows]
    if status != 200:
        return render(request, "dashboard/exports/list.html", context, status=status)
    return live.answer(request, "dashboard/exports/list.html", context, shows=shows)


def _of(selection: Selected) -> dict[str, object]:
    """What a file is made of, in words, and where the list shows it."""
    listed = LISTS[selection.of]
    return {"list": listed, "words": in_words(selection), "query": selection.query}


def _standing(row: Row) -> Row:
    of = Listed(row["of"])
    return row | {
        "state": as_it_stands(row["state"], row["expires_at"]),
        "words": in_words(export_files.read(export_files.OF[of].selection, row["selection"])),
        "everything": LISTS[of].everything,
    }


def _files(request: WorldRequest) -> QuerySet[ExportFile]:
    """A person's own files; of managers everybody's."""
    files = ExportFile.objects.filter(live=request.live)
    return files if _sees_all(request) else files.filter(created_by_id=request.user.pk)


def _sees_all(request: WorldRequest) -> bool:
    return roles.may(request.membership.role, "exports.see_all")


def _file(request: WorldRequest, id: UUID) -> ExportFile:
    file = get_object_or_404(_files(request), id=id)
    file.state = as_it_stands(file.state, file.expires_at)
    return file


def _see(request: WorldRequest, file: ExportFile) -> HttpResponse:
    return redirect("export", slug=request.tenant.slug, live=file.live, id=file.pk)


def _to_form(request: WorldRequest, listed: List) -> HttpResponse:
    response = redirect(listed.exports, slug=request.tenant.slug, live=request.live)
    response["Location"] += f"?{request.GET.urlencode()}"
    return response


def _world(live: bool) -> str:
    return "live" if live else "test"


def _named(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
