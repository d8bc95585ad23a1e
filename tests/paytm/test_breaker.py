"""A host that does not answer is left alone for a while, and taken up again by itself."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from payments.paytm import Breaker, Forged, Open, PaytmError, Refused, Unreachable
from payments.paytm.breaker import FAILURES, LONGEST_PAUSE, PAUSE
from payments.paytm.errors import NoAnswer


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def told() -> list[bool]:
    return []


@pytest.fixture
def breaker(time: Time, told: list[bool]) -> Breaker:
    return Breaker("https://paytm.example", lambda url, is_open: told.append(is_open), time)


def answers() -> None:
    """A call that Paytm answers."""


def fails(error: Exception = NoAnswer("silence")) -> Callable[[], None]:  # noqa: B008
    def call() -> None:
        raise error

    return call


def make(breaker: Breaker, call: Callable[[], None]) -> str:
    """Make a call through the breaker; how it ended."""
    try:
        with breaker.guard():
            call()
    except PaytmError as error:
        return type(error).__name__
    return "answered"


def open_it(breaker: Breaker) -> None:
    for _ in range(FAILURES):
        make(breaker, fails())


@pytest.mark.parametrize("error", [NoAnswer("silence"), Unreachable("no route")])
def test_several_failures_in_a_row_open_it(
    breaker: Breaker, told: list[bool], error: Exception
) -> None:
    for _ in range(FAILURES):
        assert make(breaker, fails(error)) == type(error).__name__
    assert make(breaker, answers) == "Open"
    with pytest.raises(Open) as refused:
        breaker.check()
    assert refused.value.seconds == PAUSE
    assert told == [True]


@pytest.mark.parametrize("call", [answers, fails(Forged("x")), fails(Refused("1", "no"))])
def test_any_answer_between_them_keeps_it_closed(
    breaker: Breaker, told: list[bool], call: Callable[[], None]
) -> None:
    for _ in range(3):
        for _ in range(FAILURES - 1):
            make(breaker, fails())
        make(breaker, call)
    assert not told


def test_after_its_pause_one_call_may_try_and_an_answer_closes_it(
    breaker: Breaker, time: Time, told: list[bool]
) -> None:
    open_it(breaker)
    time.now += PAUSE
    inner: list[str] = []
    assert make(breaker, lambda: inner.append(make(breaker, answers))) == "answered"
    assert inner == ["Open"]  # nobody else, while the one tries
    assert make(breaker, answers) == "answered"
    assert told == [True, False]


def test_another_failure_opens_it_for_longer_but_not_for_ever(breaker: Breaker, time: Time) -> None:
    open_it(breaker)
    pauses = []
    for _ in range(8):
        with pytest.raises(Open) as refused:
            breaker.check()
        pauses.append(refused.value.seconds)
        time.now += refused.value.seconds
        assert make(breaker, fails()) == "NoAnswer"
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_calls_under_way_when_it_opens_do_not_make_its_pause_longer(
    breaker: Breaker, told: list[bool]
) -> None:
    def burst(left: int) -> None:
        if left:
            make(breaker, lambda: burst(left - 1))
        raise NoAnswer("silence")

    make(breaker, lambda: burst(4 * FAILURES))
    with pytest.raises(Open) as refused:
        breaker.check()
    assert refused.value.seconds == PAUSE
    assert told == [True]


def test_one_that_tried_and_never_came_back_does_not_leave_it_open(
    breaker: Breaker, time: Time
) -> None:
    """The process was killed in the trial, say: the next one may try after another pause."""
    open_it(breaker)
    time.now += PAUSE
    breaker._enter()
    time.now += PAUSE
    assert make(breaker, answers) == "answered"
