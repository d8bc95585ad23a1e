"""list_vs_bare and list_vs_pretix: pages of fifty payments of five million, over HTTP, signed in.

Each round opens pages that nobody has seen, further down the list each time, and asks for them as
often as lists do that stand open for a quarter of an hour; then they would be made anew. What a
page costs that is made anew is said beside it.

The limit is a bare Django view on the same server. pretix's order list was measured at 4 pages a
second and core where that view answered 3,189; so the second figure follows from the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figures import Figure, Round, Wrong, added_up, held_against, say
from benchmarks.http_load import send_all
from benchmarks.listing import made_anew, one_round, path_of, prepare, request_of, rows_of
from benchmarks.signing_in import headers_of
from benchmarks.stage import HOST, PORT, Facts, Stage
from config.processes import Service

GOAL, PRETIX_GOAL = 0.10, 80
ROUNDS = 5
PAGES, POLLS = 50, 18  # pages of a round, and how often each is asked for between two checks
CHECKS = 10  # in a round: an open list asks every five seconds
SIZE = 50  # payments of a page
BARE, ANEW = 24_000, 1_000
PRETIX = 4 / 3_189  # of a bare view
NEWEST = """
    SELECT replace(id::text, '-', ''), (extract(epoch FROM created_at) * 1000000)::bigint
    FROM payments_payment WHERE NOT live ORDER BY created_at DESC, id LIMIT %s
"""
RENAME = "UPDATE payments_payment SET description = %s WHERE id = %s RETURNING description"


@dataclass(frozen=True)
class Page:
    """A request, and the payments that its answer must show."""

    request: bytes
    ids: list[str]


def measure(stage: Stage) -> Iterator[Figure]:
    here, [merchant, _] = stage.big_merchant()
    prepare(here, merchant)
    here.collect_static()
    bare_request = request_of("/p/x", {"Host": HOST})
    limits, ours = list[Round](), list[Round]()
    with here.web() as web, here.web("benchmarks.bare:application", PORT + 1) as bare:
        warm, *pages = _pages(here, merchant)
        anew = made_anew([warm.request] * stage.size(ANEW))
        one_round(here, web, PORT, anew[:200])
        one_round(here, bare, PORT + 1, [bare_request] * 2_000)
        for n in range(ROUNDS):
            requests = [bare_request] * stage.size(BARE)
            limits.append(one_round(here, bare, PORT + 1, requests))
            ours.append(_round(here, web, pages[n * PAGES : (n + 1) * PAGES]))
            say(f"list_vs_bare limit {limits[-1]}")
            say(f"list_vs_bare ours  {ours[-1]}")
        say(f"list_vs_bare each made anew {one_round(here, web, PORT, anew)}")
        _see_a_change(here, merchant, pages[-1])
    figure = held_against("list_vs_bare", "pages/s", GOAL, limits=limits, ours=ours)
    yield figure
    yield Figure("list_vs_pretix", figure.value, "pages/s", figure.limit * PRETIX, PRETIX_GOAL)


def _pages(stage: Stage, merchant: Facts) -> list[Page]:
    """The first page, and those that follow it."""
    count = ROUNDS * PAGES + 1
    newest = stage.ask_in(merchant["schema"], NEWEST, [count * SIZE])
    ids, headers = [id for id, _ in newest], headers_of(merchant)
    places = ["", *(f"before={micros}-{id}" for id, micros in newest[SIZE - 1 :: SIZE])]
    return [
        Page(request_of(path_of(merchant, place), headers), ids[n * SIZE : (n + 1) * SIZE])
        for n, place in enumerate(places[:count])
    ]


def _round(stage: Stage, web: Service, pages: list[Page]) -> Round:
    asked = pages * POLLS
    return added_up([_checked(stage, web, asked) for _ in range(CHECKS)])


def _checked(stage: Stage, web: Service, asked: list[Page]) -> Round:
    answers = list[bytes]()
    round = one_round(stage, web, PORT, [page.request for page in asked], answers)
    if any(rows_of(answer) != page.ids for page, answer in zip(asked, answers, strict=True)):
        raise Wrong("list: a page shows other payments than there are")
    return round


def _see_a_change(stage: Stage, merchant: Facts, page: Page) -> None:
    """A page that every process remembers shows what was just changed, and that it was undone."""
    [[was]] = stage.ask_in(
        merchant["schema"], "SELECT description FROM payments_payment WHERE id = %s", [page.ids[0]]
    )
    for words, is_there in (("Changed just now", True), (was, False)):
        stage.ask_in(merchant["schema"], RENAME, [words, page.ids[0]])
        for answer in send_all(PORT, [page.request] * 20):
            if (b"Changed just now" in answer) != is_there:
                raise Wrong("list: a page shows what was")
