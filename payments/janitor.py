"""Nothing is stuck for ever: what should have been asked about and was not is asked again.

Jobs are durable, but one may be buried among the dead after hours of failing. Its payment or
refund still says when it was due, and that is what counts here.
"""

from datetime import timedelta

from django.db.models import Q

from config.clock import now
from merchants.models import Endpoint
from payments import export_files, searching
from payments.asking import ask_soon
from payments.batching import forget_the_old
from payments.delivering import deliver_soon
from payments.models import Delivery, Payment, Refund, SettlementLine
from payments.refunding import ask_refund_soon
from payments.settlement_matching import mark_settled
from tenants.current import current_tenant
from tenants.jobs import BULK, Later, job, periodic
from tenants.models import Tenant

OVERDUE = timedelta(minutes=15)
HEALED = 5_000  # search texts in one go


@periodic(every=600, lane=BULK)
def sweep() -> None:
    """Have every merchant looked over. A suspended one too: its money is under way as well."""
    claimed = Tenant.objects.exclude(state=Tenant.State.READY)
    for tenant_id in claimed.values_list("pk", flat=True).iterator():
        mend.enqueue(tenant_id, key=f"mend:{tenant_id}")


@job(lane=BULK, atomic=True)
def mend() -> None:
    """Write the jobs of this merchant's overdue payments, refunds and deliveries once more, and
    what lacks beside payments; forget what nobody wants any longer."""
    overdue = now() - OVERDUE
    for payment in Payment.objects.filter(next_ask_at__lt=overdue).order_by("pk").iterator():
        ask_soon(payment)
    for refund in Refund.objects.filter(next_ask_at__lt=overdue).order_by("pk").iterator():
        ask_refund_soon(refund)
    export_files.tidy()
    late = Q(deliveries__state=Delivery.State.WAITING, deliveries__next_at__lt=overdue)
    for endpoint in Endpoint.objects.filter(late).distinct().order_by("pk"):
        deliver_soon(endpoint)
    forget_the_old()
    if searching.heal(HEALED) == HEALED:
        mend_texts.enqueue(current_tenant().pk, key=f"mend_texts:{current_tenant().pk}")
    if _lacks_settled_days():
        mark_settled.enqueue(current_tenant().pk)


@job(lane=BULK, atomic=True)
def mend_texts() -> Later | None:
    """Write more of the search texts that lack, until none does."""
    return Later(now()) if searching.heal(HEALED) == HEALED else None


def _lacks_settled_days() -> bool:
    """Whether payouts were taken in before payments were told of them."""
    settled = SettlementLine.objects.filter(kind="sale", match="matched")
    return settled.exists() and not Payment.objects.filter(settled_on__isnull=False).exists()
