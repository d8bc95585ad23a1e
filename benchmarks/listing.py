"""What the benchmarks of lists and searches share: pages asked for as a signed-in browser does."""

import itertools
import time
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from benchmarks.figures import Round, Wrong
from benchmarks.http_load import send_all
from benchmarks.stage import Facts, Stage, tree_seconds
from config.processes import Service

# Tags on one payment of a thousand, and search texts where the seeding left them out.
TAGS = """
    INSERT INTO payments_paymenttag (payment_id, name, live, created_at)
    SELECT id, 'vip', live, created_at FROM payments_payment
    WHERE ('x' || substr(id::text, 1, 6))::bit(24)::int % 1000 = 0 ON CONFLICT DO NOTHING
"""


def prepare(stage: Stage, merchant: Facts) -> None:
    """Give the merchant's payments what lists look for beside them, once."""
    if not stage.ask_in(merchant["schema"], "SELECT 1 FROM payments_paymenttag LIMIT 1"):
        stage.ask_in(merchant["schema"], TAGS)
        stage.ask_in(merchant["schema"], "ANALYZE payments_paymenttag")
    if not stage.ask_in(merchant["schema"], "SELECT 1 FROM payments_searchtext LIMIT 1"):
        raise Wrong("the seeding wrote no search texts")


def path_of(merchant: Facts, query: dict[str, object] | str = "") -> str:
    words = query if isinstance(query, str) else urlencode(query, doseq=True)
    return f"/m/{merchant['slug']}/test/payments?{words or 'all=1'}"


def request_of(path: str, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "Accept: text/html", "", ""]).encode()


def made_anew(requests: Iterable[bytes]) -> list[bytes]:
    """The same, each told from all others by a header that nobody reads: no answer is one that was
    given before."""
    return [each[:-2] + b"X-Number: %d\r\n\r\n" % next(_numbers) for each in requests]


_numbers = itertools.count()


def one_round(
    stage: Stage,
    web: Service,
    port: int,
    requests: Sequence[bytes],
    kept: list[bytes] | None = None,
) -> Round:
    """Ask for pages, and see that each is one; `kept` takes them."""
    app, client, postgres = tree_seconds(web), time.process_time(), stage.postgres_seconds()
    began = time.monotonic()
    answers = send_all(port, requests)
    seconds = time.monotonic() - began
    cpu = {
        "app": tree_seconds(web) - app,
        "postgres": stage.postgres_seconds() - postgres,
        "client": time.process_time() - client,
    }
    for answer in answers:
        if not answer.startswith(b"HTTP/1.1 200"):
            raise Wrong(f"not a page: {answer[:300]!r}")
    if kept is not None:
        kept += answers
    return Round(len(requests), seconds, cpu)


def rows_of(page: bytes) -> list[str]:
    """The ids of the payments that a page lists, as hex, in its order."""
    parts = page.split(b'class="row-link" id="p')[1:]
    return [part[:32].decode() for part in parts]
