"""`python -m simulator`: serve until SIGTERM or Ctrl-C, and leave no process behind."""

import argparse
import logging
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

THREADS = 64
KILL_SECONDS = 2
PORT_SECONDS = 1


def main() -> None:
    """Read the command line and serve."""
    options = command_line()
    refuse_taken_port(options.host, options.port)
    print(f"Paytm simulator on http://{options.host}:{options.port}", flush=True)
    Server(
        "simulator",
        address=options.host,
        port=options.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=KILL_SECONDS,
    ).serve(target_loader=partial(load, options), wrap_loader=False)


def command_line() -> argparse.Namespace:
    """The options. Without `--state` nothing outlives the process."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--state", default=":memory:", metavar="FILE.sqlite")
    parser.add_argument("--clock-file", metavar="FILE", help="seconds ahead of real time")
    parser.add_argument("--control-token", default="", metavar="TOKEN")
    parser.add_argument("--merchant", type=merchant, action="append", default=[], metavar="MID:KEY")
    return parser.parse_args()


def merchant(argument: str) -> tuple[str, str]:
    """`MID:KEY` as two. The key has 16 bytes and may hold colons."""
    mid, _, key = argument.partition(":")
    if not (mid.isascii() and mid.isalnum()) or len(mid) > 20 or len(key.encode()) != 16:
        raise argparse.ArgumentTypeError("a MID of letters and digits, a colon, a key of 16 bytes")
    return mid, key


def refuse_taken_port(host: str, port: int) -> None:
    """Fail if somebody listens there: the server shares its port and would not notice.

    A worker whose parent was killed a moment ago gets that moment to let go of it.
    """
    end = time.monotonic() + PORT_SECONDS
    while is_taken(host, port):
        if time.monotonic() > end:
            sys.exit(f"Port {port} on {host} is in use or not ours to take.")
        time.sleep(0.05)


def is_taken(host: str, port: int) -> bool:
    """Whether the address cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def load(options: argparse.Namespace) -> Callable[..., Any]:
    """The application, in the server's worker process, which ends when its parent does."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("django.request").setLevel(logging.ERROR)
    threading.Thread(target=end_with_parent, daemon=True).start()
    from simulator.app import application

    return application(options)


def end_with_parent() -> None:
    """A parent that was killed outright cannot stop its worker."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


if __name__ == "__main__":
    main()
