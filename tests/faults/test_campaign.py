"""The campaign finds nothing in the product, and finds each of the bugs it is seeded with."""

from pathlib import Path

import pytest

from tests.faults.bugs import BUGS
from tests.faults.campaign import COUNTERS, run
from tests.faults.plan import KINDS, PARTS, make_plan
from tests.plugin import new_data_dir
from tests.proof import size


@pytest.fixture(scope="module")
def pattern() -> Path:
    """Where the first campaign leaves its database as prepared, for the others to begin with."""
    return new_data_dir() / "pattern"


def test_a_plan_follows_from_its_seed_and_leaves_nothing_out() -> None:
    plan = make_plan(5, 200)
    assert plan == make_plan(5, 200)
    assert plan.operations != make_plan(6, 200).operations
    assert {operation.kind for operation in plan.operations} == set(KINDS)
    assert {blow.part for blow in plan.blows if blow.kind == "kill"} == set(PARTS)
    assert {blow.kind for blow in plan.blows} == {"kill", "clock", "lease"}


@pytest.mark.slow
@pytest.mark.proof
def test_no_money_is_lost_doubled_or_stuck_whatever_breaks(pattern: Path) -> None:
    """M8."""
    outcome = run(make_plan(20, size(120, 20_000)), new_data_dir(), pattern=pattern)
    assert outcome.found == {counter: [] for counter in COUNTERS}, outcome.line
    assert not outcome.too_little, outcome.line
    assert {f"kill {part}" for part in PARTS} <= set(outcome.injected), outcome.injected


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_found(name: str, pattern: Path) -> None:
    outcome = run(make_plan(21, 160), new_data_dir(), name, pattern)
    assert outcome.found[BUGS[name].found_as], outcome.line
