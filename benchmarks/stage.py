"""Where benchmarks run: a PostgreSQL of their own that keeps its promises to the disk, and the
product's programs under production settings.

Everything is kept in BENCH_DIR. Seeded databases stay; each figure works on a copy of one.
"""

import contextlib
import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from benchmarks.figures import Wrong, say
from config import embedded, env
from config.processes import Service
from config.supervisor import kept_secrets, only_user

ROOT = Path(__file__).resolve().parent.parent
HOST = "pay.example.com"
PORT = 8790
STARTUP = 60
WORK = "bench"  # the database that figures work on
# What a seeded database depends on: the schemas, and what is put into them.
SOURCES = (
    *("*/migrations/*.py", "tenants/migrations_sql.py"),
    *("benchmarks/seeding.py", "payments/inventing.py"),
)
BIG = 5_000_000  # payments of a merchant that is large
OTHER_INSTANCES = ("SIMULATOR_URL", "SIMULATOR_TOKEN", "EMAIL_URL", "LOG_LEVEL", "CONN_MAX_AGE")

Facts = dict[str, str]
Row = tuple[Any, ...]
Values = Sequence[object] | Mapping[str, object] | None


@dataclass(frozen=True)
class Stage:
    """A running server, and where everything is. `scale` is 1 but for trials of the benchmark."""

    directory: Path
    scale: float
    database: str = WORK

    @cached_property
    def environment(self) -> dict[str, str]:
        """What the product's programs are told: production, and nothing for a benchmark."""
        inherited = {name: value for name, value in os.environ.items()
                     if name not in OTHER_INSTANCES}  # fmt: skip
        told = {
            "MODE": "production",
            "BASE_URL": f"https://{HOST}",
            "DATA_DIR": str(self.directory / "data"),
            "DATABASE_URL": self.url,
            "TRUSTED_PROXIES": "127.0.0.1",
        }
        return inherited | kept_secrets(self.directory / "secrets.json") | told

    def size(self, full: int) -> int:
        """So many at full size; a multiple of eight."""
        return max(8, int(full * self.scale) // 8 * 8)

    @property
    def url(self) -> str:
        return self.url_of(self.database)

    def url_of(self, database: str) -> str:
        return embedded.url(self.directory / "postgres", database)

    def ask(self, statement: str, values: Values = None, *, database: str = "") -> list[Row]:
        """Run a statement; its rows, if it has any."""
        connection = psycopg2.connect(self.url_of(database or self.database))
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def ask_in(self, schema: str, statement: str, values: Values = None) -> list[Row]:
        """As `ask`, in a merchant's schema."""
        return self.ask(f"SET search_path = {schema}, public; {statement}", values)

    def merchants(self, count: int, payments: int) -> list[Facts]:
        """A fresh copy of the database with so many merchants; what to know of each.

        Every merchant has so many payments that wait at Paytm; see `seeding`.
        """
        seed, facts = self._seeded(str(count), payments)
        self._new_database(WORK, f"TEMPLATE {seed}")
        return facts

    def big_merchant(self, payments: int = BIG) -> tuple["Stage", list[Facts]]:
        """A merchant with a year's payments, and one with none. The stage that is returned stands
        on the seeded database itself, for it is too large to copy: look there and do not touch.
        """
        seed, facts = self._seeded("big", self.size(payments))
        return replace(self, database=seed), facts

    def _seeded(self, what: str, payments: int) -> tuple[str, list[Facts]]:
        """The name of a database, seeded the first time, and what to know of it."""
        seed = f"seed_{what}_{payments}_{_fingerprint()}"
        path = self.directory / f"{seed}.json"
        if not path.exists():
            say(f"seeding {what} merchants of {payments} payments, once")
            self._new_database(seed)
            began = time.monotonic()
            path.write_text(self._seed(seed, what, payments))
            say(f"seeded in {time.monotonic() - began:.0f} s")
        facts: list[Facts] = json.loads(path.read_text())
        return seed, facts

    def _seed(self, database: str, what: str, payments: int) -> str:
        words = [sys.executable, "-m", "benchmarks.seeding", what, str(payments)]
        told = self.environment | {"DATABASE_URL": self.url_of(database)}
        done = subprocess.run(
            words, cwd=ROOT, env=told, stdout=subprocess.PIPE, check=True, text=True
        )
        return done.stdout

    def _new_database(self, name: str, options: str = "") -> None:
        self.ask(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', database="postgres")
        self.ask(f'CREATE DATABASE "{name}" {options}', database="postgres")

    def collect_static(self) -> None:
        """Put the product's style sheets and scripts where pages that name them look."""
        words = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
        subprocess.run(words, cwd=ROOT, env=self.environment, check=True, stdout=sys.stderr)

    def postgres_seconds(self) -> float:
        """Processor time that the server and all it ever started have used."""
        return seconds_of(embedded.processes(self.directory / "postgres"))

    @contextmanager
    def web(
        self, application: str = "config.wsgi:application", port: int = PORT
    ) -> Iterator[Service]:
        """The product's web, as docs/operating.md starts it, or another that is held against it."""
        service = Service(
            "web",
            [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--workers", "2", "--blocking-threads", "4", "--log-level", "warning"),
                application,
            ],
            self.directory / "logs" / f"web-{port}.log",
            self.environment,
        )
        service.start()
        try:
            _wait_until_it_answers(service, port)
            yield service
        finally:
            service.stop()


def _wait_until_it_answers(web: Service, port: int) -> None:
    deadline = time.monotonic() + STARTUP
    while not _answers(port):
        if web.exit_code() is not None or time.monotonic() > deadline:
            raise Wrong(f"the web did not start; see {web.log}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": HOST})
        return connection.getresponse().status in (200, 404)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tree_seconds(service: Service) -> float:
    """Processor time of the service's process and of all below it."""
    assert service.process is not None
    parent = psutil.Process(service.process.pid)
    return seconds_of([parent, *parent.children(recursive=True)])


def seconds_of(processes: list[psutil.Process]) -> float:
    """Processor time of these processes, and of those of their children that have ended."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


@contextmanager
def set_up() -> Iterator[Stage]:
    """The stage in BENCH_DIR, its server running until the end.

    Raises Failed when somebody else is using it.
    """
    data_dir = env.path("DATA_DIR", "var")
    directory = env.path("BENCH_DIR", data_dir / "bench")
    (directory / "data" / "static").mkdir(parents=True, exist_ok=True)
    stage = Stage(directory, float(env.text("BENCH_SCALE", "1")))
    postgres = directory / "postgres"
    with only_user(directory):
        server = embedded.service(postgres, directory / "logs" / "postgres.log")
        server.start()
        try:
            embedded.wait_until_ready(server, postgres)
            yield stage
        finally:
            server.stop()


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
