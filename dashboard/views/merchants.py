"""A person's merchants: which there are, a new one, and an offer to join one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.clock import now
from config.language import speak_to
from merchants import profile, team
from merchants.forms import SLUG_WORDS, NewMerchantForm
from tenants import limits
from tenants.access import PersonRequest, public, signed_in
from tenants.models import Invitation, Membership, Tenant
from tenants.provisioning import BadSlug

A_DAY = 24 * 3600
NEW_A_DAY = 50


@signed_in
@require_safe
def mine(request: PersonRequest) -> HttpResponse:
    """The merchants one works for; straight to the only one."""
    memberships = list(
        Membership.objects.filter(user=request.user)
        .select_related("tenant")
        .order_by("tenant__name")
    )
    invitations = list(team.invitations_for(request.user))
    if len(memberships) == 1 and not invitations:
        return redirect("merchant", slug=memberships[0].tenant.slug)
    context = {"memberships": memberships, "invitations": invitations}
    return render(request, "merchants/mine.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """Create a merchant. With HTMX, GET answers the address that would suit the name."""
    if request.method == "POST":
        return _create(request, NewMerchantForm(request.POST, request.FILES))
    if request.htmx:
        form = NewMerchantForm(request.GET)
        form.is_valid()
        suggestion = form.cleaned_data.get("slug")
        if suggestion and not request.GET.get("slug"):
            form = NewMerchantForm({**request.GET.dict(), "slug": suggestion})
        return render(request, "merchants/new.html#address", {"form": form})
    return render(request, "merchants/new.html", {"form": NewMerchantForm()})


def _create(request: PersonRequest, form: NewMerchantForm) -> HttpResponse:
    if not form.is_valid():
        return render(request, "merchants/new.html", {"form": form}, status=422)
    if not limits.hit(f"new-merchant:{request.user.pk}", NEW_A_DAY, A_DAY):
        form.add_error(None, _("You have made many merchants today. Try again tomorrow."))
        page = render(request, "merchants/new.html", {"form": form}, status=429)
        return limits.until_next(page, A_DAY)
    slug, logo = form.cleaned_data["slug"], form.cleaned_data["logo"]
    try:
        tenant = profile.open_merchant(request.user, slug, form.facts, logo)
    except BadSlug as error:
        form.add_error("slug", SLUG_WORDS[str(error)])
        return render(request, "merchants/new.html", {"form": form}, status=422)
    messages.success(request, _("%(name)s is ready.") % {"name": tenant.name})
    return redirect("dashboard", slug=tenant.slug, live=False)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: PersonRequest, code: str) -> HttpResponse:
    """An offer to join a team: accepted by whoever owns the invited address."""
    offer = get_object_or_404(Invitation.objects.select_related("tenant", "invited_by"), token=code)
    if request.user.is_authenticated:
        speak_to(request, request.user)
    problem, status = _problem(request, offer)
    if request.method != "POST" or problem:
        context = {"invitation": offer, "problem": problem}
        return render(request, "merchants/invitation.html", context, status=status)
    team.accept(request.user, offer)
    messages.success(request, _("You are on the team of %(name)s.") % {"name": offer.tenant.name})
    return redirect("merchant", slug=offer.tenant.slug)


def _problem(request: HttpRequest, offer: Invitation) -> tuple[str, int]:
    """Why this visitor cannot accept yet, as a word for the page, and the status to say it with."""
    if offer.expires_at <= now():
        return "expired", 410
    if offer.tenant.state != Tenant.State.ACTIVE:
        return "closed", 403
    asked = request.method == "POST"
    if not request.user.is_authenticated:
        return "signed_out", 403 if asked else 200
    if not team.owns_address(request.user, offer.email):
        return "other_address", 403 if asked else 200
    return "", 200
