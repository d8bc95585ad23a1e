"""One campaign: the plan is carried out, then peace, then the two sets of books are compared."""

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from config import embedded
from config.processes import say
from config.supervisor import only_user
from tests.faults.actors import Watch, shops_of
from tests.faults.acts import World, perform
from tests.faults.plan import HOUR, MINUTE, Blow, Operation, Plan
from tests.faults.proxy import Proxy
from tests.faults.simulated import ODD_OUTCOMES
from tests.faults.stack import BrokenCampaign, Stack, prepared
from tests.faults.systems import Systems

THREADS = 12
TELL_EVERY = 500  # operations
TICK = 0.05
BETWEEN_LOOKS = 2.0  # seconds between two looks for refunds that are too much
NO_PROGRESS = 60.0  # seconds in which nothing becomes less, after which what is left is stuck
LONGEST_STEP = 1800.0  # seconds, should jobs be put off for ever
COUNTERS = ("lost", "doubled", "over_refunded", "wrong_tenant", "stuck")
# How far the clock is moved on at the end, step by step, so that every schedule runs out: polls to
# five weeks, a week of tries of a refund, an hour in which a request may still arrive.
PEACE = (30.0, 20 * MINUTE, 2 * HOUR, 7 * HOUR, 26 * HOUR, 50 * HOUR, 8 * 24 * HOUR, 36 * 24 * HOUR)

# Hours more, one by one, for what is still on its way to systems that ask us to wait.
LAST_TRIES = 60

OVER_REFUNDED = """
    SELECT p.order_id, sum(r.amount_paise), p.received_paise
    FROM "{schema}".payments_refund r JOIN "{schema}".payments_payment p ON p.id = r.payment_id
    WHERE r.state <> 'failed' GROUP BY p.id, p.order_id, p.received_paise
    HAVING sum(r.amount_paise) > p.received_paise
"""
END_SENDING = 'UPDATE "{schema}".merchants_endpoint SET busy_until = NULL'
WAITING = "SELECT 1 FROM \"{schema}\".payments_delivery WHERE state = 'waiting'"
DUE = """
    SELECT count(*) FROM job
    WHERE state <> 'waiting' OR run_at <= now() + %s * interval '1 second'
"""
RUNNING = "SELECT count(*) FROM job WHERE state = 'running'"
END_LEASES = """
    UPDATE job SET leased_until = statement_timestamp() - interval '1 second'
    WHERE state = 'running' RETURNING id
"""


@dataclass
class Outcome:
    """What a campaign found. `found` names, for each counter, what it counts."""

    plan: Plan
    operations: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    found: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in COUNTERS})
    cut_short: int = 0
    errors: list[str] = field(default_factory=list)
    # What the campaign moved: so many orders were paid, so many refunds made, pages looked at.
    paid: int = 0
    refunded: int = 0
    pages: int = 0
    told: int = 0  # messages that merchants' systems were sent

    @property
    def too_little(self) -> str:
        """Why this campaign proves nothing, in words; empty when it proves something."""
        if self.operations < len(self.plan.operations):
            return "not every operation was begun"
        if self.injected.total() * 4 < self.operations:
            return "fewer faults took effect than one for four operations"
        if min(self.paid * 10, self.refunded * 50, self.pages, self.told * 4) < self.operations:
            return "too little was paid, refunded, looked at and told"
        return ""

    @property
    def clean(self) -> bool:
        return not any(self.found.values())

    @property
    def line(self) -> str:
        counts = " ".join(f"{name}={len(self.found[name])}" for name in COUNTERS)
        return (
            f"faults: operations={self.operations} injected={self.injected.total()}"
            f" {counts} seed={self.plan.seed}"
        )


def run(plan: Plan, data_dir: Path, bug: str = "", pattern: Path | None = None) -> Outcome:
    """Carry out a plan on a product of its own in `data_dir`, which is made anew, by the `pattern`
    if there is one: see `prepared`."""
    with (
        emptied(data_dir),
        prepared(data_dir, bug, pattern) as stack,
        standing_between(stack, plan.seed) as proxy,
        Systems() as systems,
    ):
        campaign = Campaign(plan, stack, proxy, systems)
        campaign.prepare()
        campaign.fight()
        campaign.make_peace()
        return campaign.judge()


@contextmanager
def emptied(data_dir: Path) -> Iterator[None]:
    """A folder with nothing of the last campaign. Raises config.processes.Failed when another
    campaign is in it."""
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    with only_user(data_dir):
        embedded.end_leftover(data_dir / "postgres")
        for path in data_dir.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()
        yield


@contextmanager
def standing_between(stack: Stack, seed: int) -> Iterator[Proxy]:
    """The proxy on the port where the product looks for Paytm."""
    proxy = Proxy(stack.port + 1, stack.port + 2, seed)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


class Campaign:
    """Its main thread strikes the blows of the plan while others carry out the operations."""

    def __init__(self, plan: Plan, stack: Stack, proxy: Proxy, systems: Systems) -> None:
        self.plan, self.stack, self.proxy, self.systems = plan, stack, proxy, systems
        self.outcome = Outcome(plan)
        self.watch = Watch()
        self.world = World(stack, self.watch, [])
        self.offset = 0.0
        self.began = time.monotonic()
        self.up = threading.Event()  # whoever begins now does not meet a closed door
        self.over = False
        self.under_way = 0
        self._guard = threading.Lock()
        self._look_again = 0.0

    # --- Before ----------------------------------------------------------------------------
    def prepare(self) -> None:
        """Merchants, people, links; then the product is started."""
        size = (str(self.plan.tenants), str(len(self.plan.operations)))
        words = (*size, self.systems.url, self.stack.bug)
        told = self.stack.run("-m", "tests.faults.supporting", *words)
        self.secrets = {path: key for shop in told for path, key in shop["secrets"].items()}
        self.world.shops = shops_of(told, self.stack, self.watch)
        self.schemas = [name for (name,) in self.stack.rows("SELECT schema_name FROM tenant")]
        self.stack.start("worker")
        self.stack.start("web")
        self.tell(f"{len(told)} merchants are ready")

    # --- The fight --------------------------------------------------------------------------
    def fight(self) -> None:
        """Operations in many threads, blows in this one."""
        self.proxy.armed = True
        self.up.set()
        queue = iter(self.plan.operations)
        with ThreadPoolExecutor(THREADS) as threads:
            working = [threads.submit(self._work, queue) for _ in range(THREADS)]
            try:
                self._strike_all(working)
            finally:
                self.over = True
                self.up.set()
        self.proxy.armed = False
        self.tell(f"{self.outcome.operations} operations, {self.outcome.cut_short} cut short")

    def _work(self, queue: Iterator[Operation]) -> None:
        while (operation := self._next(queue)) is not None:
            try:
                perform(self.world, operation)
            except (requests.RequestException, threading.BrokenBarrierError):
                self._count(cut_short=1)
            finally:
                self._count(under_way=-1)

    def _next(self, queue: Iterator[Operation]) -> Operation | None:
        """The next operation, once the product is up: nobody begins at a closed door."""
        self.up.wait()
        with self._guard:
            operation = None if self.over else next(queue, None)
            self.outcome.operations += operation is not None
            self.under_way += operation is not None
        return operation

    def _count(self, cut_short: int = 0, under_way: int = 0) -> None:
        with self._guard:
            self.outcome.cut_short += cut_short
            self.under_way += under_way

    def _strike_all(self, working: Sequence[Future[None]]) -> None:
        """Strike each blow when its time has come, until all operations are done.

        Raises at once what a thread failed with that no fault of the product can explain.
        """
        blows, told = [*self.plan.blows], 0
        while not all(thread.done() for thread in working):
            for thread in working:
                if thread.done():
                    thread.result()
            if blows and self.outcome.operations > blows[0].after:
                self._strike(blows.pop(0))
            if self.outcome.operations >= told + TELL_EVERY:
                told = self.outcome.operations
                self.tell(f"{told} operations")
            self._look_for_too_much()
            time.sleep(TICK)

    def _strike(self, blow: Blow) -> None:
        strikes = {"kill": self._kill, "clock": self._jump, "lease": self._end_leases}
        if strikes[blow.kind](blow):
            self.world.saw(f"{blow.kind} {blow.part}".strip())

    def _kill(self, blow: Blow) -> bool:
        """Kill -9 a part that is at work, and start it again."""
        at_work = self._wait(self._jobs_run if blow.part == "worker" else self._people_act)
        if blow.part != "worker":
            self.up.clear()
        died = self.stack.kill(blow.part)
        self.stack.start(blow.part)
        self.up.set()
        return died and at_work

    def _jump(self, blow: Blow) -> bool:
        """Move the one clock of product and Paytm, perhaps back."""
        self.move_clock(blow.seconds)
        try:
            return abs(self.stack.paytm.clock() - self.offset) < 1
        except requests.RequestException:
            return False

    def _end_leases(self, blow: Blow) -> bool:
        """Running jobs are taken for abandoned, as if their worker had stood still for long."""
        return self._wait(lambda: bool(self.stack.rows(END_LEASES)))

    def _people_act(self) -> bool:
        return self.under_way > 0

    def _jobs_run(self) -> bool:
        return bool(self.stack.rows(RUNNING)[0][0])

    def _wait(self, happens: Callable[[], bool], seconds: float = 3) -> bool:
        """Whether it happens within so many seconds."""
        deadline = time.monotonic() + seconds
        while not happens():
            if time.monotonic() > deadline:
                return False
            time.sleep(TICK / 5)
        return True

    def _look_for_too_much(self) -> None:
        """Refunds that together are more than arrived may be refused later: look while it lasts."""
        if time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + BETWEEN_LOOKS
        everywhere = " UNION ALL ".join(OVER_REFUNDED.format(schema=name) for name in self.schemas)
        for row in self.stack.rows(everywhere):
            words = "{}: {} asked back of {}".format(*row)
            if words not in self.outcome.found["over_refunded"]:
                self.outcome.found["over_refunded"].append(words)

    # --- Peace ------------------------------------------------------------------------------
    def make_peace(self) -> None:
        """No more faults; time passes until every schedule has run out and nothing is due."""
        self._take_stock()
        self.stack.rows(END_LEASES)
        for schema in self.schemas:
            self.stack.rows(END_SENDING.format(schema=schema))
        for seconds in PEACE:
            self.move_clock(seconds)
            self._wait_until_quiet()
            self.stack.paytm.finish_refunds()
        for _ in range(LAST_TRIES):
            if self._on_their_way():
                self.move_clock(HOUR)
                self._wait_until_quiet()
        self.tell("all is quiet")

    def _on_their_way(self) -> bool:
        """Whether a merchant's system is still to be told of something."""
        everywhere = " UNION ALL ".join(WAITING.format(schema=name) for name in self.schemas)
        return bool(self.stack.rows(f"{everywhere} LIMIT 1"))

    def _take_stock(self) -> None:
        """What took effect, as the proxy, Paytm and the actors have seen it."""
        odd = (order["scenario"] for order in self.stack.paytm.books()["orders"])
        taken = Counter({"planted": self.stack.paytm.taken()})
        outcomes = Counter(name for name in odd if name in ODD_OUTCOMES)
        if self.proxy.is_broken:
            raise BrokenCampaign("the proxy has failed by itself; what it said stands above")
        self.outcome.injected = self.world.seen + self.proxy.seen + taken + outcomes
        self.stack.paytm.forget_scenarios()

    def _wait_until_quiet(self) -> None:
        """Until no job is due, or for a long while none was done.

        Jobs that wait for a breaker are put off together and come back together: so what counts
        is that some are done between two looks, not that there were never fewer.
        """
        end = time.monotonic() + LONGEST_STEP
        before, deadline = None, time.monotonic() + NO_PROGRESS
        while due := self.stack.rows(DUE, self.offset)[0][0]:
            if before is None or due < before:
                deadline = min(end, time.monotonic() + NO_PROGRESS)
            if time.monotonic() > deadline:
                return
            before = due
            time.sleep(TICK * 4)

    def move_clock(self, seconds: float) -> None:
        """Put the clock on from where it stands, for product and Paytm at once."""
        self.offset += seconds
        draft = self.stack.data_dir / "clock.new"
        draft.write_text(str(self.offset))
        draft.replace(self.stack.data_dir / "clock")

    # --- Judgement --------------------------------------------------------------------------
    def judge(self) -> Outcome:
        """Compare the books, and add what was seen on the way."""
        books, theirs = self.stack.data_dir / "books.json", self.stack.paytm.books()
        heard, odd = self.systems.heard(self.secrets)
        books.write_text(json.dumps(theirs | {"heard": heard}))
        for counter, found in self.stack.run("-m", "tests.faults.oracle", str(books)).items():
            self.outcome.found[counter] += found
        self.outcome.found["wrong_tenant"] += self.watch.foreign + odd
        self.outcome.told = len(self.systems.requests)
        self.outcome.errors, self.outcome.pages = self.watch.errors, self.watch.pages
        self.outcome.paid = sum(order["paid_paise"] > 0 for order in theirs["orders"])
        self.outcome.refunded = sum(order["refunded_paise"] > 0 for order in theirs["orders"])
        return self.outcome

    def tell(self, words: str) -> None:
        say(f"[{time.monotonic() - self.began:5.0f} s] {words}")
