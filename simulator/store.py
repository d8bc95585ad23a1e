"""Records kept in one SQLite file that survives `kill -9`.

One process, one connection, one lock: a transaction is a `with` block, and what it wrote is
there after the block or not at all.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import TypeVar

from simulator.records import ALL, Record

Kind = TypeVar("Kind", bound=Record)

INDEXES = """
CREATE UNIQUE INDEX IF NOT EXISTS order_token ON orders (token);
CREATE INDEX IF NOT EXISTS order_next ON orders (next_time) WHERE next_time IS NOT NULL;
CREATE INDEX IF NOT EXISTS refund_next ON refund (next_time) WHERE next_time IS NOT NULL;
CREATE INDEX IF NOT EXISTS refund_order ON refund (mid, order_id);
CREATE INDEX IF NOT EXISTS rule_open ON rule (endpoint) WHERE taken < times;
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS order_unsettled ON orders (txn_time)
    WHERE utr = '' AND state = 'TXN_SUCCESS';
CREATE INDEX IF NOT EXISTS refund_unsettled ON refund (final_time)
    WHERE utr = '' AND state = 'TXN_SUCCESS';
CREATE INDEX IF NOT EXISTS settlement_day ON settlement (mid, day);
CREATE INDEX IF NOT EXISTS line_of_settlement ON settlement_line (utr);
"""


class Store:
    """The SQLite file and its one writer."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript("".join(_create_table(kind) for kind in ALL))
        for kind in ALL:
            self._add_columns(kind)
        self._db.executescript(INDEXES)

    def _add_columns(self, kind: type[Record]) -> None:
        """A file of an earlier version gets what was added since, with its default."""
        there = {row["name"] for row in self._db.execute(f"PRAGMA table_info({kind.table})")}
        for column in fields(kind):
            if column.name not in there:
                default = f"DEFAULT '{column.default}'" if column.default is not None else ""
                self._db.execute(f"ALTER TABLE {kind.table} ADD COLUMN {column.name} {default}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing of it, alone. Not nestable: pass the connection on."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def find(db: sqlite3.Connection, kind: type[Kind], **values: object) -> Kind | None:
    """The first record with these values, or None."""
    return next(iter(select(db, kind, **values)), None)


def get(db: sqlite3.Connection, kind: type[Kind], **values: object) -> Kind:
    """The record with these values, which is known to be there. LookupError if it is not."""
    record = find(db, kind, **values)
    if record is None:
        raise LookupError(f"no {kind.table} with {values}")
    return record


def select(db: sqlite3.Connection, kind: type[Kind], **values: object) -> list[Kind]:
    """Every record with these values, in the order they were made."""
    condition = " AND ".join(f"{name} = ?" for name in values) or "1"
    return select_where(db, kind, condition, *values.values())


def select_where(
    db: sqlite3.Connection, kind: type[Kind], condition: str, *values: object
) -> list[Kind]:
    """Every record that meets an SQL condition, in the order they were made."""
    sql = f"SELECT * FROM {kind.table} WHERE {condition} ORDER BY rowid"  # noqa: S608
    return [kind(**dict(row)) for row in db.execute(sql, values)]


def save(db: sqlite3.Connection, record: Record) -> int:
    """Insert the record, or change the one with its key. Returns its row's number."""
    row = asdict(record)
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    changes = ", ".join(f"{name} = excluded.{name}" for name in row)
    sql = (
        f"INSERT INTO {record.table} ({names}) VALUES ({marks})"  # noqa: S608
        f" ON CONFLICT ({', '.join(record.key)}) DO UPDATE SET {changes} RETURNING rowid"
    )
    return int(db.execute(sql, tuple(row.values())).fetchone()[0])


def _create_table(kind: type[Record]) -> str:
    """A number is never given twice: what is under way must not be taken for a later record."""
    columns = [field.name for field in fields(kind) if field.name != "id"]
    if kind.key == ("id",):
        columns.append("id INTEGER PRIMARY KEY AUTOINCREMENT")
    else:
        columns.append(f"PRIMARY KEY ({', '.join(kind.key)})")
    return f"CREATE TABLE IF NOT EXISTS {kind.table} ({', '.join(columns)});"
