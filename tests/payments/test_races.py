"""Everything at the same moment: one credit, no refund too much."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
from django.db.models import Sum

from payments.asking import ask, ask_status
from payments.linking import Terms, TooFew, change_link, marks_of, terms_of
from payments.models import Link, Payment, Refund, Transfer
from payments.refunding import NotRefundable, TooMuch, ask_refund
from payments.settling import settle
from tenants.models import Tenant, User
from tests import make
from tests.conftest import browser
from tests.crowd import at_once
from tests.forms import Form
from tests.payments.test_settling import answer
from tests.proof import size
from tests.wire import Simulator, come_back, go_to_paytm, send

pytestmark = pytest.mark.proof


def test_callback_webhook_poll_and_person_make_one_credit(
    open_acme: Tenant, simulator: Simulator
) -> None:
    """M3: each order is told of in four ways, five times each, all at once."""
    for _ in range(size(3, 500)):
        link = make.link()  # of its own: one address begins so many payments of a link a minute
        callback = simulator.decide(go_to_paytm(browser(), f"/p/{link.token}"), "success")
        order = Payment.objects.select_related("account").latest("created_at")
        acts = tellers(order, callback) * 5
        at_once(open_acme, random.sample(acts, len(acts)))
        order.refresh_from_db()
        assert order.state == "paid"
        assert order.transfers.count() == 1


def tellers(order: Payment, callback: Form) -> list[Callable[[], object]]:
    """The four ways in which we may hear of an order."""
    path = "/paytm/" + callback.action.split("/paytm/")[1]
    return [
        lambda: come_back(browser(), callback),
        lambda: send(browser(), path.replace("callback", "webhook"), callback.fields),
        lambda: ask_status(payment_id=str(order.pk)),
        lambda: ask(order),
    ]


def test_a_one_time_link_takes_one_payment_whoever_comes(open_acme: Tenant) -> None:
    for _ in range(size(5, 500)):
        link = make.link(max_payments=1)
        orders = [make.payment(link) for _ in range(random.randint(2, 8))]
        at_once(open_acme, [lambda o=o: settle(o, answer(o)) for o in orders])
        states = sorted(Payment.objects.filter(link=link).values_list("state", flat=True))
        assert states == ["paid"] + ["surplus"] * (len(orders) - 1)
        assert Transfer.objects.filter(payment__link=link).count() == len(orders)


def test_fifty_payers_of_n_payments_are_n_and_the_rest_is_surplus(open_acme: Tenant) -> None:
    """All have begun and all pay, whatever the link's page would have told them."""
    for _ in range(size(1, 20)):
        taken = random.randint(1, 10)
        link = make.link(max_payments=taken)
        orders = [make.payment(link) for _ in range(50)]
        at_once(open_acme, [lambda o=o: settle(o, answer(o)) for o in orders])
        states = Counter(Payment.objects.filter(link=link).values_list("state", flat=True))
        assert states == {"paid": taken, "surplus": 50 - taken}
        slots = Payment.objects.filter(link=link, state="paid").values_list("slot", flat=True)
        assert {*slots} == {*range(1, taken + 1)}
        arrived = Transfer.objects.filter(payment__link=link).aggregate(all=Sum("paise"))["all"]
        assert arrived == 50 * 500_00


def test_fifty_at_once_begin_no_more_than_n(open_acme: Tenant, simulator: Simulator) -> None:
    for _ in range(size(1, 10)):
        link = make.link(max_payments=3)
        acts = [partial(begun, f"/p/{link.token}", f"203.0.113.{n}") for n in range(50)]
        assert Counter(at_once(open_acme, acts)) == {303: 3, 409: 47}
        assert Payment.objects.filter(link=link).count() == 3


def begun(path: str, address: str) -> int:
    """What a payer at this address is answered who presses *Pay*."""
    return browser().post(path, REMOTE_ADDR=address).status_code


def test_no_change_lets_more_be_paid_than_it_says(open_acme: Tenant) -> None:
    """Lowering a limit while payments settle: either it is refused, or it holds."""
    alice = User.objects.get(name="Alice")
    for _ in range(size(4, 200)):
        link = make.link(max_payments=3)
        orders = [make.payment(link) for _ in range(3)]
        settle(orders[0], answer(orders[0]))
        once = replace(terms_of(link), max_payments=1)

        def lower(link: Link = link, once: Terms = once) -> None:
            with suppress(TooFew):
                change_link(link, once, alice, marks_of(terms_of(link)))

        at_once(open_acme, [lower, *(lambda o=o: settle(o, answer(o)) for o in orders[1:])])
        link.refresh_from_db()
        paid = Payment.objects.filter(link=link, state="paid").count()
        assert paid <= (link.max_payments or 0)
        assert paid in (1, 3)


def test_refunds_at_once_never_exceed_what_was_paid(open_acme: Tenant) -> None:
    """M6: losers are told so; nothing is promised twice."""
    alice = User.objects.get(name="Alice")
    link = make.link()
    for _ in range(size(10, 1000)):
        order = make.payment(link)
        settle(order, answer(order))
        amounts = [
            random.choice((100_00, 300_00, 500_00)) for _ in range(random.randint(2, size(12, 50)))
        ]

        def ask_for(n: int, paise: int, order: Payment = order) -> str:
            try:
                ask_refund(order, paise, "", alice, f"key-{n}")
            except (NotRefundable, TooMuch) as refusal:
                return type(refusal).__name__
            return "asked"

        told = at_once(open_acme, [lambda n=n, p=p: ask_for(n, p) for n, p in enumerate(amounts)])
        order.refresh_from_db()
        assert told.count("asked") == 1
        asked = sum(Refund.objects.filter(payment=order).values_list("amount_paise", flat=True))
        assert order.reserved_paise == asked <= order.amount_paise


def test_the_same_refund_form_sent_many_times_at_once_is_one_refund(open_acme: Tenant) -> None:
    alice, order = User.objects.get(name="Alice"), make.payment(make.link())
    settle(order, answer(order))
    refunds = at_once(open_acme, [lambda: ask_refund(order, 200_00, "", alice, "one-form")] * 10)
    assert len({refund.pk for refund in refunds}) == 1


def test_the_same_pay_form_sent_many_times_at_once_is_one_attempt(
    open_acme: Tenant, simulator: Simulator
) -> None:
    link = make.link()
    codes = at_once(
        open_acme,
        [lambda: browser().post(f"/p/{link.token}", {"key": "the-same-form"}).status_code] * 8,
    )
    assert Payment.objects.filter(link=link).count() == 1
    assert set(codes) <= {303, 409}
    assert 303 in codes
