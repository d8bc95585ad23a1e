"""`make faults`: a fault campaign against the whole product. See docs/faults.md.

SEED, OPERATIONS and BUG come from the environment. The last line says what was found; the exit
code is 0 only if all its counters are 0 and enough faults took effect.
"""

import secrets
import sys

from config import env
from config.processes import say
from tests.faults.bugs import BUGS
from tests.faults.campaign import Outcome, run
from tests.faults.plan import make_plan

SIZE = 4_000  # about ten minutes on two cores
SHOWN = 20


def main() -> int:
    try:
        seed = env.integer("SEED", secrets.randbelow(10**9))
        size = env.integer("OPERATIONS", SIZE, low=60)
        bug = env.choice("BUG", ["", *BUGS], "")
        data_dir = env.path("DATA_DIR", "var") / "faults"
    except env.BadEnvironment as problem:
        say(f"make faults: {problem}")
        return 2
    say(f"Seed {seed}, {size} operations{f', with the bug {bug}' if bug else ''}; in {data_dir}")
    outcome = run(make_plan(seed, size), data_dir, bug)
    report(outcome)
    return 0 if outcome.clean and outcome.enough else 1


def report(outcome: Outcome) -> None:
    """What took effect, what was found, and the one line that others read."""
    for fault, count in sorted(outcome.injected.items()):
        say(f"  {count:6} {fault}")
    for counter, found in outcome.found.items():
        for words in found[:SHOWN]:
            say(f"{counter}: {words}")
    for words in outcome.errors[:SHOWN]:
        say(f"to look at: {words}")
    if not outcome.enough:
        say("Too few faults took effect, or not every operation was begun: this proves nothing.")
    say(outcome.line)


if __name__ == "__main__":
    sys.exit(main())
