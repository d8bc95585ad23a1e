"""`make run`: the whole product as one tree of processes, for a demo on one machine.

In this order: PostgreSQL, schemas, static files, simulator, demo data, worker, web. Ctrl-C or
SIGTERM ends them in the opposite order; everything they keep is in DATA_DIR. In production
web and worker run under the machine's own service manager instead.
"""

import fcntl
import hashlib
import http.client
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config import embedded, env, keys
from config.processes import Failed, Keeper, Service, Stopped, say

STARTUP = 120.0  # seconds any one part may take to come up
BANNER = """
Ready in {seconds:.0f} s.

  Site            {base_url}/
  A merchant      {base_url}/m/{merchant}/test/
                  {owner[email]}  {owner[password]}
  The platform    {base_url}/platform/
                  {platform_admin[email]}  {platform_admin[password]}
                  authenticator secret {platform_admin[totp_secret]}
  A payment link  {pay_url}
  Caught mails    {base_url}/demo/mail/
  Paytm simulator {simulator_url}/

  Data and logs   {data_dir} (logs/<name>.log)
  Stop            Ctrl-C; starting again keeps the data
"""


@dataclass
class Demo:
    """Where one demo lives and what its programs are told. The simulator has port + 1."""

    port: int
    data_dir: Path
    environment: dict[str, str]

    def program(self, name: str, *words: str) -> Service:
        """A Python program of ours under the demo's environment."""
        log = self.data_dir / "logs" / f"{name}.log"
        return Service(name, [sys.executable, *words], log, self.environment)

    def manage(self, command: str, *words: str) -> Service:
        """A management command of ours."""
        return self.program(command, "manage.py", command, *words)


def main() -> int:
    """Run until a signal comes. Returns 0 when asked to stop, 1 when something failed."""
    keeper = Keeper()
    try:
        env.choice("MODE", ["demo"], "demo")
        port, data_dir = env.integer("PORT", 8000, low=1, high=65534), env.path("DATA_DIR", "var")
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        with only_user(data_dir) as after_crash:
            for number in (port, port + 1):
                problem = f"port {number} is in use or not allowed; try: make run PORT=…"
                keeper.wait_for(partial(free, number), 15 if after_crash else 0, problem)
            run(keeper, Demo(port, data_dir, environment(port, data_dir)))
    except Stopped:
        say("Stopped.")
        return 0
    except (Failed, env.BadEnvironment, embedded.DatabaseFailed, OSError) as problem:
        say(f"make run: {problem}")
        return 1
    return 0


def run(keeper: Keeper, demo: Demo) -> None:
    """Bring everything up, say where to go, and keep it up until Stopped."""
    began = time.monotonic()
    try:
        start(keeper, demo)
        say(banner(demo, time.monotonic() - began))
        keeper.watch()
    finally:
        keeper.stop()


def start(keeper: Keeper, demo: Demo) -> None:
    """Bring everything up in order; each part finds ready what it needs."""
    logs = demo.data_dir / "logs"
    start_database(keeper, demo)
    say("Preparing schemas and static files.")
    keeper.run(demo.manage("prepare"))
    collect_static(keeper, demo)
    keeper.keep(simulator(demo))
    keeper.wait_for(lambda: listens(demo.port + 1), STARTUP, f"no simulator; see {logs}")
    keeper.run(demo.manage("demo"))
    say("Starting web and worker.")
    keeper.keep(demo.manage("work"))
    keeper.keep(web(demo))
    keeper.wait_for(lambda: is_ready(demo.port), STARTUP, f"/readyz is not 200; see {logs}")


def start_database(keeper: Keeper, demo: Demo) -> None:
    """Start PostgreSQL and tell the others its DATABASE_URL, unless there is one already."""
    if demo.environment.get("DATABASE_URL", "").strip():
        return
    directory, log = demo.data_dir / "postgres", demo.data_dir / "logs" / "postgres.log"
    say("Starting PostgreSQL.")
    keeper.keep(embedded.service(directory, log))
    keeper.wait_for(lambda: embedded.is_ready(directory), STARTUP, f"no PostgreSQL; see {log}")
    demo.environment["DATABASE_URL"] = embedded.url(directory)


def collect_static(keeper: Keeper, demo: Demo) -> None:
    """Collect the static files unless they are those of the last time."""
    stamp, fingerprint = demo.data_dir / "static.stamp", static_fingerprint()
    if not stamp.exists() or stamp.read_text() != fingerprint:
        keeper.run(demo.manage("collectstatic", "--no-input", "--verbosity=0"))
        stamp.write_text(fingerprint)


def simulator(demo: Demo) -> Service:
    state, clock = demo.data_dir / "simulator.sqlite", demo.data_dir / "clock"
    return demo.program(
        "simulator",
        *("-m", "simulator", "--port", str(demo.port + 1)),
        *("--state", str(state), "--clock-file", str(clock)),
        f"--control-token={demo.environment['SIMULATOR_TOKEN']}",  # it may begin with a hyphen
    )


def web(demo: Demo) -> Service:
    return demo.program(
        "web",
        *("-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(demo.port)),
        *("--workers", str(env.integer("WEB_WORKERS", 2, low=1))),
        *("--blocking-threads", str(env.integer("WEB_THREADS", 4, low=1))),
        *("--respawn-failed-workers", "--workers-kill-timeout", "5", "--log-level", "warning"),
        "config.wsgi:application",
    )


def environment(port: int, data_dir: Path) -> dict[str, str]:
    """What every program of the demo is told, its kept secrets included."""
    told = {
        "MODE": "demo",
        "PORT": str(port),
        "DATA_DIR": str(data_dir),
        "BASE_URL": f"http://localhost:{port}",
        "SIMULATOR_URL": f"http://localhost:{port + 1}",
        "NO_PROXY": "localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **kept_secrets(data_dir / "secrets.json"), **told}


def kept_secrets(path: Path) -> dict[str, str]:
    """The demo's secrets: made on first use, the same ever after, readable by us alone."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    complete = keys.fresh() | {"SIMULATOR_TOKEN": secrets.token_urlsafe(24)} | known
    if complete != known:
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(complete, indent=2))
        unfinished.rename(path)
    return complete


@contextmanager
def only_user(data_dir: Path) -> Iterator[bool]:
    """Let nobody else run on this data directory. Yields whether the last one was killed.

    Raises Failed at once when somebody does.
    """
    with (data_dir / "lock").open("a+") as lock:
        lock.seek(0)
        holder = lock.read()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"{data_dir} is in use by process {holder}; stop it first") from None
        lock.truncate(0)
        print(os.getpid(), end="", file=lock, flush=True)
        try:
            yield bool(holder)
        finally:
            lock.truncate(0)


def free(port: int) -> bool:
    """Whether we may listen on the port and nobody does, on any address of localhost."""
    if listens(port):
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except OSError:
        return False
    return True


def is_ready(port: int) -> bool:
    """Whether /readyz answers 200, asked without any proxy the environment may name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def banner(demo: Demo, seconds: float) -> str:
    """Where to go and as whom, from what the demo command wrote."""
    facts = json.loads((demo.data_dir / "demo.json").read_text())
    return BANNER.format(**facts, seconds=seconds, data_dir=demo.data_dir)


def static_fingerprint() -> str:
    """Changes with every static file of ours and with the packages that bring their own."""
    digest = hashlib.sha256(Path("requirements.txt").read_bytes())
    for path in sorted(Path("static").rglob("*")):
        digest.update(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
