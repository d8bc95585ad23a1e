"""The platform's own figures, read from the roll-ups in schema public and nowhere else."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q, QuerySet, Sum

from config.clock import now
from tenants.models import DeadJob, PageReport, Tenant, TenantDay

LAST_DAYS = 30


@dataclass(frozen=True)
class Overview:
    """What staff see first. Volume is live money of the last thirty days, in paise."""

    merchants: int
    suspended: int
    waiting_for_approval: int
    open_reports: int
    dead_jobs: int
    live_paise: int
    live_count: int


def overview() -> Overview:
    states = Tenant.objects.exclude(state=Tenant.State.READY).aggregate(
        merchants=Count("pk"),
        suspended=Count("pk", filter=Q(state=Tenant.State.SUSPENDED)),
        waiting_for_approval=Count("pk", filter=Q(live_state=Tenant.LiveState.ASKED)),
    )
    volume = TenantDay.objects.filter(live=True, day__gte=_since()).aggregate(
        paise=Sum("sales_paise", default=0), count=Sum("sales_count", default=0)
    )
    return Overview(
        **states,
        open_reports=PageReport.objects.filter(state=PageReport.State.OPEN).count(),
        dead_jobs=DeadJob.objects.count(),
        live_paise=volume["paise"],
        live_count=volume["count"],
    )


def merchants() -> QuerySet[Tenant]:
    """Every claimed tenant with its volume of the last thirty days, newest first."""
    recent = Q(days__day__gte=_since())
    found: QuerySet[Tenant] = (
        Tenant.objects.exclude(state=Tenant.State.READY)
        .annotate(
            test_paise=Sum("days__sales_paise", filter=recent & Q(days__live=False), default=0),
            live_paise=Sum("days__sales_paise", filter=recent & Q(days__live=True), default=0),
            live_count=Sum("days__sales_count", filter=recent & Q(days__live=True), default=0),
        )
        .order_by("-created_at", "id")
    )
    return found


def _since() -> date:
    return (now() - timedelta(days=LAST_DAYS)).date()
