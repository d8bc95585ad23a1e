"""Money that nobody asked for: kept, sent back, or waiting for somebody to decide."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from config.clock import now
from payments import reporting, surplus
from payments.folding import fold
from payments.linking import set_state
from payments.models import Link, Payment, Transfer
from payments.refunding import ask_refund
from payments.settling import settle
from tenants.current import today
from tenants.jobs import run_due
from tenants.models import User
from tests import make
from tests.payments.test_settling import answer
from tests.wire import Simulator, come_back, go_to_paytm

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")

IST_FORM = "%Y-%m-%d %H:%M:%S.0"


def too_much(**terms: Any) -> Payment:
    """₹600.00 arrived where ₹500.00 were asked for."""
    order = make.payment(make.link(**terms))
    return settle(order, answer(order, amount_paise=600_00))


def figures() -> reporting.Figure:
    fold()
    return reporting.total(reporting.by_day(False, today(), today()))


def pairs(order: Payment) -> list[tuple[str, str, int]]:
    """The payment's transfers, from where to where."""
    rows = Transfer.objects.filter(payment=order).order_by("id")
    return [*rows.values_list("credit", "debit", "paise")]


def test_a_surplus_waits_and_is_no_sale() -> None:
    order = too_much()
    assert (order.state, order.surplus, order.received_paise) == ("surplus", "amount", 600_00)
    assert [*surplus.undecided(live=False)] == [order]
    assert not surplus.undecided(live=True).exists()
    assert (figures().sales_paise, figures().surplus_paise) == (0, 600_00)


def test_kept_it_is_a_sale_from_then_on(alice: User) -> None:
    order = surplus.keep(too_much(), alice)
    assert (order.state, order.accepted_by_name) == ("surplus", "Alice")
    assert (figures().sales_paise, figures().surplus_paise) == (600_00, 0)
    assert not surplus.undecided(live=False).exists()
    surplus.keep(order, alice)
    assert pairs(order) == [
        ("surplus", "receivable", 600_00), ("sales", "surplus", 600_00),
    ]  # fmt: skip


def test_a_part_goes_back_and_the_rest_is_kept(alice: User, paytm: Simulator) -> None:
    order = too_much()
    refund = ask_refund(order, 100_00, "", alice, "a-form-key")
    with pytest.raises(surplus.RefundUnderWay):
        surplus.keep(order, alice)
    finish(refund)
    assert surplus.undecided(live=False).exists()
    surplus.keep(order, alice)
    assert pairs(order) == [
        ("surplus", "receivable", 600_00),
        ("receivable", "surplus", 100_00),
        ("sales", "surplus", 500_00),
    ]
    assert (figures().sales_paise, figures().surplus_paise, figures().refunds_paise) == (
        500_00, 0, 0,
    )  # fmt: skip
    order.refresh_from_db()
    finish(ask_refund(order, 500_00, "", alice, "another-form"))
    assert figures().refunds_paise == 500_00


def finish(refund: Any, outcome: str = "done", rrn: str | None = None) -> None:
    """Paytm says that the refund is done, or what else became of it."""
    from payments.paytm import RefundOutcome, RefundStatus
    from payments.refunding import settle_refund

    said = {"code": "10", "message": "ok", "refund_id": "r1", "ref_id": refund.ref_id}
    said |= {"order_id": refund.payment.order_id, "txn_id": None, "total_refunded_paise": None}
    said |= {"rrn": rrn, "arn": None, "credit_expected": None, "signed": True}
    paise = refund.amount_paise
    raw = f"{outcome} {refund.ref_id}"
    status = RefundStatus(RefundOutcome(outcome), amount_paise=paise, raw=raw, **said)
    settle_refund(refund, status)


def test_all_sent_back_leaves_nothing_to_keep(alice: User) -> None:
    order = too_much()
    refund = ask_refund(order, 600_00, "", alice, "a-form-key")
    assert not surplus.undecided(live=False).exists()
    finish(refund)
    with pytest.raises(surplus.NothingToKeep):
        surplus.keep(order, alice)
    assert (figures().sales_paise, figures().surplus_paise, figures().refunds_paise) == (0, 0, 0)


@pytest.mark.parametrize(
    ("policy", "sales", "refunded"),
    [("ask", 0, 0), ("accept", 501_00, 0), ("send_back", 0, 501_00)],
)
def test_the_links_rule_decides(
    client: Client, paytm: Simulator, clock: Any, policy: str, sales: int, refunded: int
) -> None:
    link = make.link(surplus_policy=policy)
    come_back(client, paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "amount_differs"))
    for ahead in (0, 16, 61):
        clock(ahead)
        run_due()
    order = Payment.objects.get(link=link)
    assert (order.state, order.refunded_paise) == ("surplus", refunded)
    assert order.refunds.filter(origin="policy").count() == (1 if refunded else 0)
    assert figures().sales_paise == sales
    assert surplus.undecided(live=False).exists() is (policy == "ask")


@pytest.mark.parametrize(
    ("late", "why"), [(0, ""), (30, ""), (90, "expired")], ids=["before", "grace", "after"]
)
def test_money_after_expiry_is_surplus(late: int, why: str) -> None:
    """By Paytm's own time: that we learn of it later changes nothing."""
    end = now() - timedelta(hours=2)
    order = make.payment(make.link(expires_at=end), created_at=end - timedelta(minutes=5))
    moment = end + timedelta(seconds=late, hours=5, minutes=30)
    settled = settle(order, answer(order, txn_date=moment.strftime(IST_FORM)))
    assert (settled.state, settled.surplus) == ("surplus" if why else "paid", why)


def test_money_after_the_link_was_disabled_is_surplus(alice: User) -> None:
    link = make.link()
    early, late = make.payment(link), make.payment(link)
    moment = now() + timedelta(hours=5, minutes=30)
    set_state(link, Link.State.DISABLED, alice)
    settle(early, answer(early, txn_date=moment.strftime(IST_FORM), raw="1"))
    moment += timedelta(minutes=5)
    settle(late, answer(late, txn_date=moment.strftime(IST_FORM), raw="2"))
    early.refresh_from_db()
    late.refresh_from_db()
    assert (early.state, late.state, late.surplus) == ("paid", "surplus", "disabled")


def test_of_two_successes_for_one_place_the_second_is_surplus() -> None:
    link = make.link(max_payments=1)
    first, second = make.payment(link), make.payment(link)
    settle(first, answer(first, raw="1"))
    assert settle(second, answer(second, raw="2")).surplus == "taken"


def test_the_links_rule_may_run_twice() -> None:
    """After a crash right behind the refund's commit the job runs again."""
    order = too_much(surplus_policy="send_back")
    for _ in range(2):
        surplus.follow_policy(payment_id=str(order.pk))
    assert order.refunds.count() == 1


def test_what_was_reversed_in_the_books_cannot_be_kept(alice: User) -> None:
    order = too_much()
    reverse_all()
    with pytest.raises(surplus.NothingToKeep):
        surplus.keep(order, alice)
    assert (figures().sales_paise, figures().surplus_paise) == (0, 0)


def reverse_all() -> None:
    """A correction by SQL."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_transfer (live, at, day, payment_id, debit, credit, paise,"
            " method, reverses_id, folded) SELECT live, at, day, payment_id, credit, debit,"
            " paise, method, id, false FROM payments_transfer"
        )
