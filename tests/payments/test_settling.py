"""A payer pays. Only Paytm's own status answer makes the payment paid, once, in any order."""

import dataclasses
import re
from itertools import permutations
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from payments import reporting
from payments.asking import ask
from payments.folding import fold
from payments.models import Link, Message, Payment, Transfer
from payments.paytm import OrderStatus, Outcome
from payments.settling import settle
from payments.states import PAYMENT_RANK, REFUND_RANK, steps
from tenants.current import today
from tenants.jobs import run_due
from tenants.models import Tenant
from tests import make
from tests.proof import size
from tests.wire import Simulator, come_back, go_to_paytm, send

pytestmark = pytest.mark.usefixtures("paytm")


@pytest.fixture
def link(in_acme, paytm) -> Link:
    return make.link()


@pytest.fixture
def once(in_acme, paytm) -> Link:
    return make.link(max_payments=1)


def payment(link: Link) -> Payment:
    return Payment.objects.select_related("account", "link").get(link=link)


def answer(payment: Payment, outcome: Outcome = Outcome.SUCCESS, **fields: Any) -> OrderStatus:
    """Paytm's status answer about this payment, as it is when all is well."""
    about = OrderStatus(
        outcome=outcome,
        code="01",
        message="Txn Success",
        mid=payment.account.mid,
        order_id=payment.order_id,
        txn_id="20261123111212800110168470101509706",
        bank_txn_id="632712345678",
        amount_paise=payment.amount_paise,
        currency="INR",
        payment_mode="UPI",
        gateway="PPBL",
        bank=None,
        refunded_paise=0,
        txn_date=None,
        raw=f'{{"outcome":"{outcome.value}"}}',
        signed=True,
    )
    return dataclasses.replace(about, **fields)


@pytest.mark.parametrize(
    ("button", "state", "shown"),
    [
        ("success", "paid", "paid"),
        ("failure", "failed", "failed"),
        ("cancel", "failed", "failed"),
        ("pending", "pending", "checking"),
    ],
)
def test_the_payer_comes_back_to_the_truth(
    link: Link, paytm: Simulator, client: Client, button: str, state: str, shown: str
) -> None:
    callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}"), button)
    answer = come_back(client, callback)
    assert answer.status_code == 303
    page = client.get(answer["Location"])
    assert f'data-payment-state="{shown}"' in page.content.decode()
    assert payment(link).state == state
    booked = [t.paise for t in Transfer.objects.all()]
    assert booked == ([500_00] if state == "paid" else [])


def test_no_callback_ever_comes_and_the_poll_finds_the_money(
    link: Link, paytm: Simulator, client: Client, clock
) -> None:
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    run_due()
    assert payment(link).state == "open"
    clock(16)
    run_due()
    assert payment(link).state == "paid"


def test_what_is_pending_is_asked_again_until_it_is_final(
    link: Link, paytm: Simulator, client: Client, clock
) -> None:
    come_back(client, paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "pending"))
    run_due()
    order = payment(link)
    assert order.state == "pending"
    paytm.control(f"orders/{order.account.mid}/{order.order_id}/finish", outcome="success")
    for ahead in (61, 301):
        clock(ahead)
        run_due()
    assert payment(link).state == "paid"


def test_an_order_nobody_paid_expires_with_its_token(link: Link, client: Client, clock) -> None:
    go_to_paytm(client, f"/p/{link.token}")
    for ahead in (15, 60, 300, 900, 3601):
        clock(ahead + 1)
        run_due()
    assert payment(link).state == "expired"


@pytest.mark.parametrize(
    "scenario",
    ["timeout_after", "error_after", "html", "redirect", "huge", "wrong_signature", "other_order"],
)
def test_silence_is_unknown_and_never_a_failure(
    link: Link, paytm: Simulator, client: Client, scenario: str
) -> None:
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    paytm.plant("status", scenario, seconds=1)
    ask(payment(link), patience=0.5)
    assert payment(link).state in ("open", "unknown")
    assert not Transfer.objects.exists()
    assert ask(payment(link)).state == "paid"


def test_a_true_checksum_over_a_lie_changes_nothing(
    link: Link, paytm: Simulator, client: Client
) -> None:
    hop = go_to_paytm(client, f"/p/{link.token}")
    told = paytm.decide(hop, "failure")
    order = payment(link)
    from payments.paytm import generate
    from tests.conftest import MIDS

    lie = told.fields | {"STATUS": "TXN_SUCCESS", "RESPCODE": "01", "TXNAMOUNT": "500.00"}
    lie.pop("CHECKSUMHASH")
    lie["CHECKSUMHASH"] = generate(lie, MIDS["acme"][1])
    path = f"/paytm/{told.action.split('/paytm/')[1]}"
    assert send(client, path, lie).status_code == 303
    assert ask(order).state == "failed"
    assert not Transfer.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "state", "booked"),
    [
        ({"amount_paise": 499_99}, "surplus", [499_99]),
        ({"amount_paise": 5_000_000}, "surplus", [5_000_000]),
        ({"mid": "SOMEBODYELSE00000001"}, "unknown", []),
        ({"order_id": "pay_another"}, "unknown", []),
        ({"mid": None}, "unknown", []),
        ({"currency": "USD"}, "unknown", []),
    ],
)
def test_a_success_about_something_else_is_not_this_payments(
    link: Link, client: Client, wrong: dict[str, Any], state: str, booked: list[int]
) -> None:
    go_to_paytm(client, f"/p/{link.token}")
    order = payment(link)
    assert settle(order, answer(order, **wrong)).state == state
    assert [t.paise for t in Transfer.objects.all()] == booked
    assert not Transfer.objects.filter(credit="sales").exists()


def test_every_order_of_claims_ends_the_same(in_acme, paytm) -> None:
    """M4: late, doubled and reordered answers make no difference."""
    claims = [Outcome.PENDING, Outcome.FAILURE, Outcome.SUCCESS, Outcome.UNKNOWN, Outcome.SUCCESS]
    for order_of_claims in sorted(set(permutations(claims)), key=repr)[:: size(7, 1)]:
        with transaction.atomic():
            link = make.link(max_payments=1)
            order = make.payment(link)
            for outcome in order_of_claims:
                order = settle(order, answer(order, outcome))
            assert order.state == "paid"
            assert order.slot == 1
            assert order.transfers.count() == 1
            transaction.set_rollback(True)


def test_a_success_is_never_downgraded(link: Link, in_acme) -> None:
    order = settle(make.payment(link), answer(make.payment(link)))
    order = make.payment(link)
    settle(order, answer(order))
    for outcome in (Outcome.FAILURE, Outcome.PENDING, Outcome.UNKNOWN, Outcome.NO_RECORD):
        assert settle(order, answer(order, outcome)).state == "paid"


def test_a_second_success_for_a_one_time_link_is_surplus(once: Link) -> None:
    first, second = make.payment(once), make.payment(once)
    assert settle(first, answer(first)).state == "paid"
    assert settle(second, answer(second)).state == "surplus"
    assert Transfer.objects.get(payment=second).credit == "surplus"


def test_a_late_success_after_a_failure_takes_the_free_slot(once: Link) -> None:
    order = make.payment(once)
    settle(order, answer(order, Outcome.FAILURE))
    assert settle(order, answer(order)).state == "paid"


def test_the_figures_are_the_same_before_and_after_folding(link: Link) -> None:
    for method in ("UPI", "CC", "UPI"):
        order = make.payment(link)
        settle(order, answer(order, payment_mode=method))
    before = reporting.by_method(False, today(), today())
    fold()
    assert not Transfer.objects.filter(folded=False).exists()
    assert reporting.by_method(False, today(), today()) == before
    assert reporting.total(before).sales_paise == 1_500_00


def test_a_reversal_written_by_sql_changes_the_figures(link: Link) -> None:
    order = make.payment(link)
    settle(order, answer(order))
    fold()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_transfer (live, at, day, payment_id, debit, credit, paise,"
            " method, reverses_id, folded) SELECT live, at, day, payment_id, credit, debit,"
            " paise, method, id, false FROM payments_transfer"
        )
    for _ in range(2):
        assert reporting.total(reporting.by_day(False, today(), today())).sales_paise == 0
        fold()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE payments_transfer SET paise = 1",
        "DELETE FROM payments_transfer",
        "UPDATE payments_payment SET state = 'failed'",
        "UPDATE payments_payment SET amount_paise = 1",
        "UPDATE payments_payment SET live = true",
        "UPDATE payments_payment SET refunded_paise = amount_paise + 1",
        "DELETE FROM payments_payment",
        "UPDATE payments_message SET raw = ''",
        "DELETE FROM payments_timelineentry",
        "UPDATE payments_link SET live = true",
    ],
)
def test_the_database_itself_refuses_tampering(link: Link, client: Client, tampering: str) -> None:
    order = make.payment(link)
    settle(order, answer(order))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(tampering)


def test_the_databases_steps_are_the_tables_steps(in_acme: Tenant) -> None:
    assert sorted(steps(PAYMENT_RANK)) == steps_of("payment")
    assert sorted(steps(REFUND_RANK)) == steps_of("refund")


def steps_of(thing: str) -> list[str]:
    """The steps that the trigger of this table lets through."""
    named = "tgname = %s AND tgrelid = %s::regclass"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE {named}",
            [f"{thing}_step", f"payments_{thing}"],
        )
        return sorted(re.findall(r"'(\w+>\w+)'", cursor.fetchone()[0]))


def test_forgeries_are_kept_to_twenty_and_strangers_not_at_all(
    link: Link, paytm: Simulator, client: Client
) -> None:
    callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    path = f"/paytm/{callback.action.split('/paytm/')[1]}"
    for n in range(25):
        forged = callback.fields | {"TXNAMOUNT": f"{n}.00"}
        assert send(client, path, forged).status_code == 400
    assert Message.objects.filter(verdict__startswith="refused:").count() == 20
    stranger = callback.fields | {"ORDERID": "pay_nobody"}
    assert send(client, path, stranger).status_code == 404
    assert payment(link).state == "open"


def test_an_answer_that_cannot_be_read_is_kept_as_evidence(
    link: Link, paytm: Simulator, client: Client
) -> None:
    """At most twenty of them: a sick Paytm is not to fill the books."""
    go_to_paytm(client, f"/p/{link.token}")
    paytm.plant("status", "html", times=25)
    for _ in range(25):
        ask(payment(link))
        Payment.objects.update(asked_at=None)
    kept = Message.objects.filter(verdict="unusable:notpaytm")
    assert 1 <= kept.count() <= 20
    assert "Please try again later" in kept[0].raw
    assert payment(link).timeline.filter(message=kept[0], kind="no_answer").exists()
    assert payment(link).state == "open"
