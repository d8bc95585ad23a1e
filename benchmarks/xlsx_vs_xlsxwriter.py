"""xlsx_vs_xlsxwriter: a hundred thousand payments, out of the database into a workbook.

Both sides read the same rows by the product's own reading; xlsxwriter in its constant_memory mode
is the limit, the product's sheets are ours. Each runs in a process of its own. The workbook is
read back by openpyxl: as many rows, and the sum to the paisa.
"""

import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.stage import ROOT, Facts, Stage

GOAL = 5.0
ROUNDS = 3
ROWS = 100_000
MOST_GROWTH = 16 * 1024 * 1024


def measure(stage: Stage) -> Iterator[Figure]:
    here, [merchant, _other] = stage.big_merchant()
    rows = stage.size(ROWS)
    limits, ours, growths = list[Round](), list[Round](), list[int]()
    for number in range(ROUNDS):
        limits.append(_round(here, merchant, "xlsxwriter", rows)[0])
        mine, growth = _round(here, merchant, "ours", rows, read_back=number == 0)
        ours.append(mine)
        growths.append(growth)
        say(f"xlsx_vs_xlsxwriter limit {limits[-1]}")
        say(f"xlsx_vs_xlsxwriter ours  {ours[-1]}")
    say(f"xlsx_vs_xlsxwriter: memory +{max(growths) / 1e6:.1f} MB")
    within = max(growths) < MOST_GROWTH
    yield held_against(
        "xlsx_vs_xlsxwriter", "rows/s", GOAL, limits=limits, ours=ours, within=within
    )


def _round(
    stage: Stage, merchant: Facts, writer: str, rows: int, *, read_back: bool = False
) -> tuple[Round, int]:
    path = stage.directory / f"{writer}.xlsx"
    words = [sys.executable, "-m", "benchmarks.workbook", writer, merchant["id"], str(rows),
             str(path), "read back" if read_back else ""]  # fmt: skip
    before = stage.postgres_seconds()
    done = subprocess.run(
        words, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, check=True, text=True
    )
    told = json.loads(done.stdout)
    if told["rows"] != rows or told["wrong"]:
        raise Wrong(f"xlsx_vs_xlsxwriter: {told}")
    cpu = {"app": told["cpu"], "postgres": stage.postgres_seconds() - before}
    return Round(rows, told["seconds"], cpu), told["growth"]
