"""list_vs_bare and list_vs_pretix: a page of fifty payments of five million, over HTTP, signed in.

The limit is a bare Django view on the same server. pretix's order list was measured at 4 pages a
second and core where that view answered 3,189; so the second figure follows from the first.
"""

from collections.abc import Iterator

from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.http_load import send_all
from benchmarks.listing import one_round, path_of, prepare, request_of, rows_of
from benchmarks.signing_in import headers_of
from benchmarks.stage import HOST, PORT, Stage

GOAL, PRETIX_GOAL = 0.10, 80
ROUNDS = 5
BARE, EACH = 12_000, 1_000
PRETIX = 4 / 3_189  # of a bare view


def measure(stage: Stage) -> Iterator[Figure]:
    here, [merchant, _] = stage.big_merchant()
    prepare(here, merchant)
    here.collect_static()
    bare_request = request_of("/p/x", {"Host": HOST})
    limits, ours = list[Round](), list[Round]()
    with here.web() as web, here.web("benchmarks.bare:application", PORT + 1) as bare:
        request = request_of(path_of(merchant), headers_of(merchant))
        [page] = send_all(PORT, [request])
        if len(rows_of(page)) != 50:
            raise Wrong(f"list: not a page of fifty: {page[:300]!r}")
        one_round(here, web, PORT, [request] * 200)
        one_round(here, bare, PORT + 1, [bare_request] * 2_000)
        for _ in range(ROUNDS):
            requests = [bare_request] * stage.size(BARE)
            limits.append(one_round(here, bare, PORT + 1, requests))
            ours.append(one_round(here, web, PORT, [request] * stage.size(EACH)))
            say(f"list_vs_bare limit {limits[-1]}")
            say(f"list_vs_bare ours  {ours[-1]}")
    figure = held_against("list_vs_bare", "pages/s", GOAL, limits=limits, ours=ours)
    yield figure
    yield Figure("list_vs_pretix", figure.value, "pages/s", figure.limit * PRETIX, PRETIX_GOAL)
