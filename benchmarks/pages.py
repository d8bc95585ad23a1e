"""slowest_page_ms: every page of a merchant's dashboard, once, at five million payments.

A page that counts or reads what grows with the payments is found here before a merchant finds it.
Lists have figures of their own; each page here is the median of three, made anew.
"""

import time
from collections.abc import Iterator
from statistics import median

from benchmarks.figures import Cost, Wrong, say
from benchmarks.http_load import send_all
from benchmarks.listing import made_anew, prepare, request_of
from benchmarks.signing_in import headers_of
from benchmarks.stage import PORT, Facts, Stage

GOAL = 500.0
ROUNDS = 3
PLACES = (
    *("", "links", "surplus", "settlements", "exceptions", "exports", "events", "reports"),
    *("payments?all=1", "payments/tags", "payments/sums?status=failed", "payments?q=kumar"),
    *("refunds?all=1", "refunds/sums?all=1", "refunds?status=done", "refunds?method=upi&min=500"),
)
REPORTS = (
    *("day", "week", "month", "year", "method", "tag", "success", "success-method", "failures"),
    *("refunds", "refund-reasons", "fees", "fees-method", "ageing"),
)
# Those that read each sale of their days: told, and not held against the goal.
LARGE = ("reports?report=link",)
DETAILS = {
    "payments": "SELECT id FROM payments_payment ORDER BY created_at DESC LIMIT 1",
    "refunds": "SELECT id FROM payments_refund ORDER BY created_at DESC LIMIT 1",
    "settlements": "SELECT id FROM payments_settlement ORDER BY paid_out_at DESC LIMIT 1",
    "links": """SELECT link_id FROM payments_payment TABLESAMPLE SYSTEM (0.1)
        GROUP BY 1 ORDER BY count(*) DESC LIMIT 1""",
}


def measure(stage: Stage) -> Iterator[Cost]:
    here, [merchant, _] = stage.big_merchant()
    prepare(here, merchant)
    here.collect_static()
    with here.web():
        headers = headers_of(merchant)
        times = {path: _ms(path, headers) for path in _paths(here, merchant)}
    for path, ms in sorted(times.items(), key=lambda pair: -pair[1]):
        say(f"page {ms:8.1f} ms {path}")
    worst = max(ms for path, ms in times.items() if not path.endswith(LARGE))
    yield Cost("slowest_page_ms", worst, "ms", GOAL, GOAL, by_value=True)


def _paths(stage: Stage, merchant: Facts) -> Iterator[str]:
    of_merchant = f"/m/{merchant['slug']}"
    yield from (f"{of_merchant}/{place}" for place in ("activity", "team", "settings"))
    reports = [f"reports?report={name}" for name in REPORTS]
    yield from (f"{of_merchant}/test/{place}" for place in (*PLACES, *reports, *LARGE))
    for place, newest in DETAILS.items():
        [[id]] = stage.ask_in(merchant["schema"], newest)
        yield f"{of_merchant}/test/{place}/{id}"


def _ms(path: str, headers: dict[str, str]) -> float:
    """Until the page is there; the median of some, after one that finds everything cold."""
    return median([_asked(path, headers) for _ in range(ROUNDS + 1)][1:])


def _asked(path: str, headers: dict[str, str]) -> float:
    began = time.perf_counter()
    [page] = send_all(PORT, made_anew([request_of(path, headers)]))
    if not page.startswith(b"HTTP/1.1 200"):
        raise Wrong(f"no page at {path}: {page[:200]!r}")
    return (time.perf_counter() - began) * 1000
