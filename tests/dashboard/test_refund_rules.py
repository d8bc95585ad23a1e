"""The merchant says for which reasons money goes back, how much, and by how many people."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from merchants.models import AuditEvent
from merchants.refund_rules import Ceiling, Rules, rules
from payments.models import Payment, Refund
from tenants.jobs import run_due
from tenants.models import Membership, Role, Tenant, User
from tests import cast
from tests.conftest import SignIn
from tests.dashboard.conftest import Url, text
from tests.dashboard.test_refunds import ask

PAGE = "/m/acme/settings/refunds"


def save(client: Client, **more: str) -> Any:
    return client.post(PAGE, {"reasons": "", "approve_above": ""} | more)


def test_without_rules_nothing_is_limited_and_the_usual_reasons_are_offered(
    in_acme: Tenant, at_acme: Client
) -> None:
    assert rules() == Rules()
    page = at_acme.get(PAGE).content.decode()
    for reason in ("Customer cancelled", "Duplicate payment", "Goods returned"):
        assert reason in page


def test_what_is_saved_holds_and_is_on_record(in_acme: Tenant, at_acme: Client) -> None:
    answer = save(
        at_acme,
        reasons="  Wrong   size \r\n\r\nBroken\r\nWrong size",
        approve_above="10000",
        finance_at_once="500.50",
        admin_a_day="0",
    )
    assert answer["Location"] == PAGE
    assert rules() == Rules(
        ("Wrong size", "Broken"),
        10_000_00,
        {"finance": Ceiling(500_50, None), "admin": Ceiling(None, 0)},
    )
    page = at_acme.get(PAGE).content.decode()
    for words in ("Wrong size", 'value="10000.00"', 'value="500.50"', 'value="0.00"'):
        assert words in page
    save(at_acme, reasons="Wrong size\nBroken")
    first, second = AuditEvent.objects.filter(act="refund_rules.changed").order_by("id")
    assert first.after["approve_above_paise"] == 10_000_00
    assert second.before["approve_above_paise"] == 10_000_00
    assert second.after["approve_above_paise"] is None
    save(at_acme, reasons="Wrong size\nBroken")
    assert AuditEvent.objects.filter(act="refund_rules.changed").count() == 2, "nothing changed"


def test_a_refund_keeps_the_words_as_they_were(at_acme: Client, url: Url, paid: Payment) -> None:
    save(at_acme, reasons="Wrong size")
    ask(at_acme, url("refund_new", id=paid.pk), "200", reason="Wrong size")
    save(at_acme, reasons="Size was wrong")
    assert Refund.objects.get().reason == "Wrong size"
    for page in (url("refunds"), url("payment", id=paid.pk)):
        assert "Wrong size" in text(at_acme.get(page))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("reasons", "x" * 81, "at most 80 characters"),
        ("reasons", "\n".join(f"Reason {n}" for n in range(21)), "At most 20 reasons."),
        ("reasons", "Bad\u202eletters", "Use only letters"),
        ("approve_above", "-1", "plain digits"),
        ("approve_above", "१००", "plain digits"),
        ("finance_at_once", "1e9", "plain digits"),
        ("owner_a_day", "99999999999", "Enter an amount"),
    ],
)
def test_bad_rules_are_told_why(
    in_acme: Tenant, at_acme: Client, field: str, value: str, words: str
) -> None:
    answer = save(at_acme, **{field: value})
    assert answer.status_code == 422
    assert words in text(answer)
    assert rules() == Rules()


def test_only_owners_and_admins_set_them_with_a_fresh_proof(
    acme: Tenant, alice: User, bob: User, sign_in: SignIn
) -> None:
    for who in (bob, viewer(acme)):
        assert sign_in(who).get(PAGE).status_code == 403
        assert save(sign_in(who), approve_above="1").status_code == 403
    assert "/reauthenticate/" in save(sign_in(alice, ago=301), approve_above="1")["Location"]
    assert "Reasons and limits" in text(sign_in(alice).get("/m/acme/settings"))
    assert "Reasons and limits" not in text(sign_in(bob).get("/m/acme/settings"))


def viewer(tenant: Tenant) -> User:
    user = cast.person("Vera")
    Membership.objects.create(tenant=tenant, user=user, role=Role.VIEWER)
    return user


def test_everybody_else_who_could_is_told(acme: Tenant, at_acme: Client) -> None:
    """So that nobody raises a limit, refunds, and lowers it again unseen."""
    dana = cast.person("Dana")
    Membership.objects.create(tenant=acme, user=dana, role=Role.ADMIN)
    save(at_acme, approve_above="100", finance_a_day="50")
    save(at_acme, finance_a_day="50")
    run_due()
    first, second = mail.outbox
    assert first.to == second.to == [dana.email]
    assert first.subject == "Alice changed who may refund how much at Acme"
    for words in (first.body, first.alternatives[0][0]):
        assert "none → ₹100.00" in words
        assert "Finance, a day, each person" in words
    assert "A second person approves above: ₹100.00 → none" in second.body


def test_it_warns_where_one_person_alone_could_approve(acme: Tenant, at_acme: Client) -> None:
    save(at_acme, approve_above="100")
    assert "Only one person may approve" in text(at_acme.get(PAGE))
    Membership.objects.create(tenant=acme, user=cast.person("Dana"), role=Role.ADMIN)
    assert "Only one person may approve" not in text(at_acme.get(PAGE))
