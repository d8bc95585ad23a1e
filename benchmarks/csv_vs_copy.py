"""csv_vs_copy: a million payments as CSV over HTTP, by the product's own address, signed in.

The limit is COPY of the same rows' columns as they are stored, in the same order, passed on by the
same web server. Every file is counted; the first one is read cell by cell and added up.
"""

import csv
import http.client
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from statistics import median

import psutil

from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.signing_in import headers_of
from benchmarks.stage import PORT, Facts, Stage, tree_seconds
from config.processes import Service

GOAL = 0.70
ROUNDS = 3
ROWS = 1_000_000
MOST_GROWTH = 16 * 1024 * 1024
MOST_WAIT = 0.2  # seconds for the first byte

STORED = (
    *("created_at", "order_id", "description", "state", "amount_paise", "received_paise"),
    *("refunded_paise", "method", "bank", "payer_name", "payer_email", "payer_phone", "answers"),
    *("paid_at", "settled_on", "paytm_txn_id", "bank_txn_id", "result_message"),
)
SINCE = "created_at >= '{first}'::timestamp AT TIME ZONE 'Asia/Kolkata'"


@dataclass
class Got:
    """A file that was read to its end: rows with the heading, and what it cost."""

    lines: int
    seconds: float
    first_byte: float
    growth: int
    content: bytes


def measure(stage: Stage) -> Iterator[Figure]:
    here, [merchant, _other] = stage.big_merchant()
    first, count, received = _days(here, merchant, stage.size(ROWS))
    where = f"WHERE live = false AND {SINCE.format(first=first)}"
    stored = f"SELECT {', '.join(STORED)} FROM payments_payment {where}"  # noqa: S608
    here.environment["RAW_COPY"] = (
        f"SET search_path = {merchant['schema']};"
        f" COPY ({stored} ORDER BY created_at DESC, id) TO STDOUT (FORMAT csv)"
    )
    here.collect_static()
    limits, ours, waits, growths = list[Round](), list[Round](), list[float](), list[int]()
    with here.web() as web, here.web("benchmarks.raw_copy:application", PORT + 1) as raw:
        headers = headers_of(merchant)
        path = f"/m/{merchant['slug']}/test/payments.csv?from={first}"
        _check(_get(web, PORT, path, headers, keep=True), count, received)
        _get(raw, PORT + 1, "/", {})
        for _ in range(ROUNDS):
            limits.append(_round(here, raw, PORT + 1, "/", {}, count)[0])
            mine, got = _round(here, web, PORT, path, headers, count + 1)
            ours.append(mine)
            waits.append(got.first_byte)
            growths.append(got.growth)
            say(f"csv_vs_copy limit {limits[-1]}")
            say(f"csv_vs_copy ours  {ours[-1]}")
    say(f"csv_vs_copy: first byte {median(waits) * 1000:.0f} ms, "
        f"memory +{max(growths) / 1e6:.1f} MB, {count} rows")  # fmt: skip
    within = median(waits) < MOST_WAIT and max(growths) < MOST_GROWTH
    yield held_against("csv_vs_copy", "rows/s", GOAL, limits=limits, ours=ours, within=within)


def _days(stage: Stage, merchant: Facts, rows: int) -> tuple[date, int, int]:
    """Since which day about so many payments were begun; how many, and their paise received."""
    statement = (
        "SELECT day, count(*), sum(received_paise)::bigint FROM (SELECT received_paise,"
        " (created_at AT TIME ZONE 'Asia/Kolkata')::date AS day FROM payments_payment) p"
        " GROUP BY day ORDER BY day DESC"
    )
    count = received = 0
    for day, more, paise in stage.ask_in(merchant["schema"], statement):
        count, received = count + more, received + paise
        if count >= rows:
            return day, count, received
    return day, count, received


def _round(
    stage: Stage, web: Service, port: int, path: str, headers: dict[str, str], lines: int
) -> tuple[Round, Got]:
    app, postgres, client = tree_seconds(web), stage.postgres_seconds(), time.process_time()
    got = _get(web, port, path, headers)
    if got.lines != lines:
        raise Wrong(f"csv_vs_copy: {got.lines} lines instead of {lines}")
    cpu = {
        "app": tree_seconds(web) - app,
        "postgres": stage.postgres_seconds() - postgres,
        "client": time.process_time() - client,
    }
    return Round(lines, got.seconds, cpu), got


def _get(web: Service, port: int, path: str, headers: dict[str, str], *, keep: bool = False) -> Got:
    """Read the file to its end. What the web's processes grow by is looked at all the while."""
    before, most = _memory(web), 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    began = time.monotonic()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise Wrong(f"csv_vs_copy: {answer.status} {answer.headers.get('Location')}")
    part, lines, kept = answer.read1(65_536), 0, io.BytesIO()
    first_byte, looked = time.monotonic() - began, began
    while part:
        lines += part.count(b"\n")
        if keep:
            kept.write(part)
        if time.monotonic() - looked > 0.2:
            most, looked = max(most, _memory(web)), time.monotonic()
        part = answer.read1(262_144)
    seconds = time.monotonic() - began
    connection.close()
    return Got(lines, seconds, first_byte, max(0, most - before), kept.getvalue())


def _memory(web: Service) -> int:
    assert web.process is not None
    parent = psutil.Process(web.process.pid)
    every = [parent, *parent.children(recursive=True)]
    return sum(process.memory_info().rss for process in every)


def _check(got: Got, count: int, received: int) -> None:
    """Each payment of the days once, nobody else's, and the sum to the paisa."""
    rows = csv.DictReader(io.StringIO(got.content.decode("utf-8-sig"), newline=""))
    ids, paise = set(), 0
    for row in rows:
        ids.add(row["Order ID"])
        paise += int(row["Received (INR)"].replace(".", ""))
    if (len(ids), paise) != (count, received):
        raise Wrong(f"csv_vs_copy: {len(ids)} payments of {paise} paise, not {count} of {received}")
