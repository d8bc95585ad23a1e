"""Settling, refunding and reconciling in any order end as a model of a hundred lines says (M4)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from merchants.refund_rules import Rules, change_rules
from payments import approving, proving, refunding, surplus
from payments.folding import fold
from payments.models import Payment, Refund
from payments.paytm import Outcome, RefundAnswer, RefundOutcome, RefundStatus
from payments.settling import settle
from tenants.models import User
from tests import make
from tests.payments.model import ModelLink, ModelOrder, ModelRefund, sales
from tests.payments.test_settling import answer
from tests.proof import size

pytestmark = pytest.mark.proof

STEPS = 50
CLAIMS = {
    "success": Outcome.SUCCESS,
    "failure": Outcome.FAILURE,
    "pending": Outcome.PENDING,
    "unknown": Outcome.UNKNOWN,
}
VERDICTS: dict[str, Callable[[Refund, "Books"], Refund]] = {
    "requested": lambda refund, books: approving.approve(refund, books.alice),
    "rejected": lambda refund, books: approving.reject(refund, books.alice, "No"),
    "withdrawn": lambda refund, books: approving.withdraw(refund, books.bob),
}
AMOUNTS = st.sampled_from([1, 50, 1_00, 1_01, 250_00, 499_50, 500_00, 501_00])

steps_taken = 0


class Books(RuleBasedStateMachine):
    """One link, its attempts, and everything that may be said of them."""

    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()
        self.alice: User = User.objects.get(name="Alice")
        self.bob: User = User.objects.get(name="Bob")
        self.limit: int | None = None
        self.pairs: list[tuple[Payment, ModelOrder]] = []
        self.said = 0

    @initialize(places=st.sampled_from([None, 1, 2]))
    def a_link(self, places: int | None) -> None:
        self.link, self.model = make.link(max_payments=places), ModelLink(places)

    @rule(target=orders)
    def begin(self) -> int:
        self.pairs.append((make.payment(self.link), ModelOrder(500_00)))
        self.model.orders.append(self.pairs[-1][1])
        return len(self.pairs) - 1

    @rule(n=orders, claim=st.sampled_from([*CLAIMS]), paise=AMOUNTS, back=AMOUNTS | st.just(0))
    def paytm_says(self, n: int, claim: str, paise: int, back: int) -> None:
        paid = self.pairs[n][1].received  # Paytm does not change what was paid
        self.tell(n, claim, paid or paise, back)

    @rule(n=orders)
    def it_is_paid(self, n: int) -> None:
        self.tell(n, "success", self.pairs[n][1].received or 500_00, 0)

    def tell(self, n: int, claim: str, paise: int, given_back: int) -> None:
        payment, order = self.pairs[n]
        code = {"failure": "227"}.get(claim, "01")
        said = answer(payment, CLAIMS[claim], code=code, amount_paise=paise,
                      refunded_paise=given_back, raw=self.new_text())  # fmt: skip
        settle(payment, said)
        order.hears(claim, paise, given_back, self.model.place_left())

    @rule(limit=st.sampled_from([None, 0, 1_00, 250_00]))
    def the_limit_changes(self, limit: int | None) -> None:
        change_rules(Rules(approve_above_paise=limit), self.alice)
        self.limit = limit

    @rule(n=orders, paise=AMOUNTS)
    def ask_refund(self, n: int, paise: int) -> None:
        payment, order = self.pairs[n]
        try:
            refunding.ask_refund(payment, paise, "", self.bob, self.new_text())
        except (refunding.NotRefundable, refunding.TooMuch):
            assert not order.may_refund(paise)
        else:
            assert order.may_refund(paise)
            waits = order.needs_another(paise, self.limit)
            state = "held" if waits else "requested"
            order.refunds.append(ModelRefund(paise, state, is_alone=not waits))

    @rule(n=orders, verdict=st.sampled_from([*VERDICTS]))
    def somebody_decides(self, n: int, verdict: str) -> None:
        payment, order = self.pairs[n]
        refund = Refund.objects.filter(payment=payment, state="held").first()
        theirs = order.under_way
        assert (refund is not None) is (theirs is not None and theirs.state == "held")
        if refund and theirs:
            VERDICTS[verdict](refund, self)
            theirs.state = verdict

    @rule(n=orders, what=st.sampled_from(["accepted", "done", "failed", "no balance", "unknown"]))
    def paytm_says_of_a_refund(self, n: int, what: str) -> None:
        payment, order = self.pairs[n]
        refund = Refund.objects.filter(payment=payment, state__in=["requested", "sent", "accepted"])
        ours, theirs = refund.select_related("payment").first(), order.under_way
        if theirs and theirs.state == "held":
            self.paytm_knows_nothing_of_a_held_one(payment, what)
            return
        assert (ours is None) is (theirs is None)
        if ours is None or theirs is None:
            return
        refunding._mark_sent(ours)
        theirs.state = "sent" if theirs.state == "requested" else theirs.state
        ours.refresh_from_db()
        refunding.settle_refund(ours, self.refund_answer(ours, what))
        if what in ("accepted", "done", "failed"):
            theirs.state = what
        elif what == "no balance" and theirs.state == "sent":
            self.refused_for_balance(ours, theirs, order)

    def paytm_knows_nothing_of_a_held_one(self, payment: Payment, what: str) -> None:
        held = Refund.objects.select_related("payment").get(payment=payment, state="held")
        assert not refunding._mark_sent(held)
        assert refunding.settle_refund(held, self.refund_answer(held, what)).state == "held"

    def refused_for_balance(self, ours: Refund, theirs: ModelRefund, order: ModelOrder) -> None:
        theirs.state = "failed"
        if Refund.objects.filter(retry_of=ours).exists():  # until a week has passed
            retry = ModelRefund(theirs.paise, is_retry=True, is_alone=theirs.is_alone)
            order.refunds.append(retry)

    def refund_answer(self, refund: Refund, what: str) -> RefundAnswer | RefundStatus:
        outcomes = {"accepted": RefundOutcome.ACCEPTED, "done": RefundOutcome.DONE,
                    "failed": RefundOutcome.FAILED, "no balance": RefundOutcome.REFUSED,
                    "unknown": RefundOutcome.UNKNOWN}  # fmt: skip
        kind = RefundAnswer if what == "no balance" else RefundStatus
        return kind(
            outcome=outcomes[what], code="620" if what == "no balance" else "10", message="",
            refund_id="r", ref_id=refund.ref_id, order_id=refund.payment.order_id, txn_id=None,
            amount_paise=refund.amount_paise, total_refunded_paise=None, rrn=None, arn=None,
            credit_expected=None, raw=self.new_text(), signed=True,
        )  # fmt: skip

    @rule(n=orders)
    def keep(self, n: int) -> None:
        payment, order = self.pairs[n]
        may, left = order.may_keep(), order.left
        try:
            surplus.keep(payment, self.alice)
        except (surplus.NothingToKeep, surplus.RefundUnderWay):
            assert not may
        else:
            assert may or order.kept is not None
            order.kept = left if may else order.kept

    @rule()
    def fold_now(self) -> None:
        fold()

    def new_text(self) -> str:
        self.said += 1
        return f"message-{self.said}"

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        global steps_taken
        steps_taken += 1
        for payment, order in self.pairs:
            payment.refresh_from_db()
            ours = (payment.state, payment.received_paise, payment.refunded_paise,
                    payment.reserved_paise)  # fmt: skip
            theirs = (order.state, order.received, order.sum_of("done"),
                      order.sum_of("held", "requested", "sent", "accepted"))  # fmt: skip
            assert ours == theirs

    @invariant()
    def the_books_add_up(self) -> None:
        if not self.pairs:
            return
        assert [*proving.breaches()] == []
        balances = proving.balances(live=False)
        assert sum(balances.values()) == 0
        owed = sum(order.received - order.sum_of("done") for _, order in self.pairs)
        assert balances.get("receivable", 0) == owed
        assert -balances.get("sales", 0) == sum(sales(order) for _, order in self.pairs)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.rolled_back.__exit__(None, None, None)


def test_the_product_does_what_the_model_does(in_acme: Any, paytm: Any, alice: User) -> None:
    examples = size(12, 2_700)
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[*HealthCheck],
            derandomize=size(1, 0) == 1,
            database=None,
            phases=[Phase.generate] if size(1, 0) else [*Phase],
        ),
    )
    print(f"{steps_taken} steps, no divergence")
