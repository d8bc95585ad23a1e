"""Folding transfers and attempts into daily figures, after the money's own commit.

A figure anywhere is folded plus unfolded rows (payments.reporting), so a fold that is late
changes nothing that a person sees. SQL, because folding and marking must be one statement.
"""

from django.db import connection, transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest

from payments import attempts
from payments.models import DailyFigure
from tenants.current import current_tenant
from tenants.jobs import BULK, job
from tenants.models import Tenant, TenantDay

AT_ONCE = 5_000

# What one transfer adds to each figure. A reversal takes away what the original added.
MOVEMENT = """
    (credit = 'sales')::int - (debit = 'sales')::int AS sales_count,
    ((credit = 'sales')::int - (debit = 'sales')::int) * paise AS sales_paise,
    (debit = 'refunds')::int - (credit = 'refunds')::int AS refunds_count,
    ((debit = 'refunds')::int - (credit = 'refunds')::int) * paise AS refunds_paise,
    ((credit = 'surplus')::int - (debit = 'surplus')::int) * paise AS surplus_paise,
    ((debit = 'fees')::int - (credit = 'fees')::int) * paise AS fees_paise,
    ((debit = 'gst')::int - (credit = 'gst')::int) * paise AS gst_paise,
    ((debit = 'bank')::int - (credit = 'bank')::int) * paise AS settled_paise,
    ((credit = 'adjustments')::int - (debit = 'adjustments')::int) * paise AS adjustments_paise
"""

FIGURES = (
    *("sales_count", "sales_paise", "refunds_count", "refunds_paise", "surplus_paise"),
    *("fees_paise", "gst_paise", "settled_paise", "adjustments_paise"),
)

PUBLISHED = ("sales_count", "sales_paise", "refunds_paise")

FOLD = f"""
    WITH taken AS (
        UPDATE payments_transfer SET folded = true WHERE id IN (
            SELECT id FROM payments_transfer WHERE NOT folded
            ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
        ) RETURNING live, day, method, {MOVEMENT}
    ), summed AS (
        SELECT live, day, method, {", ".join(f"sum({name}) AS {name}" for name in FIGURES)}
        FROM taken GROUP BY live, day, method
    ), added AS (
        INSERT INTO payments_dailyfigure AS f
            (live, day, method, {", ".join(FIGURES)}, revision, published)
        SELECT live, day, method, {", ".join(FIGURES)}, 1, 0 FROM summed ORDER BY live, day, method
        ON CONFLICT (live, day, method) DO UPDATE SET
        {", ".join(f"{name} = f.{name} + excluded.{name}" for name in FIGURES)}
        , revision = f.revision + 1
    )
    SELECT count(*) FROM taken
"""  # noqa: S608  (constants of this module only)


@job(lane=BULK)
def fold() -> None:
    """Fold what is unfolded, then tell the platform's roll-up of the days that changed."""
    while _fold_some():
        pass
    if attempts.fold():
        fold_soon()
    _publish()


def fold_soon() -> None:
    """Have a worker fold this tenant's transfers; many wishes are one job."""
    fold.enqueue(current_tenant().pk, key=f"fold:{current_tenant().pk}")


def _fold_some() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FOLD, [AT_ONCE])
        return int(cursor.fetchone()[0])


def _publish() -> None:
    """Write changed days into schema public, as absolute values, so that a repeat is harmless.

    Two transactions, for one never writes a tenant and public: the figures, under the lock of
    the tenant's row so that of two folds the later wins; then up to which revision they went.
    """
    changed = list(
        DailyFigure.objects.filter(revision__gt=F("published")).values(
            "id", "live", "day", "revision"
        )
    )
    tenant = current_tenant()
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        for live, day in {(row["live"], row["day"]) for row in changed}:
            totals = DailyFigure.objects.filter(live=live, day=day).aggregate(
                **{name: Sum(name) for name in PUBLISHED}
            )
            TenantDay.objects.update_or_create(
                tenant_id=tenant.pk, live=live, day=day, defaults=totals
            )
    for row in changed:
        DailyFigure.objects.filter(pk=row["id"]).update(
            published=Greatest("published", row["revision"])
        )
