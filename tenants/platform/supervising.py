"""What platform staff do to merchants. Each deed is written down with its reason."""

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation

from config.clock import now
from tenants import mail, provisioning
from tenants.models import Membership, PageReport, Role, StaffAct, Tenant, User


class NotNow(Exception):
    """The merchant is not in a state for this."""


def create(*, name: str, slug: str, owner: User, by: User) -> Tenant:
    """A merchant for `owner`. Raises provisioning.BadSlug."""
    with transaction.atomic():
        tenant = provisioning.claim(
            slug=slug, name=name, owner=owner, time_zone=Tenant._meta.get_field("time_zone").default
        )
        _record(tenant, by, "created", f"for {owner.email}")
    return tenant


def approve(tenant: Tenant, by: User, words: str) -> None:
    """Open live mode to a merchant that asked for it, and tell its owners."""
    with transaction.atomic():
        asked = Tenant.objects.filter(pk=tenant.pk, live_state=Tenant.LiveState.ASKED)
        if not asked.update(live_state=Tenant.LiveState.APPROVED):
            raise NotNow
        _record(tenant, by, "approved", words)
        url = f"{settings.BASE_URL}{reverse('merchant', kwargs={'slug': tenant.slug})}"
        for owner in _owners(tenant):
            with translation.override(owner.reads):
                mail.post(owner.email, "live_approved", {"tenant": tenant, "url": url})


def suspend(tenant: Tenant, by: User, words: str) -> None:
    """Nobody enters the merchant and nobody starts to pay it; money under way still lands."""
    with transaction.atomic():
        provisioning.suspend(tenant)
        _record(tenant, by, "suspended", words)


def resume(tenant: Tenant, by: User, words: str) -> None:
    with transaction.atomic():
        provisioning.resume(tenant)
        _record(tenant, by, "resumed", words)


def handle(report: PageReport, by: User, state: str, words: str) -> None:
    """Close a payer's report. Raises NotNow when somebody else has."""
    with transaction.atomic():
        still_open = PageReport.objects.filter(pk=report.pk, state=PageReport.State.OPEN)
        if not still_open.update(state=state, handled_by=by, handled_at=now()):
            raise NotNow
        _record(report.tenant, by, f"report_{state}", words)


def _owners(tenant: Tenant) -> list[User]:
    return [m.user for m in Membership.objects.select_related("user").filter(
        tenant=tenant, role=Role.OWNER)]  # fmt: skip


def _record(tenant: Tenant, by: User, act: str, words: str) -> None:
    StaffAct.objects.create(tenant=tenant, by=by, act=act, words=words)
