"""What a campaign does: operations, and what befalls the product, all from the seed alone."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

# How many of a thousand operations are of which kind.
KINDS = {
    "pay": 440,
    "refund": 150,
    "refund_at_once": 50,
    "ask": 80,
    "replay": 100,
    "forge": 80,
    "look": 60,
    "keep_surplus": 20,
    "make_link": 20,
}
PARTS = ("web", "worker", "database", "simulator")
FEWEST_TENANTS = 4
MINUTE, HOUR = 60.0, 3600.0
JUMPS = (-MINUTE, -15.0, 20.0, 70.0, 5 * MINUTE, 16 * MINUTE, HOUR, 6 * HOUR)


@dataclass(frozen=True)
class Operation:
    """One thing that somebody does. Every choice inside it comes from its own `dice`."""

    number: int
    kind: str
    tenant: int
    dice: int

    @property
    def random(self) -> random.Random:
        return random.Random(self.dice)


@dataclass(frozen=True)
class Blow:
    """What befalls the product once `after` operations have begun: `kill` of a part, `clock` by
    so many seconds, `lease`: the leases of all running jobs are over."""

    after: int
    kind: str
    part: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The same for the same seed and size; only when things happen may differ."""

    seed: int
    operations: tuple[Operation, ...]
    blows: tuple[Blow, ...]
    tenants: int


def make_plan(seed: int, size: int) -> Plan:
    """Draw a campaign of `size` operations on 4 tenants at least and 24 at most."""
    dice = random.Random(seed)
    tenants = max(FEWEST_TENANTS, min(24, size // 100))
    operations = tuple(_operations(dice, size, tenants))
    blows = sorted(_blows(dice, size), key=lambda blow: blow.after)
    return Plan(seed, operations, tuple(blows), tenants)


def _operations(dice: random.Random, size: int, tenants: int) -> Iterator[Operation]:
    """Payments first, so that there is something to refund, and every kind in any small run."""
    drawn = dice.choices([*KINDS], [*KINDS.values()], k=size)
    drawn[: len(KINDS)] = KINDS
    drawn = ["pay"] * (size // 10) + drawn
    for number, kind in enumerate(drawn[:size]):
        yield Operation(number, kind, dice.randrange(tenants), dice.getrandbits(64))


def _blows(dice: random.Random, size: int) -> Iterator[Blow]:
    """Each part is killed in its turn; none in the first tenth, when little is at work."""
    for n in range(max(4, size // 250)):
        yield Blow(_moment(dice, size), "kill", PARTS[n % len(PARTS)])
    for n in range(max(3, size // 100)):
        seconds = 16 * MINUTE if n == 0 else dice.choice(JUMPS)
        yield Blow(_moment(dice, size), "clock", seconds=seconds)
    for _ in range(max(2, size // 200)):
        yield Blow(_moment(dice, size), "lease")


def _moment(dice: random.Random, size: int) -> int:
    return dice.randrange(size // 10, max(size - size // 20, size // 10 + 1))
