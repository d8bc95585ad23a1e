"""Child processes: restarted when they die, ended for sure, however we end ourselves."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from config.processes import Service

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
KEEPER = """
import sys
from pathlib import Path
from config.processes import Failed, Keeper, Service, Stopped, say

keeper, here = Keeper(), Path(sys.argv[1])

def service(name, code):
    return Service(name, [sys.executable, "-c", code], here / name)

try:
    {body}
    keeper.watch()
except Stopped:
    say("stopped")
except Failed as problem:
    say(f"failed: {{problem}}")
finally:
    keeper.stop()
"""
SLEEP = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
SLEEPER = f'service("sleeper", "{SLEEP}")'


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def numbers(log: Path) -> list[int]:
    """The process ids a program has printed so far."""
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def keeper(here: Path, body: str) -> subprocess.Popen[str]:
    """A Python process that keeps services as `body` says."""
    code = KEEPER.format(body=textwrap.indent(body, "    ").strip())
    return subprocess.Popen(
        [sys.executable, "-c", code, str(here)], stdout=subprocess.PIPE, text=True
    )


def test_a_stubborn_program_and_its_child_are_killed(tmp_path: Path) -> None:
    service = Service("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "log", grace=0.2)
    service.start()
    until(lambda: bool(numbers(service.log)))
    [child] = numbers(service.log)
    service.stop()
    until(lambda: not alive(child))


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_service_that_dies_is_started_again(tmp_path: Path) -> None:
    parent = keeper(tmp_path, f"keeper.keep({SLEEPER})")
    log = tmp_path / "sleeper"
    until(lambda: len(numbers(log)) == 1)
    os.kill(numbers(log)[0], signal.SIGKILL)
    until(lambda: len(numbers(log)) == 2)
    parent.send_signal(signal.SIGTERM)
    said, _ = parent.communicate(timeout=20)
    assert "sleeper ended with code -9; starting it again in 1 s." in said
    assert said.endswith("stopped\n")
    assert not any(alive(pid) for pid in numbers(log))


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_a_step_runs_ends_the_step(tmp_path: Path, by: signal.Signals) -> None:
    parent = keeper(tmp_path, f"keeper.run({SLEEPER})")
    log = tmp_path / "sleeper"
    until(lambda: len(numbers(log)) == 1)
    parent.send_signal(by)
    said, _ = parent.communicate(timeout=20)
    assert said == "stopped\n"
    assert not alive(numbers(log)[0])


def test_a_step_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    parent = keeper(tmp_path, 'keeper.run(service("step", "raise SystemExit(chr(9786))"))')
    said, _ = parent.communicate(timeout=20)
    assert said == f"failed: step ended with code 1; {tmp_path}/step says:\n☺\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot tie a child to us")
def test_kill_9_of_the_keeper_ends_its_services(tmp_path: Path) -> None:
    parent = keeper(tmp_path, f"keeper.keep({SLEEPER})")
    log = tmp_path / "sleeper"
    until(lambda: len(numbers(log)) == 1)
    parent.kill()
    parent.communicate(timeout=20)
    until(lambda: not alive(numbers(log)[0]))
