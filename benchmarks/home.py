"""home_vs_raw_sum: ninety days of a dashboard's figures, at five million payments.

Ours is what the product reads for a chart and its totals: folded days and whatever is not folded
yet, in one statement. The limit is the same sum over the transfers themselves. Both are read by one
process over one connection, and must be equal to the paisa, day by day, in every round.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.stage import ROOT, Stage, seconds_of

GOAL = 300
ROUNDS = 5
READS = {"raw": 1, "ours": 200}  # of a round


def measure(stage: Stage) -> Iterator[Figure]:
    stage, [big, _none] = stage.big_merchant()
    rounds: dict[str, list[Round]] = {"raw": [], "ours": []}
    with _reader(stage, big["id"]) as reader:
        for side in rounds:
            _read(stage, reader, side)  # warm
        for _ in range(ROUNDS):
            told = {side: _read(stage, reader, side) for side in rounds}
            for side, (done, _sums) in told.items():
                rounds[side].append(done)
                say(f"home {side:4} {done}")
            if told["raw"][1] != told["ours"][1]:
                raise Wrong("home: the figures are not the sum of the transfers")
        say(f"home page's queries, all of them: {_read(stage, reader, 'home')[0]}")
    yield held_against(
        "home_vs_raw_sum", "reads/s", GOAL, limits=rounds["raw"], ours=rounds["ours"]
    )


@contextmanager
def _reader(stage: Stage, tenant: str) -> Iterator[subprocess.Popen[str]]:
    """A process of the product; see `home_reader`. It ends when it hears no more."""
    words = [sys.executable, "-m", "benchmarks.home_reader", tenant]
    with (stage.directory / "logs" / "home.log").open("ab") as log:
        process = subprocess.Popen(
            words, cwd=ROOT, env=stage.environment, text=True, stderr=log,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
    with process:
        yield process


def _read(stage: Stage, reader: subprocess.Popen[str], side: str) -> tuple[Round, Any]:
    assert reader.stdin
    assert reader.stdout
    count, own = READS.get(side, 20), [psutil.Process(reader.pid)]
    app, postgres = seconds_of(own), stage.postgres_seconds()
    reader.stdin.write(f"{side} {count}\n")
    reader.stdin.flush()
    line = reader.stdout.readline()
    if not line:
        raise Wrong("home: the reader ended; see logs/home.log")
    seconds, sums = json.loads(line)
    cpu = {"app": seconds_of(own) - app, "postgres": stage.postgres_seconds() - postgres}
    return Round(count, seconds, cpu), sums
