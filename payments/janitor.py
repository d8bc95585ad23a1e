"""Nothing is stuck for ever: what should have been asked about and was not is asked again.

Jobs are durable, but one may be buried among the dead after hours of failing. Its payment or
refund still says when it was due, and that is what counts here.
"""

from datetime import timedelta

from django.db.models import Q

from config.clock import now
from merchants.models import Endpoint
from payments.asking import ask_soon
from payments.batching import forget_the_old
from payments.delivering import deliver_soon
from payments.models import Delivery, Payment, Refund
from payments.refunding import ask_refund_soon
from tenants.jobs import BULK, job, periodic
from tenants.models import Tenant

OVERDUE = timedelta(minutes=15)


@periodic(every=600, lane=BULK)
def sweep() -> None:
    """Have every merchant looked over. A suspended one too: its money is under way as well."""
    claimed = Tenant.objects.exclude(state=Tenant.State.READY)
    for tenant_id in claimed.values_list("pk", flat=True).iterator():
        mend.enqueue(tenant_id, key=f"mend:{tenant_id}")


@job(lane=BULK, atomic=True)
def mend() -> None:
    """Write the jobs of this merchant's overdue payments, refunds and deliveries once more, and
    forget what nobody wants any longer."""
    overdue = now() - OVERDUE
    for payment in Payment.objects.filter(next_ask_at__lt=overdue).order_by("pk").iterator():
        ask_soon(payment)
    for refund in Refund.objects.filter(next_ask_at__lt=overdue).order_by("pk").iterator():
        ask_refund_soon(refund)
    late = Q(deliveries__state=Delivery.State.WAITING, deliveries__next_at__lt=overdue)
    for endpoint in Endpoint.objects.filter(late).distinct().order_by("pk"):
        deliver_soon(endpoint)
    forget_the_old()
