"""Saving how one looks at a list: views under a name, and the columns of the table."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from dashboard import saved_views
from dashboard.lists import LISTS
from merchants import roles
from payments.models import Listed, SavedView
from tenants.access import WorldRequest, member


class ViewForm(forms.Form):
    """A name for what the list shows now."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=saved_views.LONGEST_NAME)
    query = forms.CharField(max_length=2000, required=False)
    columns = forms.CharField(max_length=200, required=False)
    shared = forms.BooleanField(required=False)
    is_default = forms.BooleanField(required=False)


@member("payments.view")
@require_safe
def looks(request: WorldRequest, of: Listed) -> HttpResponse:
    """How this person looks at the list: its columns, and views to save, open and remove."""
    shown, views = LISTS[of], saved_views.views_of(request, of)
    form = shown.form_of(request.GET)
    context = {
        "list": shown,
        "query": form.query,
        "chips": form.chips(),
        "views": views,
        "columns": saved_views.columns_of(shown, request.GET, views),
        "may_share": roles.may(request.membership.role, "views.share"),
    }
    return render(request, "dashboard/looks.html", context)


@member("payments.view")
@require_POST
def save(request: WorldRequest, of: Listed) -> HttpResponse:
    """Save the list's selection and columns under a name, for oneself or for the team."""
    shown, form = LISTS[of], ViewForm(request.POST)
    if not form.is_valid() or not shown.finder(QueryDict(form.data.get("query", ""))).is_valid():
        messages.error(request, _("A view needs a name of at most 40 characters."))
        return _back(request, of, request.POST.get("query", ""))
    said = form.cleaned_data
    if said["shared"]:
        _must_share(request)
    columns = ",".join(shown.known([*filter(None, said["columns"].split(","))]))
    own = SavedView.objects.filter(live=request.live, of=of, owner_id=request.user.pk)
    if own.count() > saved_views.MOST:
        messages.error(request, _("You have %s views. Remove one first.") % saved_views.MOST)
        return _back(request, of, said["query"])
    more = {"shared": said["shared"], "is_default": said["is_default"]}
    saved_views.save(request, of, said["name"], said["query"], columns, **more)
    messages.success(request, _("The view “%s” is saved.") % said["name"])
    return _back(request, of, f"{said['query']}&columns={columns}")


@member("payments.view")
@require_POST
def default(request: WorldRequest, id: UUID) -> HttpResponse:
    """Open the list with this view from now on."""
    view = _own(request, id)
    saved_views.make_default(view)
    messages.success(request, _("The list opens with “%s” from now on.") % view.name)
    return _back(request, view.of, view.query)


@member("payments.view")
@require_POST
def remove(request: WorldRequest, id: UUID) -> HttpResponse:
    """Forget a view of one's own, or, for who may share, one of the team's."""
    view = _own(request, id)
    saved_views.remove(request, view)
    messages.success(request, _("The view “%s” is removed.") % view.name)
    return _back(request, view.of, "all=1")


@member("payments.view")
@require_POST
def columns(request: WorldRequest, of: Listed) -> HttpResponse:
    """Choose the columns of the table, from now on and until one chooses others."""
    saved_views.keep_columns(request, of, LISTS[of].known(request.POST.getlist("column")))
    return _back(request, of, request.POST.get("query", ""))


def _own(request: WorldRequest, id: UUID) -> SavedView:
    """A view that this person can see; one of the team's only for who may share."""
    seen = Q(owner_id=request.user.pk) | Q(shared=True)
    view = get_object_or_404(SavedView.objects.exclude(name=""), seen, live=request.live, id=id)
    if view.shared:
        _must_share(request)
    return view


def _must_share(request: WorldRequest) -> None:
    if not roles.may(request.membership.role, "views.share"):
        raise PermissionDenied


def _back(request: WorldRequest, of: str, query: str) -> HttpResponse:
    address = reverse(of, kwargs={"slug": request.tenant.slug, "live": request.live})
    return redirect(f"{address}?{query or 'all=1'}")
