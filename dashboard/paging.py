"""Pages of newest-first lists by key, so that the thousandth costs what the first does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from config.queries import changed
from payments.finding import Place

SIZE = 50

Row = dict[str, Any]
Rows = TypeVar("Rows", bound=QuerySet[Any, Any])

_CURSOR = re.compile(r"([0-9]{1,16})-([0-9a-f]{32})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Page:
    """Rows with `id` and `created_at`, and the addresses of the pages beside, or ""."""

    rows: list[Any]
    newer: str
    older: str
    is_first: bool


def page_of(rows: QuerySet[Any, Row], request: HttpRequest) -> Page:
    """The page of `rows` that `before` or `after` in the address names; else the newest.

    `rows` are `values()` with id and created_at. Raises BadRequest for a cursor not ours.
    """
    after, before = _cursor(request, "after"), _cursor(request, "before")
    if after:
        newer = list(_after(rows, *after)[: SIZE + 1])
        if len(newer) > SIZE:
            return _page(request, newer[:SIZE][::-1], newer=True, older=True)
        before = None  # so near the top that it is the first page
    found = list(older_than(rows, before)[: SIZE + 1])
    return _page(request, found[:SIZE], newer=bool(before), older=len(found) > SIZE)


def page_found(find: Callable[[int, Place], list[Any]], request: HttpRequest) -> Page:
    """As `page_of`, of tuples that begin with created_at and id: `find` gives so many beyond a
    place."""
    after, before = _cursor(request, "after"), _cursor(request, "before")
    if after:
        newer = find(SIZE + 1, Place(*after, newer=True))
        if len(newer) > SIZE:
            return _page(request, newer[:SIZE][::-1], newer=True, older=True)
        before = None  # so near the top that it is the first page
    found = find(SIZE + 1, Place(*(before or ())))
    return _page(request, found[:SIZE], newer=bool(before), older=len(found) > SIZE)


def _after(rows: QuerySet[Any, Row], moment: datetime, key: UUID) -> QuerySet[Any, Row]:
    beyond = Q(created_at__gt=moment) | Q(id__lt=key)
    return rows.filter(beyond, created_at__gte=moment).order_by("created_at", "-id")


def older_than(rows: Rows, cursor: tuple[datetime, UUID] | None) -> Rows:
    """Newest first, beyond the row of this created_at and id."""
    if cursor:
        moment, key = cursor
        beyond = Q(created_at__lt=moment) | Q(id__gt=key)
        rows = rows.filter(beyond, created_at__lte=moment)
    return rows.order_by("-created_at", "id")


def _page(request: HttpRequest, rows: list[Any], *, newer: bool, older: bool) -> Page:
    return Page(
        rows,
        newer=_address(request, "after", rows[0]) if newer and rows else "",
        older=_address(request, "before", rows[-1]) if older else "",
        is_first=not newer,
    )


def _address(request: HttpRequest, name: str, row: Any) -> str:
    moment, id = (row["created_at"], row["id"]) if isinstance(row, dict) else row[:2]
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    where = {"before": "", "after": "", "seen": "", name: f"{micros}-{id.hex}"}
    return f"?{changed(request.GET, **where)}"


def _cursor(request: HttpRequest, name: str) -> tuple[datetime, UUID] | None:
    text = request.GET.get(name)
    if not text:
        return None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise BadRequest(f"{name} is no cursor")
    return _EPOCH + timedelta(microseconds=int(match[1])), UUID(match[2])
