"""Child processes that end with their parent: each in a group of its own, stopped for sure.

`Service` is one program; `Keeper` runs several, restarts those that die, and stops them all.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
TICK = 0.05  # seconds between two looks at the children
STEADY = 60.0  # seconds after which a service counts as well again
LONGEST_DELAY = 30.0  # seconds before a service that keeps dying is tried again


class Stopped(Exception):
    """A signal asked us to stop."""


class Failed(Exception):
    """Something did not work; the message says what, and where to look."""


@dataclass
class Service:
    """One program under our care. Its output is appended to the log."""

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 15.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program. Raises OSError when it cannot be run at all."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=end_with_parent(self.stop_signal),
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
            )

    def exit_code(self) -> int | None:
        """None while the program runs (or was never started); then its exit code, for ever."""
        return self.process.poll() if self.process else None

    def stop(self) -> None:
        """Ask it to stop; after `grace` seconds kill it. Nothing of its group is left."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.grace)
        self.kill()

    def kill(self) -> None:
        """End the program and whatever it left in its group, at once."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


def end_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program, so that even kill -9 of us ends it. Linux alone."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return prepare


@dataclass
class Kept:
    """A service that runs again when it dies: after 1 second, then 2, 4 … LONGEST_DELAY."""

    service: Service
    started: float = 0.0
    delay: float = 0.0
    due: float | None = 0.0

    def look(self, now: float) -> None:
        """Start it when it is due; when it has died, end what it left and say when it is due."""
        if self.due is not None:
            if now >= self.due:
                self.service.start()
                self.started, self.due = now, None
        elif (code := self.service.exit_code()) is not None:
            self.service.kill()
            steady = now - self.started > STEADY
            self.delay = 1.0 if steady else min(max(1.0, 2 * self.delay), LONGEST_DELAY)
            self.due = now + self.delay
            say(
                f"{self.service.name} ended with code {code}; starting it again"
                f" in {self.delay:.0f} s. Its log: {self.service.log}"
            )


class Keeper:
    """Runs services until SIGTERM, SIGINT or SIGHUP. Every method but `stop` raises Stopped then.

    One per process, made in its main thread.
    """

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.on_signal)

    def on_signal(self, *_: object) -> None:
        self.stopping = True

    def tick(self) -> None:
        """Look after every service once, and rest a moment."""
        if self.stopping:
            raise Stopped
        for kept in self.kept:
            kept.look(time.monotonic())
        time.sleep(TICK)

    def keep(self, service: Service) -> None:
        """Start the service, and again whenever it dies."""
        self.kept.append(Kept(service))
        self.tick()

    def run(self, step: Service) -> None:
        """Run a program to its end. Raises Failed unless it exits 0."""
        step.start()
        try:
            while (code := step.exit_code()) is None:
                self.tick()
        finally:
            step.stop()
        if code:
            raise Failed(f"{step.name} ended with code {code}; {step.log} says:\n{tail(step.log)}")

    def wait_for(self, ready: Callable[[], bool], seconds: float, problem: str) -> None:
        """Return once ready() is true. Raises Failed after that many seconds: what, and why.

        The why is the end of the logs of whatever does not run at that moment.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                down = [kept.service.log for kept in self.kept if kept.due is not None]
                raise Failed("\n".join([problem, *(f"{log} says:\n{tail(log)}" for log in down)]))
            self.tick()

    def watch(self) -> None:
        """Keep everything running; never returns."""
        while True:
            self.tick()

    def stop(self) -> None:
        """Stop everything, the last started first. Signals no longer matter."""
        for kept in reversed(self.kept):
            kept.service.stop()


def say(text: str) -> None:
    print(text, flush=True)


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log, for the console."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
