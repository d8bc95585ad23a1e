"""Above the merchant's limit two people give money back: one asks, another one lets it go."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from merchants import team
from merchants.models import AuditEvent
from merchants.refund_rules import Ceiling, Rules, change_rules
from payments import proving
from payments.approving import NotTheirs, approve, reject, withdraw
from payments.asking import ask
from payments.models import Payment, Refund
from payments.refund_limits import AboveCeiling, NobodyToAsk, NoRight, given_back_today
from payments.refunding import (
    NotRefundable,
    TooMuch,
    ask_refund,
    ask_refund_soon,
    push_refund,
    try_now,
)
from payments.settling import settle
from payments.surplus import keep, undecided
from tenants.jobs import run_due
from tenants.models import Job, Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import browser
from tests.crowd import at_once
from tests.payments.test_settling import answer
from tests.proof import size
from tests.wire import Simulator, go_to_paytm

LIMIT = 100_00


def two_above(by: User, limit: int | None = LIMIT, **ceilings: Ceiling) -> None:
    change_rules(Rules(approve_above_paise=limit, ceilings=ceilings), by)


@pytest.fixture
def paid(in_acme: Tenant, paytm: Simulator, client: Client) -> Payment:
    """₹500.00, paid at the simulator."""
    link = make.link()
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    return ask(Payment.objects.select_related("account").get(link=link))


@pytest.fixture
def held(paid: Payment, alice: User, bob: User) -> Refund:
    """Bob wants ₹200.00 back, twice what one person may decide."""
    two_above(alice)
    return ask_refund(paid, 200_00, "Goods returned", bob, "bobs-form")


def theirs(paytm: Simulator, payment: Payment) -> list[dict[str, Any]]:
    """The refunds of this payment that Paytm knows of."""
    orders = paytm.books(payment.account.mid)["orders"]
    return [
        r for order in orders if order["order_id"] == payment.order_id for r in order["refunds"]
    ]


def walk(clock: Callable[[float], None], *moments: float) -> None:
    for ahead in moments:
        clock(ahead)
        run_due()


def test_it_is_reserved_at_once_and_nothing_is_sent(
    paid: Payment, held: Refund, paytm: Simulator, clock: Any, alice: User
) -> None:
    assert (held.state, held.held_above_paise, held.next_ask_at) == ("held", LIMIT, None)
    paid.refresh_from_db()
    assert (paid.reserved_paise, paid.refundable_paise) == (200_00, 300_00)
    push_refund(refund_id=str(held.pk))  # somebody's stray job
    ask_refund_soon(held)
    try_now(held)
    walk(clock, 0, 3600, 90_000)
    held.refresh_from_db()
    assert held.state == "held"
    assert theirs(paytm, paid) == []
    with pytest.raises(NotRefundable, match="under_way"):
        ask_refund(paid, 50_00, "", alice, "alices-form")
    assert [*proving.breaches()] == []


def test_a_second_person_lets_it_go_once(
    paid: Payment, held: Refund, paytm: Simulator, clock: Any, alice: User
) -> None:
    assert approve(held, alice).state == "requested"
    assert approve(held, alice).state == "requested"
    walk(clock, 0, 16, 61, 301)
    held.refresh_from_db()
    assert (held.state, held.judged_by_name) == ("done", "Alice")
    assert approve(held, alice).state == "done"
    assert [each["ref_id"] for each in theirs(paytm, paid)] == [held.ref_id]
    paid.refresh_from_db()
    assert (paid.refunded_paise, paid.reserved_paise) == (200_00, 0)
    kinds = [*paid.timeline.filter(refund=held).values_list("kind", flat=True)]
    assert kinds[:2] == ["refund_held", "refund_approved"]
    acts = AuditEvent.objects.filter(subject__startswith=held.ref_id).order_by("id")
    assert [(act.by_name, act.act) for act in acts] == [
        ("Bob", "refund.held"), ("Alice", "refund.approved"),
    ]  # fmt: skip


def test_nobody_approves_their_own_not_even_the_owner(
    paid: Payment, alice: User, bob: User
) -> None:
    two_above(alice)
    cast_second_admin()
    own = ask_refund(paid, 200_00, "", alice, "alices-form")
    for act in (approve, lambda refund, by: reject(refund, by, "No")):
        with pytest.raises(NotTheirs):
            act(own, alice)
        with pytest.raises(NoRight):  # finance
            act(own, bob)
    own.refresh_from_db()
    assert own.state == "held"
    assert approve(own, User.objects.get(name="Dana")).state == "requested"


def cast_second_admin() -> User:
    dana = cast.person("Dana")
    Membership.objects.create(tenant=connection.tenant, user=dana, role=Role.ADMIN)
    return dana


def test_the_database_itself_wants_a_second_person(held: Refund) -> None:
    """Whoever writes to it, by whatever way."""
    for state in ("sent", "done", "accepted", "failed"):
        with pytest.raises(DatabaseError), transaction.atomic():
            Refund.objects.filter(pk=held.pk).update(state=state, judged_by_id=held.pk)
    for judge in (None, held.asked_by_id):
        with pytest.raises(IntegrityError), transaction.atomic():
            Refund.objects.filter(pk=held.pk).update(state="requested", judged_by_id=judge)
    with pytest.raises(DatabaseError), transaction.atomic():
        Refund.objects.filter(pk=held.pk).update(held_above_paise=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        Refund.objects.filter(pk=held.pk).update(reason="Another")


def test_a_rejected_one_frees_its_money_and_its_maker_is_told(
    paid: Payment, held: Refund, paytm: Simulator, alice: User, bob: User
) -> None:
    run_due()
    mail.outbox.clear()
    rejected = reject(held, alice, "Ask for the goods first")
    assert (rejected.state, rejected.judgement) == ("rejected", "Ask for the goods first")
    assert approve(held, alice).state == "rejected"
    assert withdraw(held, bob).state == "rejected"
    paid.refresh_from_db()
    assert (paid.reserved_paise, paid.refundable_paise) == (0, 500_00)
    run_due()
    assert theirs(paytm, paid) == []
    [told] = [m for m in mail.outbox if "Refund rejected" in m.subject]
    assert told.to == ["bob@example.com"]
    assert "Ask for the goods first" in told.body
    assert [*proving.breaches()] == []


def test_its_maker_withdraws_it_and_nobody_else(
    paid: Payment, held: Refund, alice: User, bob: User
) -> None:
    with pytest.raises(NotTheirs):
        withdraw(held, alice)
    assert withdraw(held, bob).state == "withdrawn"
    paid.refresh_from_db()
    assert paid.refundable_paise == 500_00
    assert approve(held, alice).state == "withdrawn"
    again = ask_refund(paid, 500_00, "", bob, "another-form")
    assert again.state == "held"


def test_those_who_may_approve_are_told_by_mail(held: Refund, alice: User) -> None:
    dana = cast_second_admin()
    run_due()
    told = [m for m in mail.outbox if "Please decide: refund of ₹200.00" in m.subject]
    assert {to for m in told for to in m.to} == {alice.email, dana.email}
    for words in (told[0].body, told[0].alternatives[0][0]):
        assert "Bob asked for it" in words
        assert "Goods returned" in words
        assert f"/m/acme/test/refunds/{held.pk}" in words


def test_at_the_limit_one_person_is_enough_and_parts_count_together(
    paid: Payment, clock: Any, alice: User, bob: User
) -> None:
    two_above(alice)
    assert ask_refund(paid, LIMIT, "", bob, "first-form").state == "requested"
    walk(clock, 0, 16, 61, 301)
    assert ask_refund(paid, 1_00, "", bob, "second-form").state == "held"


def test_without_anybody_to_ask_it_is_refused(paid: Payment, alice: User) -> None:
    """Bob is finance: he may not approve. Nothing is written."""
    two_above(alice)
    with pytest.raises(NobodyToAsk):
        ask_refund(paid, 200_00, "", alice, "alices-form")
    paid.refresh_from_db()
    assert (paid.refunds.count(), paid.reserved_paise) == (0, 0)


def test_what_holds_for_a_refund_is_what_held_when_it_was_asked_for(
    paid: Payment, held: Refund, alice: User, bob: User
) -> None:
    two_above(alice, None)
    held.refresh_from_db()
    assert held.state == "held"
    assert withdraw(held, bob).state == "withdrawn"
    assert ask_refund(paid, 200_00, "", bob, "another-form").state == "requested"


def test_who_was_taken_off_the_team_or_made_finance_approves_nothing_more(
    held: Refund, alice: User
) -> None:
    dana = cast_second_admin()
    place = Membership.objects.get(user=dana)
    Membership.objects.filter(pk=place.pk).update(role=Role.FINANCE)
    with pytest.raises(NoRight):
        approve(held, dana)
    place.delete()
    with pytest.raises(NoRight):
        approve(held, dana)
    held.refresh_from_db()
    assert held.state == "held"


def test_an_approver_is_held_to_their_own_ceiling(paid: Payment, held: Refund, alice: User) -> None:
    two_above(alice, admin=Ceiling(act_paise=150_00))
    with pytest.raises(AboveCeiling):
        approve(held, cast_second_admin())
    assert approve(held, alice).state == "requested"


def test_a_retry_for_balance_is_not_held_again(
    paid: Payment, held: Refund, paytm: Simulator, clock: Any, alice: User
) -> None:
    paytm.plant("refund", "no_balance")
    approve(held, alice)
    run_due()
    retry = Refund.objects.get(retry_of=held)
    assert (retry.state, retry.judged_by_name, retry.reason) == (
        "requested", "Alice", "Goods returned",
    )  # fmt: skip
    walk(clock, 3601, 3620, 3700, 4000)
    retry.refresh_from_db()
    assert retry.state == "done"


def test_a_links_rule_is_nobodys_act(in_acme: Tenant, paytm: Simulator, alice: User) -> None:
    two_above(alice, 0, finance=Ceiling(0, 0), owner=Ceiling(0, 0))
    order = make.payment(make.link(surplus_policy="send_back"))
    settle(order, answer(order, amount_paise=600_00))
    run_due()
    assert order.refunds.exclude(state="held").count() == 1


def test_one_made_at_paytm_withdraws_ours_that_waits(paid: Payment, held: Refund) -> None:
    settle(paid, answer(paid, refunded_paise=400_00))
    held.refresh_from_db()
    assert (held.state, held.result_code) == ("withdrawn", "overtaken")
    paid.refresh_from_db()
    assert (paid.refunded_paise, paid.reserved_paise) == (400_00, 0)
    run_due()
    assert [*proving.breaches()] == []


def test_the_payer_hears_nothing_of_what_is_not_decided(
    paid: Payment, held: Refund, client: Client, alice: User
) -> None:
    page = f"/p/return/{paid.token}"
    assert "₹200.00" not in client.get(page).content.decode()
    approve(held, alice)
    assert "₹200.00" in client.get(page).content.decode()


def test_surplus_waits_for_the_verdict(in_acme: Tenant, paytm: Any, alice: User, bob: User) -> None:
    two_above(alice)
    order = make.payment(make.link())
    settle(order, answer(order, amount_paise=600_00))
    refund = ask_refund(order, 600_00, "", bob, "bobs-form")
    assert not undecided(live=False).exists()
    reject(refund, alice, "We keep it")
    assert undecided(live=False).get() == order
    keep(order, alice)


# --- Ceilings of roles


def test_more_than_a_role_may_at_once_is_refused_before_anything_is_written(
    paid: Payment, alice: User, bob: User
) -> None:
    two_above(alice, None, finance=Ceiling(act_paise=50_00))
    with pytest.raises(AboveCeiling) as told:
        ask_refund(paid, 50_01, "", bob, "bobs-form")
    assert (told.value.kind, told.value.left_paise) == ("at_once", 50_00)
    paid.refresh_from_db()
    assert (paid.refunds.count(), paid.reserved_paise) == (0, 0)
    assert not paid.timeline.filter(by_name="Bob").exists()
    assert ask_refund(paid, 50_00, "", bob, "bobs-form").state == "requested"
    assert ask_refund(paid, 50_00, "", bob, "bobs-form").state == "requested", "the same form"


def test_a_day_counts_each_person_and_begins_at_midnight(
    paid: Payment, clock: Any, alice: User, bob: User
) -> None:
    two_above(alice, None, finance=Ceiling(day_paise=150_00))
    ask_refund(paid, 100_00, "", bob, "first-form")
    walk(clock, 0, 16, 61, 301)
    with pytest.raises(AboveCeiling) as told:
        ask_refund(paid, 50_01, "", bob, "second-form")
    assert (told.value.kind, told.value.left_paise) == ("a_day", 50_00)
    clock(86_400)
    assert ask_refund(paid, 150_00, "", bob, "third-form").state == "requested"


def test_what_came_to_nothing_does_not_count_and_what_is_tried_again_does(
    paid: Payment, paytm: Simulator, clock: Any, alice: User, bob: User
) -> None:
    two_above(alice, 50_00, finance=Ceiling(day_paise=200_00))
    reject(ask_refund(paid, 200_00, "", bob, "first-form"), alice, "No")
    paytm.plant("refund", "no_balance")
    approve(ask_refund(paid, 200_00, "", bob, "second-form"), alice)
    run_due()
    other = make.payment(make.link())
    settle(other, answer(other))
    with pytest.raises(AboveCeiling):
        ask_refund(other, 1_00, "", bob, "third-form")


def test_who_has_no_right_any_more_asks_for_nothing(paid: Payment, bob: User) -> None:
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    with pytest.raises(NoRight):
        ask_refund(paid, 1_00, "", bob, "bobs-form")


# --- Everything at the same moment


def a_held_one(alice: User, bob: User) -> Refund:
    order = make.payment(make.link())
    settle(order, answer(order))
    return ask_refund(order, 200_00, "", bob, "bobs-form")


def word_of(act: Callable[[], Refund]) -> str:
    try:
        return str(act().state)
    except (NoRight, NotTheirs) as refusal:
        return type(refusal).__name__


@pytest.mark.proof
def test_of_all_who_decide_at_once_one_is_heard(open_acme: Tenant) -> None:
    """Two approve, two reject, the maker withdraws, an approver is taken off the team, the limit
    goes up: one outcome holds, its money moves once, and its story says so once."""
    alice, bob = (User.objects.get(name=name) for name in ("Alice", "Bob"))
    two_above(alice)
    outcomes: Counter[str] = Counter()
    for n in range(size(8, 300)):
        dana = cast.person(f"Dana{n}")
        place = Membership.objects.create(tenant=open_acme, user=dana, role=Role.ADMIN)
        owner = Membership.objects.get(tenant=open_acme, user=alice)
        held = a_held_one(alice, bob)
        acts: list[Callable[[], object]] = [
            lambda h=held: word_of(lambda: approve(h, alice)),
            lambda h=held, d=dana: word_of(lambda: approve(h, d)),
            lambda h=held: word_of(lambda: reject(h, alice, "No")),
            lambda h=held, d=dana: word_of(lambda: reject(h, d, "No")),
            lambda h=held: word_of(lambda: withdraw(h, bob)),
            lambda p=place, o=owner: team.remove(o, p),
            lambda n=n: two_above(alice, LIMIT + n % 2),
        ]
        told = at_once(open_acme, random.sample(acts, len(acts)))
        held.refresh_from_db()
        payment = Payment.objects.get(pk=held.payment_id)
        outcomes[held.state] += 1
        words = {word for word in told if isinstance(word, str)} - {"NoRight"}
        assert words == {held.state}, "everybody is told what holds"
        assert payment.reserved_paise == (200_00 if held.state == "requested" else 0)
        ends = payment.timeline.filter(kind__in=ENDS).count()
        pushes = Job.objects.filter(args__refund_id=str(held.pk), kind__endswith="push_refund")
        assert (ends, pushes.count()) == (1, int(held.state == "requested"))
        dana.delete()
    assert [*proving.breaches()] == []
    assert sum(outcomes.values()) == size(8, 300)
    print(dict(outcomes))


ENDS = ("refund_approved", "refund_rejected", "refund_withdrawn")


@pytest.mark.proof
def test_the_money_goes_once_however_often_it_is_approved(
    open_acme: Tenant, simulator: Simulator
) -> None:
    """Approved six times at once, and carried by workers meanwhile."""
    alice, bob = (User.objects.get(name=name) for name in ("Alice", "Bob"))
    two_above(alice)
    for _ in range(size(2, 50)):
        payment = pay_at(simulator)
        held = ask_refund(payment, 200_00, "", bob, "bobs-form")
        push = partial(push_refund, refund_id=str(held.pk))
        at_once(open_acme, [lambda h=held: approve(h, alice)] * 6 + [push] * 3)
        at_once(open_acme, [push] * 4)
        assert [each["ref_id"] for each in theirs(simulator, payment)] == [held.ref_id]


def pay_at(simulator: Simulator) -> Payment:
    link = make.link()
    simulator.decide(go_to_paytm(browser(), f"/p/{link.token}"), "success")
    return ask(Payment.objects.select_related("account").get(link=link))


@pytest.mark.proof
def test_a_days_ceiling_holds_for_refunds_at_once(open_acme: Tenant) -> None:
    """On payments of their own, so that no payment's lock stands between them."""
    alice, bob = (User.objects.get(name=name) for name in ("Alice", "Bob"))
    for _ in range(size(3, 100)):
        before = given_back_today(False, bob)
        two_above(alice, None, finance=Ceiling(day_paise=before + 250_00))
        orders = [make.payment(make.link()) for _ in range(6)]
        for order in orders:
            settle(order, answer(order))

        def give_back(order: Payment) -> bool:
            with suppress(AboveCeiling):
                return bool(ask_refund(order, 100_00, "", bob, "bobs-form"))
            return False

        told = at_once(open_acme, [lambda o=o: give_back(o) for o in orders])
        assert told.count(True) == 2


# --- Any sequence


class Decisions(RuleBasedStateMachine):
    """One payment of ₹500.00 at the simulator, and two people who ask, decide and wait."""

    paytm: Simulator
    clock: Any

    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()
        self.alice, self.bob = (User.objects.get(name=name) for name in ("Alice", "Bob"))
        two_above(self.alice)
        self.paytm.forget_scenarios()
        self.paid = pay_at(self.paytm)
        self.approved: set[str] = set()
        self.ahead, self.keys = 0.0, 0

    @property
    def held(self) -> Refund | None:
        return self.paid.refunds.filter(state="held").first()

    @rule(paise=st.sampled_from([1_00, 99_00, 100_00, 101_00, 250_00, 500_00]))
    def bob_asks(self, paise: int) -> None:
        self.keys += 1
        with suppress(NotRefundable, TooMuch):
            refund = ask_refund(self.paid, paise, "", self.bob, f"a-form-{self.keys}")
            if refund.state != "held":
                self.approved.add(refund.ref_id)

    @precondition(lambda self: self.held)
    @rule()
    def alice_approves(self) -> None:
        assert self.held
        self.approved.add(approve(self.held, self.alice).ref_id)

    @precondition(lambda self: self.held)
    @rule()
    def alice_rejects(self) -> None:
        assert self.held
        reject(self.held, self.alice, "No")

    @precondition(lambda self: self.held)
    @rule()
    def bob_withdraws(self) -> None:
        assert self.held
        withdraw(self.held, self.bob)

    @rule(scenario=st.sampled_from(["no_balance", "accepted_then_failed", "error_after"]))
    def paytm_will(self, scenario: str) -> None:
        self.paytm.plant("refund", scenario)

    @rule(seconds=st.sampled_from([1, 20, 400, 4000]))
    def time_goes_by(self, seconds: float) -> None:
        self.ahead += seconds
        self.clock(self.ahead)
        for refund in self.paid.refunds.all():
            ask_refund_soon(refund)
        run_due()

    @invariant()
    def no_more_goes_back_than_came(self) -> None:
        self.paid.refresh_from_db()
        known = theirs(self.paytm, self.paid)
        gone = sum(r["amount_paise"] for r in known if r["state"] != "TXN_FAILURE")
        assert gone <= 500_00
        assert self.paid.reserved_paise + self.paid.refunded_paise <= 500_00
        assert [*proving.breaches()] == []

    @invariant()
    def what_is_held_never_reached_paytm(self) -> None:
        known = {each["ref_id"] for each in theirs(self.paytm, self.paid)}
        for ref_id in known:
            assert first_of(self.paid.refunds.get(ref_id=ref_id)).ref_id in self.approved
        inside = self.paid.refunds.filter(state__in=["held", "rejected", "withdrawn"])
        assert not known & set(inside.values_list("ref_id", flat=True))

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.rolled_back.__exit__(None, None, None)


def first_of(refund: Refund) -> Refund:
    """What a retry stands for."""
    return first_of(refund.retry_of) if refund.retry_of else refund


@pytest.mark.proof
def test_any_sequence_gives_back_no_more_than_came_and_sends_nothing_unapproved(
    in_acme: Tenant, paytm: Simulator, clock: Any
) -> None:
    Decisions.paytm, Decisions.clock = paytm, staticmethod(clock)
    run_state_machine_as_test(
        Decisions,
        settings=settings(
            max_examples=size(6, 300),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[*HealthCheck],
            derandomize=size(1, 0) == 1,
            database=None,
            phases=[Phase.generate] if size(1, 0) else [*Phase],
        ),
    )
