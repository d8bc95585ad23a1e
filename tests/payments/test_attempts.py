"""How attempts end: counted once, whenever they are folded, and always as the rows have it."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from config.clock import now
from payments import attempts, proving
from payments.folding import fold
from payments.models import AttemptFigure, Payment
from payments.paytm import Outcome
from payments.settling import settle
from tenants.current import today
from tenants.models import Tenant
from tests import make
from tests.crowd import at_once
from tests.payments.test_settling import answer
from tests.proof import size

ALWAYS = (date(2000, 1, 1), date(2100, 1, 1))


def failed(**fields: Any) -> Payment:
    order = make.payment(make.link(), **fields)
    return settle(order, answer(order, Outcome.FAILURE, code="227"))


def paid(**fields: Any) -> Payment:
    order = make.payment(make.link(), **fields)
    return settle(order, answer(order))


def of_today() -> attempts.Outcomes:
    return attempts.total(False, today(), today())


@pytest.mark.usefixtures("in_acme", "paytm")
class TestCounting:
    def test_success_is_of_those_who_tried(self) -> None:
        for _ in range(7):
            paid()
        failed()
        make.payment(make.link())
        assert (of_today().arrived, of_today().failed, of_today().undecided) == (7, 1, 1)
        assert of_today().success_permille == 875
        assert of_today().failed_paise == 500_00
        assert attempts.Outcomes(abandoned=3).success_permille is None

    def test_folding_changes_no_figure(self) -> None:
        paid(), failed(), make.payment(make.link())
        before = attempts.by_method(False, *ALWAYS), attempts.by_day(False, *ALWAYS)
        for _ in range(2):
            fold()
            assert (attempts.by_method(False, *ALWAYS), attempts.by_day(False, *ALWAYS)) == before
        assert AttemptFigure.objects.count() == 2, "the one at Paytm is not decided"

    def test_a_late_success_leaves_the_failures(self) -> None:
        order = failed()
        fold()
        assert [failure.result_code for failure in attempts.failures(False, *ALWAYS)] == ["227"]
        settle(order, answer(order))
        for _ in range(2):
            assert attempts.failures(False, *ALWAYS) == []
            assert (of_today().arrived, of_today().failed) == (1, 0)
            fold()
        assert [*proving.breaches()] == []

    def test_what_stays_undecided_is_counted_after_a_day(self, clock: Any) -> None:
        make.payment(make.link())
        fold()
        assert not AttemptFigure.objects.exists()
        clock(25 * 3600)
        fold()
        assert AttemptFigure.objects.get().state == "open"

    def test_an_attempt_stays_on_its_day_whatever_the_zone_becomes(self, acme: Tenant) -> None:
        order = failed(created_at=datetime(2026, 3, 31, 19, 0, tzinfo=UTC))  # 1 April in India
        fold()
        acme.time_zone = "America/New_York"
        acme.save()
        settle(order, answer(order))
        for _ in range(2):
            assert [*attempts.by_day(False, *ALWAYS)] == [date(2026, 4, 1)]
            fold()

    def test_settling_asks_for_nothing_more(self) -> None:
        """The count is none of the money's commit: neither read nor written there."""
        order = make.payment(make.link())
        with CaptureQueriesContext(transaction.get_connection()) as queries:
            settle(order, answer(order))
        assert not [q for q in queries if "counted_" in q["sql"] or "attemptfigure" in q["sql"]]

    def test_live_and_test_are_counted_apart(self) -> None:
        failed()
        fold()
        assert attempts.total(True, *ALWAYS) == attempts.Outcomes()

    def test_the_index_is_what_finds_them(self) -> None:
        """The condition is word for word the index's own, or every fold would read every row."""
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN SELECT id FROM payments_payment WHERE {attempts.UNCOUNTED}")
            assert "payment_uncounted" in str(cursor.fetchall())


CODES = st.sampled_from(["", "227", "a/b", "/", "x" * 64])
SAID = st.tuples(
    st.sampled_from([Outcome.SUCCESS, Outcome.FAILURE, Outcome.PENDING, Outcome.NO_RECORD]),
    CODES,
    st.sampled_from(["UPI", "CC", None]),
)
# Minutes around midnight and the end of a financial year in three zones.
BORDERS = [
    datetime(2026, 3, 31, 18, 30, tzinfo=UTC),
    datetime(2026, 4, 1, 4, 0, tzinfo=UTC),
    datetime(2026, 3, 31, 10, 0, tzinfo=UTC),
]
BEGAN = st.builds(
    lambda border, seconds: border + timedelta(seconds=seconds),
    st.sampled_from(BORDERS),
    st.sampled_from([-90_000, -61, -1, 0, 1, 90_000]),
)
ZONES = st.sampled_from(["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"])


@pytest.mark.proof
def test_figures_are_always_those_of_the_rows(in_acme: Tenant, paytm: Any) -> None:
    @settings(
        max_examples=size(15, 600),
        deadline=None,
        derandomize=size(1, 0) == 1,
        database=None,
        phases=[Phase.generate] if size(1, 0) else [*Phase],
        suppress_health_check=[*HealthCheck],
    )
    @given(
        zone=ZONES,
        orders=st.lists(st.tuples(BEGAN, st.lists(SAID, max_size=3), st.booleans()), max_size=8),
    )
    def held(zone: str, orders: list[Any]) -> None:
        with transaction.atomic():
            in_acme.time_zone = zone
            live_through(orders)
            for _ in range(2):
                agree(ZoneInfo(zone))
                fold()
            transaction.set_rollback(True)

    held()


def live_through(orders: list[Any]) -> None:
    link = make.link()
    for began, answers, folded in orders:
        order = make.payment(link, created_at=began)
        for outcome, code, mode in answers:
            settle(order, answer(order, outcome, code=code, payment_mode=mode))
            if folded:
                fold()


def agree(zone: ZoneInfo) -> None:
    rows = list(Payment.objects.all())
    days = Counter((row.created_at.astimezone(zone).date(), row.state == "failed") for row in rows)
    counted = attempts.by_day(False, *ALWAYS)
    assert sum(each.failed for each in counted.values()) == days.total() - sum(
        n for (_, is_failed), n in days.items() if not is_failed
    )
    for day, outcomes in counted.items():
        every = outcomes.arrived + outcomes.failed + outcomes.abandoned + outcomes.undecided
        assert every == days[day, False] + days[day, True]
        assert outcomes.failed == days[day, True]
        assert attempts.by_day(False, day, day) == {day: outcomes}
    assert {day for day, _ in days} == {*counted}
    codes = Counter(row.result_code for row in rows if row.state == "failed")
    found = {each.result_code: each.count for each in attempts.failures(False, *ALWAYS)}
    assert found == dict(codes)
    assert [*proving.breaches()] == []


@pytest.mark.proof
def test_many_folds_while_payments_settle_count_each_once(open_acme: Tenant) -> None:
    link = make.link()
    for _ in range(size(3, 60)):
        orders = [make.payment(link) for _ in range(20)]
        acts: list[Any] = [fold] * 4
        for order in orders:
            acts.append(lambda o=order: settle(o, answer(o, Outcome.FAILURE, code="227")))
            acts.append(lambda o=order: settle(o, answer(o)))
        at_once(open_acme, acts)
        assert [*proving.breaches()] == []
        began = now() - timedelta(days=1)
        total = attempts.total(False, began.date(), today())
        assert total.arrived == Payment.objects.filter(state="paid").count()
        assert total.failed == Payment.objects.filter(state="failed").count()
    fold()
    assert [*proving.breaches()] == []
