"""`make bench`: every figure, or those of ONLY, one JSON line each on standard output.

Exits 1 when a figure could not be had, or what was measured did the wrong thing. A goal that is
missed is told in the line (`"ok": false`) and by nothing else.
"""

import sys
from collections.abc import Callable, Iterator

from benchmarks import (
    callback_ack,
    checksum_verify,
    csv_vs_copy,
    home,
    link_page,
    list_growth,
    list_vs_bare,
    pages,
    search,
    settle,
    xlsx_vs_xlsxwriter,
)
from benchmarks.figures import Figure, Wrong, say
from benchmarks.http_load import Silence
from benchmarks.stage import Stage, set_up
from config import embedded, env
from config.processes import Failed

Measure = Callable[[Stage], Iterator[Figure]]

# What yields which metrics.
FIGURES: dict[tuple[str, ...], Measure] = {
    ("link_page",): link_page.measure,
    ("checksum_verify",): checksum_verify.measure,
    ("callback_ack",): callback_ack.measure,
    ("settle",): settle.measure,
    ("list_growth", "filter_growth"): list_growth.measure,
    ("list_vs_bare", "list_vs_pretix"): list_vs_bare.measure,
    ("search_vs_ilike", "search_p95_ms"): search.measure,
    ("slowest_page_ms",): pages.measure,
    ("csv_vs_copy",): csv_vs_copy.measure,
    ("xlsx_vs_xlsxwriter",): xlsx_vs_xlsxwriter.measure,
    ("home_vs_raw_sum",): home.measure,
}


def main() -> int:
    try:
        wanted = chosen(env.csv("ONLY"))
        with set_up() as stage:
            for measure in wanted:
                for figure in measure(stage):
                    print(figure.line(), flush=True)
    except (Wrong, Silence, Failed, env.BadEnvironment, embedded.DatabaseFailed) as problem:
        say(f"make bench: {type(problem).__name__}: {problem}")
        return 1
    return 0


def chosen(names: tuple[str, ...]) -> list[Measure]:
    """The benchmarks of these metrics, or all. Raises BadEnvironment for an unknown name."""
    known = {metric for metrics in FIGURES for metric in metrics}
    if unknown := sorted(set(names) - known):
        raise env.BadEnvironment(f"ONLY names {', '.join(unknown)}; there are {sorted(known)}")
    return [measure for metrics, measure in FIGURES.items()
            if not names or set(metrics) & set(names)]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
