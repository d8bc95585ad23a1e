"""link_page: the hosted page of a link, for people who have no cookie.

The limit is a bare Django view on the same server. Every answer is looked at: the page is that of
the link that was asked for, with a form's key of its own; and all looks are counted in the end.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.http_load import send_all
from benchmarks.stage import HOST, PORT, Facts, Stage, tree_seconds
from config.processes import Service

GOAL = 0.50
ROUNDS = 5
MERCHANTS = 20
LINKS = 1_000  # of each
EACH = 12_000  # looks in a round
KEY = re.compile(rb'name="key" value="([A-Za-z0-9_-]{22})"')

MORE_LINKS = """
    INSERT INTO payments_link (id, live, token, description, amount_paise, min_paise, max_paise,
        state, surplus_policy, return_url, created_by_name, created_at, suggestions, questions,
        ask_name, ask_email, ask_phone, methods, reference, notes, thanks, closed_words)
    SELECT md5(n::text)::uuid, false, %s || lpad(n::text, 22, '0'), 'Invoice ' || n, 50000, 100,
        100000000, 'active', 'ask', '', '', now(), '[]', '[]', 'no', 'no', 'no', '[]', '', '', '',
        '' FROM generate_series(1, %s) AS n
"""


def measure(stage: Stage) -> Iterator[Figure]:
    merchants = stage.merchants(MERCHANTS, 8)
    stage.collect_static()
    links = stage.size(LINKS)
    for merchant in merchants:
        stage.ask_in(merchant["schema"], MORE_LINKS, [merchant["key"], links])
    looks = random.Random(7)
    each, limits, ours = stage.size(EACH), list[Round](), list[Round]()
    with stage.web() as web, stage.web("benchmarks.bare:application", PORT + 1) as bare:
        every = [(m, n) for m in merchants for n in range(1, links + 1)]
        requests = [_request(f"{m['key']}{n:022}", looks) for m, n in every]
        asked = Counter(token[:10] for token, _ in requests * 8)
        _round(web, PORT, requests * 8)  # warms both up: each of two processes knows nearly all
        _round(bare, PORT + 1, requests)
        for _ in range(ROUNDS):
            requests = _requests(merchants, links, each, looks)
            limits.append(_round(bare, PORT + 1, requests)[0])
            mine, answers = _round(web, PORT, requests)
            ours.append(mine)
            _check(requests, answers)
            asked.update(token[:10] for token, _ in requests)
            say(f"link_page limit {limits[-1]}")
            say(f"link_page ours  {ours[-1]}")
        _check_counts(stage, merchants, asked)
    yield held_against("link_page", "pages/s", GOAL, limits=limits, ours=ours)


Request = tuple[str, bytes]


def _requests(
    merchants: Sequence[Facts], links: int, count: int, looks: random.Random
) -> list[Request]:
    return [
        _request(f"{looks.choice(merchants)['key']}{looks.randint(1, links):022}", looks)
        for _ in range(count)
    ]


def _request(token: str, looks: random.Random) -> Request:
    head = (
        f"GET /p/{token} HTTP/1.1\r\n"
        f"Host: {HOST}\r\n"
        f"X-Forwarded-For: 203.0.{looks.randint(0, 255)}.{looks.randint(1, 250)}\r\n"
        "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36\r\n"
        "Accept: text/html,application/xhtml+xml\r\n"
        "Accept-Language: en-IN,en;q=0.9\r\n\r\n"
    )
    return token, head.encode()


def _round(web: Service, port: int, requests: Sequence[Request]) -> tuple[Round, list[bytes]]:
    app, client = tree_seconds(web), time.process_time()
    began = time.monotonic()
    answers = send_all(port, [request for _, request in requests])
    seconds = time.monotonic() - began
    cpu = {"app": tree_seconds(web) - app, "client": time.process_time() - client}
    return Round(len(requests), seconds, cpu), answers


def _check(requests: Sequence[Request], answers: Sequence[bytes]) -> None:
    keys = set()
    for (token, _), answer in zip(requests, answers, strict=True):
        key = KEY.search(answer)
        if not answer.startswith(b"HTTP/1.1 200") or key is None:
            raise Wrong(f"link_page: not a page to pay on: {answer[:300]!r}")
        if f"Invoice {int(token[10:])}<".encode() not in answer:
            raise Wrong(f"link_page: not the page of {token}")
        keys.add(key[1])
    if len(keys) != len(requests):
        raise Wrong("link_page: two showings have one key")


def _seen(stage: Stage, merchants: Sequence[Facts]) -> Counter[str]:
    statement = "SELECT coalesce(sum(seen), 0)::bigint FROM payments_linkviews"
    return Counter({m["key"]: stage.ask_in(m["schema"], statement)[0][0] for m in merchants})


def _check_counts(stage: Stage, merchants: Sequence[Facts], asked: Counter[str]) -> None:
    """Every look is counted at its own merchant, once the last second's are written."""
    for _ in range(20):
        if _seen(stage, merchants) == asked:
            return
        time.sleep(0.3)
        ping = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        send_all(PORT, [ping] * 64)  # both processes write what they hold
    raise Wrong("link_page: the looks were not all counted, or at another merchant")
