"""Each way of spoiling a connection does what its name says, seen from both ends."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.faults import proxy
from tests.faults.proxy import TROUBLES, Exchange, Proxy
from tests.ports import free_ports

pytestmark = pytest.mark.slow

ANSWER = b"the whole answer, and nothing but the answer"
COMES = {"delay", "double_request", "double_answer"}
COMES_SPOILT = {"garble", "truncate"}  # a cut within the headers is an empty answer to requests


class Upstream(ThreadingHTTPServer):
    """Counts the requests that reach it."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Answering)
        self.came = 0


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *args: object) -> None:
        """A test's console is for the test."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(free_ports()) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def between(upstream: Upstream) -> Iterator[Proxy]:
    standing = Proxy(free_ports(), upstream.server_port, seed=1)
    standing.start()
    yield standing
    standing.stop()


def ask(between: Proxy) -> bytes:
    """What a client gets that waits a second. Raises requests.RequestException."""
    url = f"http://127.0.0.1:{between.server_address[1]}/"
    return requests.post(url, data=b"a request", timeout=1).content


def test_unarmed_it_passes_everything_on(between: Proxy, upstream: Upstream) -> None:
    assert {ask(between) for _ in range(30)} == {ANSWER}
    assert upstream.came == 30
    assert not between.seen


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_it_spoils_as_it_says(
    between: Proxy,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Exchange], None],
) -> None:
    monkeypatch.setattr(proxy, "RATE", 1.0)
    monkeypatch.setattr(proxy, "TROUBLES", (trouble,))
    between.armed = True
    name = trouble.__name__
    if name in COMES:
        assert ask(between) == ANSWER
    else:
        with contextlib.suppress(requests.RequestException):
            assert ask(between) != ANSWER
            assert name in COMES_SPOILT
    wait_for(lambda: between.seen[name] == 1)
    assert upstream.came == {"double_request": 2}.get(name, int("before" not in name))


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
