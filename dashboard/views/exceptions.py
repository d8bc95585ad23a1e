"""What is odd about payouts: the list, one with its history, and what people do about it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from dashboard.paging import page_of
from dashboard.settlements import MEANINGS, DiscrepancyFilter, words_of_act
from merchants import roles
from payments import discrepancies
from payments.discrepancies import AlreadyResolved
from payments.models import Discrepancy
from tenants.access import WorldRequest, member

ROW = ["id", "created_at", "kind", "ours_paise", "theirs_paise", "owner_name", "resolved_at"]
ROW += ["resolved_by_name", "settlement__utr", "line__order_id", "payment__order_id"]


class ActForm(forms.Form):
    """`act` is one of the buttons; a note and a resolution want words."""

    act = forms.ChoiceField(choices=[(a, a) for a in ("take", "release", "note", "resolve")])
    words = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if cleaned.get("act") in ("note", "resolve") and not cleaned.get("words"):
            self.add_error("words", _("Write a few words for those who come after you."))
        return cleaned


@member("settlements.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first; open ones unless asked otherwise."""
    form = DiscrepancyFilter(request.GET)
    if not form.is_valid():
        return render(request, "dashboard/exceptions/list.html", {"form": form}, status=422)
    rows = form.narrow(Discrepancy.objects.filter(live=request.live), request.user.pk)
    page = page_of(rows.values(*ROW), request)
    for row in page.rows:
        row["word"] = Discrepancy.Kind(row["kind"]).label
        row["about"] = row["payment__order_id"] or row["line__order_id"] or row["settlement__utr"]
    context = {"form": form, "page": page, "narrowed": any(form.cleaned_data.values())}
    return render(request, "dashboard/exceptions/list.html", context)


@member("settlements.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """One, what it means, and its history."""
    return _page(request, _found(request, id), ActForm())


@member("settlements.manage")
@require_POST
def act(request: WorldRequest, id: UUID) -> HttpResponse:
    """Take it, give it back, write a note, or close it. None of these moves money."""
    row, form = _found(request, id), ActForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form, 422)
    try:
        _do(row, form.cleaned_data["act"], form.cleaned_data["words"], request)
    except AlreadyResolved:
        messages.info(request, _("It was resolved meanwhile."))
    return redirect("exception", slug=request.tenant.slug, live=request.live, id=id)


def _do(row: Discrepancy, act: str, words: str, request: WorldRequest) -> None:
    if act == "take":
        discrepancies.take(row, request.user)
    elif act == "release":
        discrepancies.release(row, request.user)
    elif act == "note":
        discrepancies.add_note(row, words, request.user)
    else:
        discrepancies.resolve(row, words, request.user)


def _found(request: WorldRequest, id: UUID) -> Discrepancy:
    rows = Discrepancy.objects.select_related("settlement", "line", "payment")
    return get_object_or_404(rows, live=request.live, id=id)


def _page(
    request: WorldRequest, row: Discrepancy, form: ActForm, status: int = 200
) -> HttpResponse:
    context = {
        "row": row,
        "meaning": MEANINGS[Discrepancy.Kind(row.kind)],
        "form": form,
        "history": [*_history(row)],
        "mine": row.owner_id == request.user.pk,
        "may_manage": roles.may(request.membership.role, "settlements.manage"),
    }
    return render(request, "dashboard/exceptions/detail.html", context, status=status)


def _history(row: Discrepancy) -> Any:
    for entry in row.notes.order_by("id"):
        icon, title = words_of_act(entry.act)
        yield {
            "icon": icon,
            "title": title,
            "time": entry.at,
            "detail": entry.words,
            "tone": "neutral",
            "who": entry.by_name,
        }
