"""What the merchant says of itself, and its way into live mode."""

import base64
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.activity import row_of
from merchants import acts, branding, going_live, profile
from merchants.forms import SettingsForm
from merchants.models import AuditEvent, Profile
from merchants.roles import may
from tenants.access import MerchantRequest, member

CHANGES = 5


@member("settings.view")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: MerchantRequest) -> HttpResponse:
    """The merchant's profile: everybody reads it, who may manage settings changes it."""
    if request.method == "POST":
        return _save(request)
    form = SettingsForm(initial=asdict(profile.facts_of(request.tenant)))
    return _page(request, form, 200)


@member("live.ask")
@require_http_methods(["GET", "HEAD", "POST"])
def live(request: MerchantRequest) -> HttpResponse:
    """What live mode needs, and the button that asks for it."""
    if request.method != "POST":
        return _live_page(request, 200)
    try:
        going_live.ask(request.membership)
    except going_live.NotReady:
        messages.error(request, _("Finish the open steps first."))
        return _live_page(request, 422)
    messages.success(request, _("You have asked for live mode."))
    return redirect("settings_live", slug=request.tenant.slug)


def _save(request: MerchantRequest) -> HttpResponse:
    if not may(request.membership.role, "settings.manage"):
        raise PermissionDenied
    form = SettingsForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, 422)
    logo = form.cleaned_data["logo"]
    with transaction.atomic():
        profile.describe(request.tenant, form.facts, request.user)
        if logo or form.cleaned_data["remove_logo"]:
            profile.change_logo(logo, request.user)
    messages.success(request, _("Saved."))
    return redirect("settings", slug=request.tenant.slug)


def _page(request: MerchantRequest, form: SettingsForm, status: int) -> HttpResponse:
    role, logo = request.membership.role, Profile.objects.get().logo_png
    facts = profile.facts_of(request.tenant)
    context = {
        "form": form,
        "facts": facts,
        "shown": _shown(facts.colour),
        "logo": base64.b64encode(logo).decode() if logo else "",
        "may_manage": may(role, "settings.manage"),
        "may_ask": may(role, "live.ask"),
        "may_rule": may(role, "refunds.rules"),
        "changes": _changes(request) if may(role, "activity.view") else None,
    }
    return render(request, "dashboard/settings/page.html", context, status=status)


def _changes(request: MerchantRequest) -> list[dict[str, Any]]:
    """The latest changes of the settings, for those who may see who did what."""
    known = [*acts.of_kind("merchant"), *acts.of_kind("live")]
    events = AuditEvent.objects.filter(act__in=known).order_by("-pk")[:CHANGES]
    return [row_of(event, str(request.tenant.slug)) for event in events]


def _shown(colour: str) -> dict[str, object]:
    """The kept colour as pay pages show it, by day and by night; nothing where there is none."""
    if not colour:
        return {}
    palette = branding.readable(colour)
    pages = [
        {"name": _("On a light page"), "shades": palette.light, "page": branding.LIGHT_PAGE[0]},
        {"name": _("On a dark page"), "shades": palette.dark, "page": branding.DARK_PAGE[0]},
    ]
    return {"pages": pages, "changed": palette.changed(colour)}


def _live_page(request: MerchantRequest, status: int) -> HttpResponse:
    steps = going_live.conditions(request.membership)
    context = {"steps": steps, "ready": all(step.done for step in steps)}
    return render(request, "dashboard/settings/live.html", context, status=status)
