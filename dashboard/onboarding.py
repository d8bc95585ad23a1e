"""The first steps of a new merchant, read from what is there; shown until all are done."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from allauth.mfa.utils import is_mfa_enabled
from django.urls import reverse
from django.utils.translation import gettext as _

from merchants import roles
from merchants.models import PaytmAccount
from payments.models import Link, Payment
from payments.states import PaymentState
from tenants.access import WorldRequest
from tenants.models import Invitation, Membership, Tenant


class Step(NamedTuple):
    """An item of ui/steps.html."""

    title: str
    detail: str
    url: str
    done: bool


def steps_of(request: WorldRequest) -> list[Step]:
    """What is left to do and what is done; nothing when all is, or for roles that cannot."""
    if not roles.may(request.membership.role, "settings.manage"):
        return []
    steps = [*_steps(request)]
    return [] if all(step.done for step in steps) else steps


def _steps(request: WorldRequest) -> Iterator[Step]:
    tenant, live = request.tenant, request.live
    yield Step(
        _("Connect Paytm"),
        _("Paste the keys of your Paytm account.")
        if live
        else _("The simulator takes one click; your own keys take a minute."),
        _url(request, "paytm", live=live),
        PaytmAccount.objects.filter(live=live).exists(),
    )
    yield Step(
        _("Make a payment link"),
        _("For one invoice, or for everybody who stands at your counter."),
        _url(request, "link_new", live=live),
        Link.objects.filter(live=live).exists(),
    )
    if not live:
        yield Step(
            _("Take a test payment"),
            _("Open your link as a customer would, and pay. No real money moves."),
            _url(request, "links", live=False),
            Payment.objects.filter(live=False, state=PaymentState.PAID).exists(),
        )
    yield Step(
        _("Invite your team"),
        _("Give each person a role: admin, finance or viewer."),
        _url(request, "team"),
        _has_team(tenant),
    )
    yield Step(
        _("Secure your account with a second factor"),
        _("A passkey or a code from your phone. Live mode asks for it."),
        reverse("mfa_index"),
        is_mfa_enabled(request.user),
    )
    yield Step(
        _("Ask for live mode"),
        _("We look at your details, then you can take real payments."),
        _url(request, "settings"),
        tenant.live_state != Tenant.LiveState.TEST_ONLY,
    )


def _has_team(tenant: Tenant) -> bool:
    others = Membership.objects.filter(tenant=tenant).count() > 1
    return others or Invitation.objects.filter(tenant=tenant).exists()


def _url(request: WorldRequest, name: str, **where: Any) -> str:
    return reverse(name, kwargs={"slug": request.tenant.slug, **where})
