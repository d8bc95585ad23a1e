"""The product's processes, each of which can be killed and started again, and their state.

Started from the campaign's main thread alone: a child ends with the thread that began it.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import requests

from config import embedded, supervisor
from config.processes import Service, tail
from config.supervisor import Demo
from tests.faults.simulated import Paytm
from tests.faults.systems import PATIENCE
from tests.ports import free_ports

STARTUP = 120.0  # seconds
TICK = 0.05
BUGGY_WEB, BUGGY_WORKER = "tests.faults.buggy_web:application", "tests.faults.buggy_worker"


class BrokenCampaign(Exception):
    """A part of the product does not start, so nothing can be proved; the message has its log."""


class Stack:
    """PostgreSQL, simulator, worker and web on ports of their own, all in `data_dir`.

    The product believes Paytm on the port after its own, where the proxy listens; the simulator
    has the one after that. With a `bug` web and worker run through its launcher.
    """

    def __init__(self, data_dir: Path, bug: str) -> None:
        self.data_dir, self.bug = data_dir, bug
        self.port = free_ports(3)
        self.demo = Demo(self.port, data_dir, environment(self.port, data_dir, bug))
        self.paytm = Paytm(self.port + 2, self.demo.environment["SIMULATOR_TOKEN"])
        self.parts: dict[str, Service] = {}

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def database_url(self) -> str:
        return self.demo.environment["DATABASE_URL"]

    def start(self, part: str) -> None:
        """Start a part and return once it serves. Raises BrokenCampaign when it does not."""
        service = self.parts[part] = self._service(part)
        service.start()
        deadline = time.monotonic() + STARTUP
        while not self._serves(part):
            if service.exit_code() is not None or time.monotonic() > deadline:
                raise BrokenCampaign(f"{part} does not start:\n{tail(service.log)}")
            time.sleep(TICK)

    def kill(self, part: str) -> bool:
        """Kill -9 a part with all it started. True when it was seen alive, and to die of it."""
        service = self.parts[part]
        process = service.process
        if process is None or process.poll() is not None:
            return False
        service.kill()
        if part == "database":
            self._kill_backends()
        return process.returncode == -signal.SIGKILL

    def _kill_backends(self) -> None:
        """Those that the dead server has left. None may live on: its memory is held until then,
        and no server starts."""
        deadline = time.monotonic() + STARTUP
        while left := embedded.processes(self.data_dir / "postgres"):
            if time.monotonic() > deadline:
                raise BrokenCampaign(f"the database's processes do not end: {left}")
            for each in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            psutil.wait_procs(left, timeout=1)

    def stop(self) -> None:
        """Stop everything, the last started first."""
        for service in reversed(self.parts.values()):
            service.stop()

    def run(self, *words: str) -> Any:
        """The JSON that a Python program prints which runs beside the product, as one of it."""
        done = subprocess.run(
            [sys.executable, *words], env=self.demo.environment, stdout=subprocess.PIPE, check=True
        )
        return json.loads(done.stdout)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement returns, in a transaction of its own. Raises psycopg2.Error."""
        with (
            closing(psycopg2.connect(self.database_url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def _service(self, part: str) -> Service:
        make: dict[str, Callable[[], Service]] = {
            "database": self._database,
            "simulator": lambda: supervisor.simulator(
                Demo(self.port + 1, self.data_dir, self.demo.environment)
            ),
            "worker": self._worker,
            "web": self._web,
        }
        return make[part]()

    def _database(self) -> Service:
        log = self.data_dir / "logs" / "postgres.log"
        return embedded.service(self.data_dir / "postgres", log, embedded.THROWAWAY)

    def _worker(self) -> Service:
        if self.bug:
            return self.demo.program("worker", "-m", BUGGY_WORKER)
        return self.demo.program("worker", "manage.py", "work")

    def _web(self) -> Service:
        web = supervisor.web(self.demo)
        if self.bug:
            web.argv = [*web.argv[:-1], BUGGY_WEB]
        return web

    def _serves(self, part: str) -> bool:
        if part == "database":
            return embedded.is_ready(self.data_dir / "postgres")
        if part == "worker":
            return True
        port = self.port if part == "web" else self.port + 2
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://localhost:{port}/healthz", timeout=5).ok
        return False


def environment(port: int, data_dir: Path, bug: str) -> dict[str, str]:
    """What the product's processes are told: as in `make run`, but patient for one second, and
    behind a proxy that says who the payer is."""
    return supervisor.environment(port, data_dir) | {
        "MODE": "test",
        "DATABASE_URL": embedded.url(data_dir / "postgres"),
        "TRUSTED_PROXIES": "127.0.0.1",
        "PAYTM_PATIENCE": "1",
        "WEBHOOK_PATIENCE": str(PATIENCE),
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BUG": bug,
    }


@contextmanager
def prepared(data_dir: Path, bug: str, pattern: Path | None) -> Iterator[Stack]:
    """A stack whose database holds the product's schemas; nothing but PostgreSQL and the
    simulator runs yet. At the end nothing does.

    The first stack of a `pattern` leaves there what it has prepared, and the others begin with it.
    """
    (data_dir / "static").mkdir(parents=True, exist_ok=True)
    if pattern and pattern.exists():
        copy(pattern, data_dir)
    stack = Stack(data_dir, bug)
    try:
        stack.start("database")
        step = stack.demo.program("prepare", "-m", "tests.faults.ready")
        step.start()
        if step.process is not None and step.process.wait(STARTUP):
            raise BrokenCampaign(f"no schemas:\n{tail(step.log)}")
        if pattern and not pattern.exists():
            stack.parts["database"].stop()
            pattern.mkdir(mode=0o711)
            copy(data_dir, pattern)
            stack.start("database")
        stack.start("simulator")
        yield stack
    finally:
        stack.stop()


def copy(source: Path, target: Path) -> None:
    """The database, which must not run, and the keys that its rows are sealed with."""
    kept = [str(source / name) for name in ("postgres", "secrets.json")]
    subprocess.run(["cp", "-a", *kept, str(target)], check=True)
