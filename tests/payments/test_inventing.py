"""Invented business is like true business: skewed, whole, and its books add up."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, Sum
from django_tenants.utils import tenant_context

from config.clock import now
from payments import inventing, proving, reporting
from payments.models import Link, Payment, Receipt, Settlement, Transfer
from payments.reporting import total
from tenants.models import Tenant, User
from tests import make

pytestmark = pytest.mark.usefixtures("paytm")
UNTIL = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
COUNT = 3_000


def indexes() -> list[tuple[str, str]]:
    """Names of what must be there again, and whether it is in force."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, indisvalid::text FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
            " WHERE c.relnamespace = current_schema()::regnamespace"
            " UNION ALL SELECT conname, contype::text || convalidated::text FROM pg_constraint"
            " WHERE connamespace = current_schema()::regnamespace ORDER BY 1, 2"
        )
        return list(cursor.fetchall())


@pytest.mark.parametrize("many", [COUNT, COUNT + 1])
def test_a_year_of_business_is_proved(in_acme: Tenant, many: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(inventing, "MANY", many)
    before = indexes()
    inventing.invent(COUNT, until=UNTIL)
    assert [*proving.breaches()] == []
    assert Payment.objects.count() == COUNT
    assert indexes() == before
    balances = proving.balances(live=False)
    assert sum(balances.values()) == 0
    assert {"sales", "refunds", "surplus", "fees", "gst", "bank"} <= {*balances}

    days = reporting.by_day(False, UNTIL.date().replace(year=2025), UNTIL.date())
    sold = Payment.objects.filter(state="paid").aggregate(paise=Sum("received_paise"))["paise"]
    kept = Payment.objects.filter(accepted_at__isnull=False).aggregate(
        paise=Sum("received_paise", default=0)
    )["paise"]
    assert total(days).sales_paise == sold + kept
    assert not Transfer.objects.filter(folded=False).exists()


def test_it_is_skewed_as_true_business_is(in_acme: Tenant) -> None:
    inventing.invent(COUNT, until=UNTIL)
    payments = Payment.objects.all()
    by_link = [*payments.values("link").annotate(n=Count("pk")).order_by("-n")]
    assert sum(row["n"] for row in by_link[: len(by_link) // 4]) > COUNT / 2
    assert payments.filter(state="paid").count() > 0.75 * COUNT
    assert payments.filter(method="upi").count() > COUNT / 2
    recent = UNTIL - (UNTIL - datetime(2026, 8, 29, tzinfo=UTC))
    assert payments.filter(created_at__gte=recent).count() > 0.7 * COUNT
    assert payments.values("payer_phone").distinct().count() < 0.7 * COUNT  # who comes again
    assert {*Receipt.objects.values_list("year", flat=True)} == {2025, 2026}
    for settlement in Settlement.objects.all()[:5]:
        assert settlement.lines.exists()
    assert Link.objects.count() <= 20


def test_nothing_invented_stands_beside_true_money(in_acme: Tenant) -> None:
    make.payment(make.link())
    with pytest.raises(inventing.NotEmpty):
        inventing.invent(8, until=UNTIL)


def test_the_command_is_for_demos(alice: User, acme: Tenant, settings: Any) -> None:
    with pytest.raises(CommandError, match="demo"):
        call_command("seed", "1000")
    settings.MODE = "demo"
    call_command("seed", "40", owner="alice@example.com", stdout=StringIO())
    big = Tenant.objects.get(slug="big-bazaar")
    with tenant_context(big):
        assert Payment.objects.count() == 40
        assert Payment.objects.latest("created_at").created_at < now()
    with pytest.raises(CommandError, match="there already"):
        call_command("seed", "40", owner="alice@example.com")
