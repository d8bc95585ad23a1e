"""Telling the merchant's team by mail what became of a payment, a refund or an endpoint, each in
the language they read."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation

from merchants import roles
from merchants.models import Endpoint
from payments import ledger, reasons
from payments.models import Payment, Refund
from payments.refund_limits import approvers
from payments.states import PaymentState, RefundState
from tenants import mail
from tenants.current import current_tenant, zone
from tenants.models import Membership


def tell_payment(payment: Payment, state: str) -> None:
    """Mail the team that it became paid or surplus; a failed one is not worth a mail."""
    if state in (PaymentState.PAID, PaymentState.SURPLUS):
        about = {"paise": ledger.received(payment), "why": reasons.of_payment(payment).text}
        _tell(f"payment_{state}", payment, about)


def tell_refund(refund: Refund) -> None:
    """Mail the team about a refund that is done or failed, or waits for balance; of its later
    tries only the last is told."""
    retry = Refund.objects.filter(retry_of=refund).first()
    if retry and refund.retry_of_id:
        return
    template = "refund_waits" if retry else f"refund_{refund.state}"
    about = {"refund": refund, "retry": retry, "why": reasons.why_no_refund(refund)}
    _tell(template, refund.payment, about)


def tell_approvers(refund: Refund) -> None:
    """Mail those who may approve a refund that still waits for one of them."""
    if refund.state == RefundState.HELD:
        _mail_refund("refund_held", refund, approvers(but=refund.asked_by_id))


def tell_of_rejection(refund: Refund) -> None:
    """Mail who asked for a refund that somebody refused, while they are on the team."""
    if refund.asked_by_id:
        team = Membership.objects.filter(tenant=current_tenant(), user__is_active=True)
        _mail_refund("refund_rejected", refund, team.filter(user_id=refund.asked_by_id))


def tell_of_endpoint(endpoint: Endpoint) -> None:
    """Mail the team that we stopped sending events to an address of theirs, and why."""
    _mail("endpoint_stopped", "endpoint", endpoint.live, endpoint.pk, {"endpoint": endpoint})


def _tell(template: str, payment: Payment, about: Mapping[str, object]) -> None:
    _mail(template, "payment", payment.live, payment.pk, {**about, "payment": payment})


def _mail_refund(template: str, refund: Refund, to: QuerySet[Membership]) -> None:
    about = {"refund": refund, "payment": refund.payment}
    _mail(template, "refund", refund.live, refund.pk, about, to)


def _mail(
    template: str,
    page: str,
    live: bool,
    id: UUID,
    about: Mapping[str, object],
    to: QuerySet[Membership] | None = None,
) -> None:
    """One mail to each who handles money, or to those, leading to a page of this world."""
    tenant = current_tenant()
    url = reverse(page, kwargs={"slug": tenant.slug, "live": live, "id": id})
    context = {
        **about,
        "live": live,
        "merchant_name": tenant.name,
        "url": f"{settings.BASE_URL}{url}",
    }
    all_of = Membership.objects.filter(tenant=tenant, role__in=roles.MONEY, user__is_active=True)
    for member in (all_of if to is None else to).select_related("user"):
        with timezone.override(zone()), translation.override(member.user.reads):
            mail.post(member.user.email, template, context, tenant_id=tenant.pk)
