"""Jobs that failed for good, and their second life."""

from django.db import transaction

from config.clock import now
from tenants import job_queue
from tenants.models import DeadJob


def revive(dead: DeadJob) -> None:
    """Put a dead job back into its lane with fresh attempts. Twice at once revives it once."""
    with transaction.atomic():
        deleted, _ = DeadJob.objects.filter(pk=dead.pk).delete()
        if deleted:
            job_queue.insert(
                lane=dead.lane,
                kind=dead.kind,
                tenant_id=dead.tenant_id,
                args=dead.args,
                key=None,
                run_at=now(),
                now=now(),
            )
