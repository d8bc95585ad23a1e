"""The whole product, really started: what `make run` starts, on free ports and its own data."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import requests

from config import embedded
from config.processes import Service
from config.supervisor import environment as environment_of
from tests import plugin
from tests.ports import free_ports

STARTUP = 180.0
STOP = 60.0


@dataclass
class Stack:
    """A running product."""

    port: int
    data_dir: Path
    supervisor: Service
    database_url: str

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def simulator_url(self) -> str:
        return f"http://localhost:{self.port + 1}"

    @cached_property
    def demo(self) -> dict[str, Any]:
        """demo.json: people, passwords, addresses."""
        facts: dict[str, Any] = json.loads((self.data_dir / "demo.json").read_text())
        return facts

    @property
    def console(self) -> str:
        """What the supervisor has said so far."""
        return self.supervisor.log.read_text()

    def run(self, *words: str) -> str:
        """What a Python program says that runs beside the product, as one of its own."""
        told = environment_of(self.port, self.data_dir) | {"DATABASE_URL": self.database_url}
        done = subprocess.run(
            [sys.executable, *words], env=told, stdout=subprocess.PIPE, check=True
        )
        return done.stdout.decode()

    def control(self, path: str, **body: Any) -> None:
        """Tell the simulator what to do; see its GET /_control/."""
        token = json.loads((self.data_dir / "secrets.json").read_text())["SIMULATOR_TOKEN"]
        url, headers = f"{self.simulator_url}/_control/{path}", {"Authorization": f"Bearer {token}"}
        requests.post(url, json=body, headers=headers, timeout=10).raise_for_status()

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.base_url}/readyz", timeout=10).status_code == 200
        return False

    def processes(self) -> list[psutil.Process]:
        """Everything of this product that lives, found without its help, command lines known."""
        return [*embedded.processes(self.data_dir / "postgres"), *told(self.data_dir)]

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Ask it to stop; its exit code, or None when it does not end in time."""
        if self.supervisor.process is not None:
            self.supervisor.process.send_signal(by)
        return self.ended()

    def ended(self) -> int | None:
        """The exit code of a supervisor that ends by itself; None when it does not in time."""
        if self.supervisor.process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.supervisor.process.wait(STOP)
        return None


@contextmanager
def running(
    data_dir: Path, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Start the product and yield it once ready; at the end stop it and see that nothing is left.

    The same data directory again is a second start on the data of the first.
    """
    stack = start(data_dir, port, environment)
    try:
        wait_until_ready(stack)
        yield stack
    finally:
        code, left = stack.stop(), stack.processes()
        stack.supervisor.kill()
    assert code == 0, stack.console
    assert not left


def start(
    data_dir: Path, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Stack:
    """Start the product without waiting for it. The tests' own settings do not reach it."""
    port = port or free_ports()
    inherited = {k: v for k, v in os.environ.items() if k not in plugin.ENVIRONMENT}
    supervisor = Service(
        "supervisor",
        [sys.executable, "-m", "config.supervisor"],
        data_dir / "console.log",
        inherited | {"PORT": str(port), "DATA_DIR": str(data_dir)} | dict(environment or {}),
    )
    supervisor.start()
    database_url = (environment or {}).get("DATABASE_URL") or embedded.url(data_dir / "postgres")
    return Stack(port, data_dir, supervisor, database_url)


def wait_until_ready(stack: Stack) -> None:
    deadline = time.monotonic() + STARTUP
    while not stack.is_ready():
        assert stack.supervisor.exit_code() is None, stack.console
        assert time.monotonic() < deadline, stack.console
        time.sleep(0.1)


@contextmanager
def own_database() -> Iterator[dict[str, str]]:
    """The product's DATABASE_URL: a new database on the given server, dropped at the end.

    Nothing when the tests were given no server: then the product brings its own.
    """
    if not plugin.GIVEN_DATABASE_URL:
        yield {}
        return
    name = f"payments_stack_{os.getpid()}_{time.monotonic_ns()}"
    url = re.sub(r"//([^/]*)/[^?]*", rf"//\1/{name}", plugin.GIVEN_DATABASE_URL, count=1)
    administer(f"CREATE DATABASE {name}")
    try:
        yield {"DATABASE_URL": url}
    finally:
        administer(f"DROP DATABASE {name} WITH (FORCE)")


def administer(statement: str) -> None:
    connection = psycopg2.connect(plugin.GIVEN_DATABASE_URL, dbname="postgres")
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)


def told(data_dir: Path) -> list[psutil.Process]:
    """Every living process whose environment names this data directory."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["environ"] or {}).get("DATA_DIR") == str(data_dir)
    ]
