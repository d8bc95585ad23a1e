"""By which day the payer should have it: Paytm's own days, counted as Indian banks count."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.crediting import after_working_days, days_of, expected_on, is_working_day, named_day
from payments.methods import Method
from payments.models import Payment, Refund

THURSDAY = datetime(2026, 11, 26, 9, tzinfo=UTC)
METHODS = {"wallet": 1, "upi": 5, "net_banking": 7, "credit_card": 14, "debit_card": 14}


def refund(method: str = "upi", **facts: object) -> Refund:
    defaults = {"state": "done", "decided_at": THURSDAY, "created_at": THURSDAY, "origin": "person"}
    return Refund(payment=Payment(method=method), **(defaults | facts))


@pytest.mark.parametrize(("method", "days"), METHODS.items())
def test_each_way_of_paying_takes_the_days_that_paytm_publishes(method: str, days: int) -> None:
    assert days_of(method) == days


def test_what_is_not_known_takes_the_longest() -> None:
    assert {days_of(method) for method in ("", "emi", "other")} == {14}


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        ("2026-11-28", False),  # fourth Saturday
        ("2026-12-05", True),  # first Saturday
        ("2026-12-12", False),  # second Saturday
        ("2026-08-29", True),  # fifth Saturday
        ("2026-11-29", False),  # Sunday
        ("2026-11-30", True),
        ("2026-01-26", False),  # Republic Day, a Monday
        ("2026-04-01", False),  # closing of accounts, a Wednesday
        ("2026-08-15", False),  # Independence Day, a third Saturday
        ("2026-10-02", False),  # Gandhi Jayanti, a Friday
        ("2027-01-26", False),  # a Tuesday
        ("2027-04-01", False),  # a Thursday
        ("2027-08-15", False),
        ("2027-10-02", False),  # a first Saturday
        ("2026-03-31", True),
        ("2027-04-02", True),
    ],
)
def test_banks_close_on_some_days_all_over_india(day: str, open_: bool) -> None:
    assert is_working_day(date.fromisoformat(day)) is open_


def test_days_are_counted_from_the_day_in_india() -> None:
    """Friday; the fourth Saturday and Sunday are closed; Monday to Thursday."""
    assert expected_on(refund("upi")) == date(2026, 12, 3)
    late = datetime(2026, 11, 26, 20, tzinfo=UTC)  # Friday there by now
    assert expected_on(refund("wallet", decided_at=late)) == date(2026, 11, 30)


def test_the_day_that_paytm_names_counts() -> None:
    assert expected_on(refund(credit_on=date(2026, 11, 27))) == date(2026, 11, 27)


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "held"},
        {"state": "failed"},
        {"state": "rejected"},
        {"state": "withdrawn"},
        {"origin": "paytm"},
        {"state": "requested", "retry_of": Refund()},
    ],
)
def test_what_was_not_sent_by_us_is_not_promised(facts: dict[str, object]) -> None:
    assert expected_on(refund(**facts)) is None


def test_under_way_it_counts_from_the_approval_or_the_sending() -> None:
    day = timedelta(days=4)
    sent = refund("wallet", state="accepted", decided_at=None, first_sent_at=THURSDAY + day)
    assert expected_on(sent) == date(2026, 12, 1)
    approved = refund("wallet", state="requested", decided_at=None, judged_at=THURSDAY + day)
    assert expected_on(approved) == date(2026, 12, 1)


@given(st.integers(0, 20 * 365 * 24), st.sampled_from([*Method]))
def test_it_is_always_a_working_day_soon_after(hours: int, method: str) -> None:
    moment = THURSDAY + timedelta(hours=hours)
    day = after_working_days(moment, days_of(method))
    assert is_working_day(day)
    assert 1 <= (day - moment.date()).days <= 24


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-30", date(2026, 11, 30)),
        ("2026-11-30 00:00:00.0", date(2026, 11, 30)),
        (None, None),
        ("", None),
        ("30-11-2026", None),
        ("soon", None),
    ],
)
def test_a_day_that_cannot_be_read_is_none(text: str | None, day: date | None) -> None:
    assert named_day(text) == day
