"""A merchant's team: invited by mail, given roles, taken off. Its last owner stays.

Every change of a team locks its merchant's row first and then reads who may do what, so that
two owners who demote each other at the same moment leave one. What was gone by then is a 404.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import translation
from django_tenants.utils import tenant_context

from config.clock import now
from merchants import roles
from merchants.audit import record
from merchants.models import AuditEvent
from merchants.noticing import notify
from payments.models import ReportSchedule
from tenants import mail
from tenants.models import Invitation, Membership, Role, Tenant, User
from tenants.people import end_sessions, language_of

INVITATION_LIFE: Final = timedelta(days=7)


class LastOwner(Exception):
    """A merchant keeps at least one owner."""


class AlreadyThere(Exception):
    """This person is on the team."""


class NotYours(Exception):
    """The invitation is for an address that this person has not shown to be theirs."""


def invite(actor: Membership, email: str, role: str) -> Invitation:
    """Offer a place by mail, for seven days; an earlier offer to this address ends.

    Called inside the merchant's schema. Raises PermissionDenied and AlreadyThere.
    """
    with _alone(actor) as actor:
        _refuse(actor, role)
        if _members(actor.tenant).filter(user__email=email).exists():
            raise AlreadyThere
        earlier = Invitation.objects.filter(tenant=actor.tenant, email=email).first()
        if earlier:
            _refuse(actor, earlier.role)
            earlier.delete()
        invitation = Invitation.objects.create(
            tenant=actor.tenant,
            email=email,
            role=role,
            invited_by=actor.user,
            expires_at=now() + INVITATION_LIFE,
        )
        record(actor.user, "team.invited", email, after={"role": role})
        _mail(invitation)
    return invitation


def resend(actor: Membership, invitation: Invitation) -> Invitation:
    """Offer the same place anew: another mail, another link, seven days more.

    Raises PermissionDenied and AlreadyThere.
    """
    return invite(actor, invitation.email, invitation.role)


def revoke(actor: Membership, invitation: Invitation) -> None:
    """Take an offer back. Raises PermissionDenied."""
    with _alone(actor) as actor:
        _refuse(actor, invitation.role)
        invitation = get_object_or_404(Invitation, pk=invitation.pk)
        invitation.delete()
        record(actor.user, "team.invitation_revoked", invitation.email)


def change_role(actor: Membership, member: Membership, role: str) -> None:
    """Give a member another role; that ends their sessions. Raises LastOwner, PermissionDenied."""
    with _alone(actor) as actor:
        member = get_object_or_404(_members(actor.tenant), pk=member.pk)
        before = member.role
        _refuse(actor, before, role)
        if before == role:
            return
        _keep_an_owner(member)
        member.role = role
        member.save(update_fields=["role"])
        _withdraw_offers_of(member)
        end_sessions(member.user)
        record(actor.user, "team.role", member.user.email, {"role": before}, {"role": role})


def remove(actor: Membership, member: Membership) -> None:
    """Take a member off the team; that ends their sessions. Raises LastOwner, PermissionDenied."""
    with _alone(actor) as actor:
        member = get_object_or_404(_members(actor.tenant), pk=member.pk)
        _refuse(actor, member.role)
        _keep_an_owner(member)
        member.delete()
        _withdraw_offers_of(member)
        ReportSchedule.objects.filter(person_id=member.user_id).delete()
        end_sessions(member.user)
        record(actor.user, "team.removed", member.user.email, before={"role": member.role})


def _withdraw_offers_of(member: Membership) -> None:
    """What somebody offered with a role they no longer have is not theirs to give."""
    Invitation.objects.filter(tenant=member.tenant, invited_by=member.user).delete()


def accept(user: User, invitation: Invitation) -> None:
    """Join the team; the invitation is used up. Raises NotYours.

    Whoever is on the team already keeps their role.
    """
    if not owns_address(user, invitation.email):
        raise NotYours
    tenant = invitation.tenant
    with transaction.atomic(), tenant_context(tenant):
        _lock(tenant)
        invitation = get_object_or_404(Invitation, pk=invitation.pk)
        _, joined = Membership.objects.get_or_create(
            user=user, tenant=tenant, defaults={"role": invitation.role}
        )
        invitation.delete()
        if joined:
            inviter = invitation.invited_by
            told = {"role": invitation.role, "invited_by": str(inviter)}
            record(user, "team.joined", user.email, after=told)
            page = reverse("team", kwargs={"slug": tenant.slug})
            notify(inviter.pk, "team.joined", {"person": str(user)}, page)


def owns_address(user: User, email: str) -> bool:
    """Whether the person has shown that mail to this address reaches them."""
    mine = EmailAddress.objects.filter(user=user, email__iexact=email, verified=True)
    return bool(mine.exists())


def invitations_for(user: User) -> QuerySet[Invitation]:
    """The offers that wait for this person."""
    mine = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    lowered = [email.lower() for email in mine]
    return (
        Invitation.objects.filter(email__in=lowered, expires_at__gt=now())
        .select_related("tenant", "invited_by")
        .order_by("created_at")
    )


def members(tenant: Tenant) -> QuerySet[Membership]:
    """The team, in the order they came."""
    return _members(tenant).order_by("created_at", "pk")


def inviters(emails: Iterable[str]) -> dict[str, str]:
    """Who had people of these addresses join, by address, as far as the record knows."""
    events = AuditEvent.objects.filter(act="team.joined", subject__in=list(emails))
    found = events.order_by("id").values_list("subject", "after__invited_by")
    return {email: name for email, name in found if name}


@contextmanager
def _alone(actor: Membership) -> Iterator[Membership]:
    """One change of this team at a time. Yields the actor's membership as it is now.

    Raises PermissionDenied when the actor is off the team by now.
    """
    with transaction.atomic():
        _lock(actor.tenant)
        still = _members(actor.tenant).filter(pk=actor.pk).first()
        if still is None:
            raise PermissionDenied
        yield still


def _lock(tenant: Tenant) -> None:
    Tenant.objects.select_for_update(no_key=True).only("pk").get(pk=tenant.pk)


def _members(tenant: Tenant) -> QuerySet[Membership]:
    return Membership.objects.select_related("user", "tenant").filter(tenant=tenant)


def _refuse(actor: Membership, *touched: str) -> None:
    """Raises PermissionDenied unless the actor may give, and take, all these roles."""
    if not all(roles.may_give(actor.role, role) for role in touched):
        raise PermissionDenied


def _keep_an_owner(member: Membership) -> None:
    others = _members(member.tenant).filter(role=Role.OWNER).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise LastOwner


def _mail(invitation: Invitation) -> None:
    url = reverse("invitation", kwargs={"code": invitation.token})
    with translation.override(language_of(invitation.email)):
        mail.post(
            invitation.email,
            "invitation",
            {
                "tenant": invitation.tenant.name,
                "merchant_name": invitation.tenant.name,
                "inviter": str(invitation.invited_by),
                "role": invitation.get_role_display(),
                "url": f"{settings.BASE_URL}{url}",
            },
        )
