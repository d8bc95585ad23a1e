"""What every part of a running simulator shares: its books, its clock, its courier, its token."""

import argparse
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from simulator import payments, refunds, settlements
from simulator.clock import Clock
from simulator.records import Merchant
from simulator.store import Store, find, save
from simulator.webhooks import Courier

TICK_SECONDS = 0.2


@dataclass
class World:
    """One simulator."""

    store: Store
    clock: Clock
    control_token: str
    paid_out: int = 0  # the midnight whose payouts are made, as far as this process knows

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The books, up to date: everything has happened whose time has come."""
        with self.store.transaction() as db:
            payments.ripen(db, self.clock.now())
            refunds.ripen(db, self.clock.now())
            midnight = settlements.last_midnight(self.clock.now())
            if midnight != self.paid_out:  # a clock may be set back, too
                settlements.ripen(db, midnight, self.clock.now())
            yield db
        self.paid_out = midnight  # now that they are committed


def open_world(options: argparse.Namespace) -> World:
    """The simulator these command-line options describe, its heart beating."""
    clock = Clock(Path(options.clock_file) if options.clock_file else None)
    world = World(Store(options.state), clock, options.control_token)
    with world.store.transaction() as db:
        for mid, key in options.merchant:
            known = find(db, Merchant, mid=mid) or Merchant(mid, key)
            save(db, replace(known, merchant_key=key))
    threading.Thread(target=_beat, args=(world,), daemon=True, name="heart").start()
    return world


def _beat(world: World) -> None:
    courier = Courier(world.store, world.clock)
    rest = threading.Event()
    while not rest.wait(TICK_SECONDS):
        with world.transaction():
            pass
        courier.send_due()
