"""`make faults`: a fault campaign against the whole product. See docs/faults.md.

SEED, OPERATIONS and BUG come from the environment. The last line says what was found; the exit
code is 0 only if all its counters are 0 and enough faults took effect.
"""

import secrets
import signal
import sys

from config import env
from config.processes import Failed, say
from tests.faults.bugs import BUGS
from tests.faults.campaign import Outcome, run
from tests.faults.plan import make_plan
from tests.faults.stack import BrokenCampaign

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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # everything is stopped on the way out
    try:
        outcome = run(make_plan(seed, size), data_dir, bug)
    except (Failed, BrokenCampaign) as problem:
        say(f"make faults: {problem}")
        return 1
    report(outcome)
    return 0 if outcome.clean and not outcome.too_little else 1


def report(outcome: Outcome) -> None:
    """What took effect, what was found, and the one line that others read."""
    for fault, count in sorted(outcome.injected.items()):
        say(f"  {count:6} {fault}")
    for counter, found in outcome.found.items():
        for words in found[:SHOWN]:
            say(f"{counter}: {words}")
    for words in outcome.errors[:SHOWN]:
        say(f"to look at: {words}")
    say(
        f"{outcome.paid} orders paid at Paytm, {outcome.refunded} of them refunded;"
        f" {outcome.pages} pages looked at; {outcome.told} messages to merchants' systems;"
        f" {outcome.cut_short} operations cut short by a fault"
    )
    if outcome.too_little:
        say(f"This proves nothing: {outcome.too_little}.")
    say(outcome.line)


if __name__ == "__main__":
    sys.exit(main())
