"""The operator proves the books; whatever was tampered with is named."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from payments import proving
from payments.folding import fold
from payments.models import Payment
from payments.refunding import ask_refund
from payments.settling import settle
from tenants.models import Tenant, TenantDay, User
from tests import make
from tests.payments.test_settling import answer
from tests.payments.test_surplus import finish

pytestmark = pytest.mark.usefixtures("paytm")


@pytest.fixture
def busy(in_acme: Tenant, alice: User) -> Payment:
    """A merchant with a sale, a refund, one under way, and surplus; folded and published."""
    link = make.link()
    for _ in range(3):
        order = make.payment(link)
        settle(order, answer(order))
    finish(ask_refund(order, 120_00, "", alice, "a-form-key"))
    ask_refund(order, 80_00, "", alice, "another-form-key")
    other = make.payment(link)
    settle(other, answer(other, amount_paise=7_00))
    fold()
    return order


def test_true_books_are_proved(busy: Payment) -> None:
    assert [*proving.breaches()] == []
    balances = proving.balances(live=False)
    assert balances == {
        "receivable": 1_387_00, "refunds": 120_00, "sales": -1_500_00, "surplus": -7_00,
    }  # fmt: skip
    assert sum(balances.values()) == 0
    out = StringIO()
    call_command("prove_books", "acme", stdout=out)
    assert "acme test: receivable ₹1,387.00" in out.getvalue()


def tampered(statement: str, table: str) -> None:
    """Change a row as somebody could who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    ("table", "change", "law"),
    [
        ("payments_transfer", "SET paise = paise + 1 WHERE credit = 'sales'", "a payment"),
        ("payments_transfer", "SET credit = 'surplus' WHERE debit = 'refunds'", "a payment"),
        ("payments_payment", "SET refunded_paise = 0 WHERE refunded_paise > 0", "a payment"),
        ("payments_payment", "SET reserved_paise = 0", "a payment"),
        ("payments_refund", "SET state = 'failed' WHERE state = 'done'", "a payment"),
        ("payments_refund", "SET amount_paise = 8100 WHERE state = 'requested'", "a payment"),
        ("payments_dailyfigure", "SET sales_paise = sales_paise - 1", "a folded figure"),
        ("payments_dailyfigure", "SET fees_paise = 5", "a folded figure"),
        ("payments_transfer", "SET folded = false WHERE debit = 'refunds'", "a folded figure"),
        ("payments_transfer", "SET live = true WHERE debit = 'refunds'", "test money"),
    ],
)
def test_what_was_tampered_with_is_named(busy: Payment, table: str, change: str, law: str) -> None:
    tampered(f"UPDATE {table} {change}", table)
    assert any(breach.law.startswith(law) for breach in proving.breaches())
    with pytest.raises(CommandError, match="the books do not add up"):
        call_command("prove_books", stdout=StringIO(), stderr=StringIO())


def test_a_true_reversal_is_no_breach_but_changes_what_the_payment_received(busy: Payment) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_transfer (live, at, day, payment_id, debit, credit, paise,"
            " method, reverses_id, folded) SELECT live, at, day, payment_id, credit, debit,"
            " paise, method, id, false FROM payments_transfer WHERE credit = 'surplus'"
        )
    [breach] = proving.breaches()
    assert breach.facts["booked_received"] == 0
    assert breach.facts["received_paise"] == 7_00


def test_a_reversal_of_another_amount_is_named(busy: Payment) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_transfer (live, at, day, payment_id, debit, credit, paise,"
            " method, reverses_id, folded) SELECT live, at, day, payment_id, credit, debit,"
            " paise + 1, method, id, false FROM payments_transfer WHERE credit = 'surplus'"
        )
    laws = {breach.law for breach in proving.breaches()}
    assert "a reversal mirrors what it reverses" in laws


def test_the_platforms_figures_are_the_merchants(busy: Payment, acme: Tenant) -> None:
    TenantDay.objects.filter(tenant=acme).update(sales_paise=1)
    [breach] = proving.breaches()
    assert breach.law == "the platform holds the merchant's day"


def test_a_name_that_nobody_has_is_told(acme: Tenant) -> None:
    with pytest.raises(CommandError, match="no merchant is called initech"):
        call_command("prove_books", "initech")


def test_the_nightly_proof_logs_what_it_finds(busy: Payment, caplog: Any) -> None:
    tampered("UPDATE payments_payment SET reserved_paise = 0", "payments_payment")
    proving.prove()
    assert "the books do not add up" in caplog.text
