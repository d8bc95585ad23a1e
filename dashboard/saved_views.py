"""Saved views of a list: a selection and its columns under a name, own or the team's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from config import rows
from dashboard.lists import List
from merchants import audit
from payments.models import Listed, SavedView
from tenants.access import WorldRequest

LONGEST_NAME: Final = 40
MOST: Final = 50  # of a person's own, of each list

_OWN_AND_SHARED: Final = """
    SELECT id, owner_id, owner_name, name, query, columns, shared, is_default
    FROM payments_savedview AS v WHERE v.live = %s AND v.of = %s AND (v.owner_id = %s OR v.shared)
    ORDER BY v.name, v.created_at
"""


@dataclass(frozen=True)
class View:
    id: UUID
    owner_id: UUID
    owner_name: str
    name: str
    query: str
    columns: str
    shared: bool
    is_default: bool

    @property
    def address(self) -> str:
        """The query that shows it."""
        columns = urlencode({"columns": self.columns}) if self.columns else ""
        return "&".join(filter(None, (self.query, columns))) or "all=1"


@dataclass(frozen=True)
class Views:
    """What one person has saved of a list in a world, and what the team shares with them."""

    person: UUID
    named: Sequence[View]
    usual_columns: str

    @property
    def default(self) -> View | None:
        """What the list opens with: one's own before the team's."""
        defaults = [view for view in self.named if view.is_default]
        return min(defaults, key=lambda view: view.owner_id != self.person, default=None)

    def is_own(self, view: View) -> bool:
        return view.owner_id == self.person

    def tabs(self, query: str) -> list[dict[str, Any]]:
        """The views as tabs above the list that shows this query, and the way back to all; none
        where nothing was saved."""
        tabs = [
            {"url": f"?{view.address}", "label": view.name, "active": view.query == query}
            for view in self.named
        ]
        everything = {"url": "?all=1", "label": _("All"), "active": not query}
        return [everything, *tabs] if tabs else []


def views_of(request: WorldRequest, of: Listed) -> Views:
    """One small query."""
    person: UUID = request.user.pk
    found = [View(*row) for row in rows.ask_all(_OWN_AND_SHARED, [request.live, of, person])]
    usual = next((v.columns for v in found if not v.name and v.owner_id == person), "")
    return Views(person, [view for view in found if view.name], usual)


def columns_of(shown: List, query: QueryDict, views: Views) -> tuple[str, ...]:
    """The columns to show: those of the address, else how this person last chose them. Raises
    BadRequest for one that there is not."""
    text = query.get("columns", views.usual_columns)
    return shown.known(text.split(",")) if text else shown.usual


def keep_columns(request: WorldRequest, of: Listed, columns: Sequence[str]) -> None:
    """Remember how this person wants the table of this world."""
    _save(request, of, "", columns=",".join(columns))


def save(
    request: WorldRequest, of: Listed, name: str, query: str, columns: str, **more: bool
) -> None:
    """Save a view under its owner's name for it; the same name again replaces it. A default is the
    only one of its owner's, or of the team's where it is shared."""
    with transaction.atomic():
        view = _save(request, of, name, query=query, columns=columns, **more)
        if view.is_default:
            _only_default(view)
        if view.shared:
            audit.record(request.user, "view.shared", name, after=_facts(view))


def make_default(view: SavedView) -> None:
    """Open the list with this view from now on."""
    with transaction.atomic():
        SavedView.objects.filter(pk=view.pk).update(is_default=True)
        _only_default(view)


def remove(request: WorldRequest, view: SavedView) -> None:
    with transaction.atomic():
        view.delete()
        if view.shared:
            audit.record(request.user, "view.removed", view.name, before=_facts(view))


def _save(request: WorldRequest, of: Listed, name: str, **fields: Any) -> SavedView:
    who: dict[str, Any] = {"live": request.live, "of": of, "owner_id": request.user.pk}
    who["name"] = name
    fields |= {"owner_name": str(request.user)[:80]}
    return SavedView.objects.update_or_create(**who, defaults=fields)[0]


def _facts(view: SavedView) -> audit.Facts:
    return {"of": view.of, "query": view.query}


def _only_default(view: SavedView) -> None:
    others = SavedView.objects.filter(live=view.live, of=view.of, shared=view.shared)
    if not view.shared:
        others = others.filter(owner_id=view.owner_id)
    others.filter(is_default=True).exclude(pk=view.pk).update(is_default=False)
