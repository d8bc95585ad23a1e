"""The team: who is on it, who is invited, and as what."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.clock import now
from merchants import presence, team
from merchants.forms import InvitationForm, RoleForm
from merchants.roles import PERMISSIONS, WORDS, may, may_give
from tenants import limits
from tenants.access import MerchantRequest, member
from tenants.models import Invitation, Membership, Role

A_DAY = 24 * 3600
INVITATIONS_A_DAY = 50
LAST_OWNER = gettext_lazy("A merchant keeps at least one owner. Make somebody else an owner first.")


@member("team.view")
@require_safe
def page(request: MerchantRequest) -> HttpResponse:
    """The members and the open invitations, with what this person may do to each."""
    return _page(request, 200)


@member("team.manage", fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: MerchantRequest) -> HttpResponse:
    """Offer a place on the team by mail."""
    form = InvitationForm(request.POST or None, giver=request.membership.role)
    if request.method != "POST":
        return _invite_page(request, form, 200)
    if not form.is_valid():
        return _invite_page(request, form, 422)
    if not _may_mail(request):
        form.add_error(None, _("Too many invitations today. Try again tomorrow."))
        return limits.until_next(_invite_page(request, form, 429), A_DAY)
    try:
        invitation = team.invite(request.membership, **form.cleaned_data)
    except team.AlreadyThere:
        form.add_error("email", _("This person is on the team already."))
        return _invite_page(request, form, 422)
    messages.success(
        request, _("We mailed an invitation to %(email)s.") % {"email": invitation.email}
    )
    return _back(request)


@member("team.manage", fresh=True, back_to="team")
@require_POST
def resend(request: MerchantRequest, id: UUID) -> HttpResponse:
    """Mail an invitation anew: its link is another one, good for seven days from now."""
    invitation = get_object_or_404(Invitation, pk=id, tenant=request.tenant)
    if not _may_mail(request):
        messages.error(request, _("Too many invitations today. Try again tomorrow."))
        return limits.until_next(_page(request, 429), A_DAY)
    try:
        team.resend(request.membership, invitation)
    except team.AlreadyThere:
        return _refused(request, _("This person is on the team already."))
    messages.success(
        request, _("We mailed an invitation to %(email)s.") % {"email": invitation.email}
    )
    return _back(request)


@member("team.manage", fresh=True, back_to="team")
@require_POST
def revoke(request: MerchantRequest, id: UUID) -> HttpResponse:
    """Take an invitation back."""
    invitation = get_object_or_404(Invitation, pk=id, tenant=request.tenant)
    team.revoke(request.membership, invitation)
    messages.success(request, _("The invitation is void."))
    return _back(request)


@member("team.manage", fresh=True, back_to="team")
@require_POST
def role(request: MerchantRequest, id: int) -> HttpResponse:
    """Give a member another role."""
    colleague = get_object_or_404(Membership, pk=id, tenant=request.tenant)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _refused(request, _("There is no such role."))
    try:
        team.change_role(request.membership, colleague, form.cleaned_data["role"])
    except team.LastOwner:
        return _refused(request, str(LAST_OWNER))
    messages.success(request, _("%(person)s has the new role.") % {"person": colleague.user})
    return _back(request)


@member("team.manage", fresh=True, back_to="team")
@require_POST
def remove(request: MerchantRequest, id: int) -> HttpResponse:
    """Take a member off the team."""
    colleague = get_object_or_404(Membership, pk=id, tenant=request.tenant)
    try:
        team.remove(request.membership, colleague)
    except team.LastOwner:
        return _refused(request, str(LAST_OWNER))
    messages.success(request, _("%(person)s is off the team.") % {"person": colleague.user})
    return redirect("my_merchants") if colleague.user == request.user else _back(request)


def _page(request: MerchantRequest, status: int) -> HttpResponse:
    mine, members = request.membership, list(team.members(request.tenant))
    offers = Invitation.objects.filter(tenant=request.tenant).select_related("invited_by")
    owners = sum(each.role == Role.OWNER for each in members)
    may_manage = may(mine.role, "team.manage")
    inviters = team.inviters(each.user.email for each in members)
    days, safe = presence.last_days(), _with_second_step(members)
    context = {
        "rows": [
            {
                "member": each,
                "form": _role_form(mine, each, owners),
                "invited_by": inviters.get(each.user.email, ""),
                "seen": days.get(each.user_id),
                "second_step": each.user_id in safe,
                # Who is easily taken over is for those to know who can change it.
                "may_know": may_manage or each.pk == mine.pk,
            }
            for each in members
        ],
        "powers": _powers(),
        "roles": Role.labels,
        "invitations": [
            (each, may_give(mine.role, each.role)) for each in offers.order_by("created_at")
        ],
        "now": now(),
        "may_manage": may_manage,
    }
    return render(request, "dashboard/team/page.html", context, status=status)


def _with_second_step(members: Iterable[Membership]) -> set[UUID]:
    people = [each.user_id for each in members]
    return set(Authenticator.objects.filter(user__in=people).values_list("user_id", flat=True))


def _powers() -> list[dict[str, Any]]:
    """What may be done, and by which role, as the one table of roles says."""
    return [
        {"words": WORDS[power], "held": [(role.label, role in holders) for role in Role]}
        for power, holders in PERMISSIONS.items()
    ]


def _may_mail(request: MerchantRequest) -> bool:
    return limits.hit(f"invite:{request.tenant.pk}", INVITATIONS_A_DAY, A_DAY)


def _role_form(mine: Membership, colleague: Membership, owners: int) -> RoleForm | None:
    """The form that changes a member's role; None where they may not be touched."""
    is_last_owner = colleague.role == Role.OWNER and owners == 1
    if is_last_owner or not may_give(mine.role, colleague.role):
        return None
    return RoleForm(
        giver=mine.role, initial={"role": colleague.role}, auto_id=f"id_{colleague.pk}_%s"
    )


def _invite_page(request: MerchantRequest, form: InvitationForm, status: int) -> HttpResponse:
    context = {"form": form, "powers": _powers(), "roles": Role.labels}
    return render(request, "dashboard/team/invite.html", context, status=status)


def _refused(request: MerchantRequest, words: str) -> HttpResponse:
    messages.error(request, words)
    return _page(request, 422)


def _back(request: MerchantRequest) -> HttpResponse:
    return redirect("team", slug=request.tenant.slug)
