"""What a benchmark says: one line for each metric, in the words that others rely on."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


class Wrong(Exception):
    """What was measured did the wrong thing; how fast it was does not matter."""


@dataclass(frozen=True)
class Round:
    """One round of one side: so many done in so many seconds, and the processor's time for it.

    `cpu` is seconds by who spent them: the product's processes, PostgreSQL, the client.
    """

    done: int
    seconds: float
    cpu: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def __str__(self) -> str:
        spent = ", ".join(f"{who} {s / self.done * 1e6:.0f} µs" for who, s in self.cpu.items())
        return f"{self.rate:8.0f}/s, each {spent}"


def added_up(parts: Sequence[Round]) -> Round:
    """Parts of one round, between which the clock stood still."""
    cpu = {who: sum(part.cpu[who] for part in parts) for who in parts[0].cpu}
    return Round(sum(part.done for part in parts), sum(part.seconds for part in parts), cpu)


@dataclass(frozen=True)
class Figure:
    """A metric's line. `ratio` is our speed over the limit's: larger is better. `within` tells
    whether what the goal says beside the ratio holds too."""

    metric: str
    value: float
    unit: str
    limit: float
    goal: float
    within: bool = True

    @property
    def ratio(self) -> float:
        return self.value / self.limit

    def line(self) -> str:
        """The line of JSON on standard output."""
        return json.dumps(
            {
                "metric": self.metric,
                "value": round(self.value, 1),
                "unit": self.unit,
                "limit": round(self.limit, 1),
                "ratio": round(self.ratio, 3),
                "goal": self.goal,
                "ok": self.within and self.ratio >= self.goal,
            }
        )


def held_against(
    metric: str,
    unit: str,
    goal: float,
    *,
    limits: Sequence[Round],
    ours: Sequence[Round],
    within: bool = True,
) -> Figure:
    """The median round of both sides as a figure."""
    return Figure(
        metric=metric,
        value=median(each.rate for each in ours),
        unit=unit,
        limit=median(each.rate for each in limits),
        goal=goal,
        within=within,
    )


def say(words: object) -> None:
    """What a person may want to read beside the figures: on standard error."""
    print(words, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Cost(Figure):
    """A metric with a goal that must not be exceeded: by the ratio of costs, or, where it is
    `by_value`, by the value itself. `fits` is whether what the goal says beside it holds."""

    by_value: bool = False
    fits: bool = True

    def line(self) -> str:
        reached = self.value if self.by_value else self.ratio
        return json.dumps(json.loads(super().line()) | {"ok": self.fits and reached <= self.goal})
