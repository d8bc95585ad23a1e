"""Where events go: the endpoints, their secrets, and trying them out."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db import transaction
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.clock import now
from dashboard import live
from dashboard.endpoints import EndpointForm, NewEndpointForm, ReplayForm, form_of
from merchants import endpoints, roles
from merchants.models import Endpoint, ReturnKey
from payments import delivering, events
from tenants import limits
from tenants.access import WorldRequest, member

SHOWN_DELIVERIES = 20
MINUTE = 60
TESTS = 10  # a minute and endpoint


@member("events.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Every endpoint of this world, and the key that signs return addresses."""
    found = [*Endpoint.objects.filter(live=request.live).order_by("created_at", "id")]
    context = {
        "endpoints": found,
        "return_key": ReturnKey.objects.filter(live=request.live).first(),
        "may_manage": _may_manage(request),
        "most": endpoints.MOST,
        "now": now(),
    }
    shows = [(each.pk, each.state, each.failing_since) for each in found]
    return live.answer(request, "dashboard/endpoints/list.html", context, shows=shows)


@member("endpoints.manage", fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorldRequest) -> HttpResponse:
    """Make an endpoint; its secret is shown on the answer and never again."""
    if request.method != "POST":
        return _form_page(request, NewEndpointForm.empty())
    form = NewEndpointForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    id = form.cleaned_data["key"]
    try:
        made = endpoints.make_endpoint(form.terms, id=id, live=request.live, by=request.user)
    except endpoints.TooMany:
        form.add_error(None, _too_many())
        return _form_page(request, form, status=409)
    except endpoints.MadeBefore:
        if not Endpoint.objects.filter(pk=id, live=request.live).exists():
            raise BadRequest("the form's key is taken") from None
        messages.info(request, _("This form has made its endpoint already."))
        return redirect("endpoint", slug=request.tenant.slug, live=request.live, id=id)
    return _secret_page(request, made[1], made[0])


@member("events.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """An endpoint, how it does, and its newest deliveries."""
    endpoint = _endpoint(request, id)
    return _page(request, endpoint, ReplayForm())


@member("endpoints.manage", fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorldRequest, id: UUID) -> HttpResponse:
    """Change where events go, and which."""
    endpoint = _endpoint(request, id)
    if request.method != "POST":
        return _form_page(request, form_of(endpoint), endpoint)
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, endpoint, 422)
    endpoints.change_endpoint(endpoint, form.terms, request.user)
    messages.success(request, _("Saved. What is still to be delivered goes there as well."))
    return _see(endpoint, request)


@member("endpoints.manage", fresh=True, back_to="endpoints")
@require_POST
def state(request: WorldRequest, id: UUID) -> HttpResponse:
    """Enable an endpoint, or disable it."""
    endpoint, wanted = _endpoint(request, id), request.POST.get("state")
    if wanted not in (Endpoint.State.ENABLED, Endpoint.State.DISABLED):
        raise BadRequest("no state that a person gives")
    try:
        switched = delivering.switch(endpoint, wanted, request.user)
    except endpoints.TooMany:
        messages.error(request, _too_many())
    else:
        words = _("It gets events again.") if switched.enabled else _("The endpoint is disabled.")
        messages.success(request, words)
    return _see(endpoint, request)


@member("endpoints.manage", fresh=True, back_to="endpoints")
@require_POST
def secret(request: WorldRequest, id: UUID) -> HttpResponse:
    """Replace an endpoint's secret; the new one is shown on the answer and never again."""
    endpoint = _endpoint(request, id)
    return _secret_page(request, endpoints.rotate(endpoint, request.user), endpoint, replaced=True)


@member("endpoints.manage", fresh=True, back_to="endpoints")
@require_POST
def return_key(request: WorldRequest) -> HttpResponse:
    """Replace the key that signs return addresses; the new one is shown once."""
    made = endpoints.rotate_return_key(request.live, request.user)
    return _secret_page(request, made, replaced=True)


@member("events.send")
@require_POST
def test(request: WorldRequest, id: UUID) -> HttpResponse:
    """Send a made-up event; its delivery's page shows what came of it."""
    endpoint = _endpoint(request, id)
    if not endpoint.enabled:
        messages.error(request, _("The endpoint is switched off. Enable it first."))
        return _see(endpoint, request)
    if not limits.hit(f"test:{endpoint.pk}", TESTS, MINUTE):
        messages.warning(request, _("Many test events were sent this minute. Wait a little."))
        return _see(endpoint, request)
    with transaction.atomic():
        sent = events.send_test(endpoint)
    messages.success(request, _("The test event is on its way."))
    return redirect("delivery", slug=request.tenant.slug, live=request.live, id=sent.pk)


@member("events.send")
@require_POST
def replay(request: WorldRequest, id: UUID) -> HttpResponse:
    """Send all events since a moment once more."""
    endpoint, form = _endpoint(request, id), ReplayForm(request.POST)
    if not form.is_valid():
        return _page(request, endpoint, form, 422)
    try:
        delivering.replay_since(endpoint, form.cleaned_data["since"], request.user)
    except delivering.EndpointOff:
        messages.error(request, _("The endpoint is switched off. Enable it first."))
    else:
        messages.success(request, _("They are sent again, oldest first, each under its own ID."))
    return _see(endpoint, request)


def _page(request: WorldRequest, endpoint: Endpoint, form: Form, status: int = 200) -> HttpResponse:
    newest = endpoint.deliveries.select_related("event").order_by("-created_at", "id")
    deliveries = [*newest[:SHOWN_DELIVERIES]]
    context = {
        "endpoint": endpoint,
        "intro": endpoint.url if endpoint.description else "",  # else it is the title
        "deliveries": deliveries,
        "waiting": delivering.waiting_at(endpoint.pk).count(),
        "replay_form": form,
        "may_manage": _may_manage(request),
        "may_send": roles.may(request.membership.role, "events.send") and endpoint.enabled,
        "now": now(),
    }
    if status != 200:
        return render(request, "dashboard/endpoints/detail.html", context, status=status)
    shows = ([(each.pk, each.state, each.tries) for each in deliveries], endpoint.state)
    return live.answer(request, "dashboard/endpoints/detail.html", context, shows=shows)


def _form_page(
    request: WorldRequest, form: Form, endpoint: Endpoint | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "endpoint": endpoint}
    return render(request, "dashboard/endpoints/form.html", context, status=status)


def _secret_page(
    request: WorldRequest, secret: str, endpoint: Endpoint | None = None, replaced: bool = False
) -> HttpResponse:
    context = {"secret": secret, "endpoint": endpoint, "replaced": replaced}
    return render(request, "dashboard/endpoints/secret.html", context)


def _endpoint(request: WorldRequest, id: UUID) -> Endpoint:
    return get_object_or_404(Endpoint, live=request.live, id=id)


def _may_manage(request: WorldRequest) -> bool:
    return roles.may(request.membership.role, "endpoints.manage")


def _too_many() -> str:
    return _("At most %(most)s endpoints can be enabled. Disable another first.") % {
        "most": endpoints.MOST
    }


def _see(endpoint: Endpoint, request: WorldRequest) -> HttpResponse:
    return redirect("endpoint", slug=request.tenant.slug, live=endpoint.live, id=endpoint.pk)
