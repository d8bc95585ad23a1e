"""list_growth and filter_growth: what a page of the list costs at five million payments.

`list_growth`: the first page, a filtered one and deep ones, against the same pages of a merchant
with ten thousand. `filter_growth`: every filter that is offered, and combinations, against the
first page and against itself at ten thousand; the worst of all. Whole pages over HTTP, signed in.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Cost, Figure, Round, Wrong, say
from benchmarks.http_load import send_all
from benchmarks.listing import made_anew, one_round, path_of, prepare, request_of, rows_of
from benchmarks.signing_in import headers_of
from benchmarks.stage import PORT, Facts, Stage
from config.processes import Service

LIST_GOAL, FILTER_GOAL = 1.3, 2.0
SMALL = 10_000
ROUNDS = 3
EACH = 96  # pages of a kind in a round
DEEP = 48  # places that deep pages begin at

FILTERS: dict[str, str] = {
    "one status": "status=failed",
    "statuses": "status=failed&status=pending&status=expired",
    "the usual method": "method=upi",
    "a rare method": "method=emi",
    "method and status": "method=emi&status=failed",
    "never together": "method=upi&status=created",
    "a day": "from={day}&to={day}",
    "a month": "from={month}&to={day}",
    "status and month": "status=failed&from={month}&to={day}",
    "few amounts": "min={paise}&max={paise}",
    "many amounts": "min=500",
    "amount and status": "min=5000&status=failed",
    "a busy link": "link={busy}",
    "a quiet link": "link={quiet}",
    "link and status": "link={busy}&status=failed",
    "a tag": "tag=vip",
    "tag and status": "tag=vip&status=failed",
    "no such tag": "tag=nobody",
    "refunded": "refunded=yes",
    "not refunded": "refunded=no",
    "paid out": "settled=yes",
    "not paid out": "settled=no",
    "refunded, not paid out": "refunded=yes&settled=no",
}


@dataclass
class Side:
    """A merchant, its web, and the pages that are asked of it."""

    stage: Stage
    merchant: Facts
    web: Service
    port: int
    headers: dict[str, str]

    def ask(self, queries: list[str]) -> Round:
        requests = [request_of(path_of(self.merchant, query), self.headers) for query in queries]
        return one_round(self.stage, self.web, self.port, made_anew(requests))

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return self.stage.ask_in(self.merchant["schema"], statement)


def measure(stage: Stage) -> Iterator[Figure]:
    with ExitStack() as running:
        small = _side(stage, SMALL, PORT + 1, running)
        big = _side(stage, None, PORT, running)
        _check(big)
        times = {
            name: (_time(small, queries_small), _time(big, queries_big))
            for name, queries_small, queries_big in _cases(small, big)
        }
    for name, (at_small, at_big) in times.items():
        say(f"list {name:24} {at_small:6.2f} ms at 10k, {at_big:6.2f} ms at 5M")
    kinds = ("first", "one status", "deep")
    yield _worst("list_growth", LIST_GOAL, [times[kind] for kind in kinds])
    first = times["first"][1]
    filters = [times[name] for name in FILTERS]
    beside_first = [(first, at_big) for _, at_big in filters]
    yield _worst("filter_growth", FILTER_GOAL, [*filters, *beside_first])


def _side(stage: Stage, payments: int | None, port: int, running: ExitStack) -> Side:
    here, [merchant, _] = stage.big_merchant(payments) if payments else stage.big_merchant()
    prepare(here, merchant)
    here.collect_static()
    web = running.enter_context(here.web(port=port))
    return Side(here, merchant, web, port, headers_of(merchant, port))


def _cases(small: Side, big: Side) -> Iterator[tuple[str, list[str], list[str]]]:
    yield "first", [""] * EACH, [""] * EACH
    yield "deep", _deep(small), _deep(big)
    known = _facts(small), _facts(big)
    for name, query in FILTERS.items():
        one, other = (query.format(**facts) for facts in known)
        yield name, [one] * EACH, [other] * EACH


def _deep(side: Side) -> list[str]:
    """Pages that begin anywhere: one place in each of so many parts of the list."""
    [[count]] = side.sql("SELECT count(*) FROM payments_payment WHERE NOT live")
    dice, part = random.Random(3), int(str(count)) // (DEEP + 2)
    places = [part * n + dice.randrange(part) for n in range(1, DEEP + 1)]
    chosen = ", ".join(map(str, places))
    found = side.sql(f"""
        SELECT (extract(epoch FROM created_at) * 1000000)::bigint, id FROM (
            SELECT created_at, id, row_number() OVER (ORDER BY created_at DESC, id) AS n
            FROM payments_payment WHERE NOT live
        ) AS p WHERE n IN ({chosen})
    """)  # noqa: S608
    queries = [f"before={micros}-{str(id).replace('-', '')}" for micros, id in found]
    dice.shuffle(queries)
    return queries * (EACH // DEEP)


def _facts(side: Side) -> dict[str, object]:
    links = side.sql("SELECT link_id FROM payments_payment GROUP BY 1 ORDER BY count(*) DESC")
    [[paise]] = side.sql("""
        SELECT amount_paise FROM payments_payment GROUP BY 1
        ORDER BY abs(count(*) - 20), 1 LIMIT 1
    """)
    [[day, month]] = side.sql("""
        SELECT (max(created_at) AT TIME ZONE 'Asia/Kolkata')::date - 40,
            (max(created_at) AT TIME ZONE 'Asia/Kolkata')::date - 70 FROM payments_payment
    """)
    facts = {"busy": links[0][0], "quiet": links[-1][0], "day": day, "month": month}
    return facts | {"paise": f"{int(str(paise)) / 100:.2f}"}


def _time(side: Side, queries: list[str]) -> float:
    """Milliseconds of a page, the median of the rounds after one that warms up."""
    side.ask(queries)
    rounds = [side.ask(queries) for _ in range(ROUNDS)]
    say(f"list {side.merchant['schema'][:6]} {queries[0][:40]:40} {rounds[-1]}")
    return median(1000 / each.rate for each in rounds)


def _worst(metric: str, goal: float, pairs: list[tuple[float, float]]) -> Cost:
    limit, value = max(pairs, key=lambda pair: pair[1] / pair[0])
    return Cost(metric, value, "ms/page", limit, goal)


def _check(side: Side) -> None:
    """Each filter's page has the payments that plain SQL finds, in its order."""
    where = {"one status": "state = 'failed'", "a rare method": "method = 'emi'",
             "not paid out": "settled_on IS NULL AND state IN ('paid', 'surplus')",
             "many amounts": "coalesce(nullif(received_paise, 0), amount_paise) >= 50000",
             "refunded": "refunded_paise > 0"}  # fmt: skip
    for name, condition in where.items():
        request = request_of(path_of(side.merchant, FILTERS[name]), side.headers)
        [page] = send_all(side.port, [request])
        found = side.sql(f"""
            SELECT id FROM payments_payment WHERE NOT live AND {condition}
            ORDER BY created_at DESC, id LIMIT 50
        """)  # noqa: S608
        if rows_of(page) != [str(id).replace("-", "") for (id,) in found]:
            raise Wrong(f"list: {name} shows other payments than there are")
