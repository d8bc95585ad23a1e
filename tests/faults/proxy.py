"""A TCP proxy between the product and Paytm that spoils connections.

It understands just enough HTTP to know where a request ends, so that it can tell "before the
request went through" from "after". Which connection is spoilt, and how, comes from a seed.
"""

import contextlib
import random
import select
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable

CHUNK = 64 * 1024
SILENCE = 20.0  # seconds that a stalled connection is held at most
LATE = 0.4  # seconds; less than the product's patience
RATE = 0.09  # of all connections are spoilt


class Gone(Exception):
    """One of the two ends has closed the connection."""


class Line:
    """One end's connection, read message by message."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._buffer = b""

    def message(self) -> bytes:
        """The next whole HTTP message. Raises Gone when none comes; a cut one is returned."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head = self._buffer.partition(b"\r\n\r\n")[0]
        end = len(head) + 4 + length_of(head)
        with contextlib.suppress(Gone):
            while len(self._buffer) < end:
                self._more()
        message, self._buffer = self._buffer[:end], self._buffer[end:]
        return message

    def _more(self) -> None:
        try:
            received = self.peer.recv(CHUNK)
        except OSError as error:
            raise Gone from error
        if not received:
            raise Gone
        self._buffer += received

    def send(self, data: bytes) -> None:
        """Raises Gone when the other end has closed."""
        try:
            self.peer.sendall(data)
        except OSError as error:
            raise Gone from error

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def hold(self, seconds: float) -> None:
        """Say nothing until the other end closes."""
        with contextlib.suppress(OSError):
            select.select([self.peer], [], [], seconds)


def length_of(head: bytes) -> int:
    """The Content-Length that a message's head states, 0 for none."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


class Exchange:
    """One request on its way, with the two lines and dice of its own."""

    def __init__(self, client: Line, server: Line, request: bytes, dice: random.Random) -> None:
        self.client, self.server, self.request, self.dice = client, server, request, dice

    def answer(self) -> bytes:
        """Let the request through; the whole answer. Raises Gone."""
        self.server.send(self.request)
        return self.server.message()


def reset_before(it: Exchange) -> None:
    """The request is lost and the connection reset."""
    it.client.reset()


def reset_after(it: Exchange) -> None:
    """The request went through; instead of the answer comes a reset."""
    it.answer()
    it.client.reset()


def drop_before(it: Exchange) -> None:
    """The request is lost and the connection closed in good order."""


def drop_after(it: Exchange) -> None:
    """The request went through; the connection is closed without an answer."""
    it.answer()


def stall_before(it: Exchange) -> None:
    """The request is lost, and nothing ever comes."""
    it.client.hold(SILENCE)


def stall_after(it: Exchange) -> None:
    """The request went through, and half an answer comes."""
    answer = it.answer()
    it.client.send(answer[: len(answer) // 2])
    it.client.hold(SILENCE)


def delay(it: Exchange) -> None:
    """The answer comes late, yet in time."""
    answer = it.answer()
    time.sleep(LATE)
    it.client.send(answer)


def truncate(it: Exchange) -> None:
    """The connection ends within the answer."""
    answer = it.answer()
    it.client.send(answer[: it.dice.randrange(1, len(answer))])


def garbage(it: Exchange) -> None:
    """The request went through; what comes back is noise."""
    it.answer()
    it.client.send(it.dice.randbytes(200))


def garble(it: Exchange) -> None:
    """Up to eight bytes of the answer's body are others. Raises Gone where it has none."""
    answer = it.answer()
    body = answer.index(b"\r\n\r\n") + 4
    if body == len(answer):
        raise Gone
    at = it.dice.randrange(body, max(body + 1, len(answer) - 8))
    it.client.send(answer[:at] + b"#garble#"[: len(answer) - at] + answer[at + 8 :])


def double_request(it: Exchange) -> None:
    """Paytm gets the request twice."""
    answer = it.answer()
    it.answer()
    it.client.send(answer)


def double_answer(it: Exchange) -> None:
    """The answer's bytes come twice."""
    it.client.send(it.answer() * 2)


TROUBLES: tuple[Callable[[Exchange], None], ...] = (
    *(reset_before, reset_after, drop_before, drop_after, stall_before, stall_after),
    *(delay, truncate, garbage, garble, double_request, double_answer),
)
ENDS_LINE = frozenset(trouble.__name__ for trouble in TROUBLES) - {
    *("delay", "double_request", "double_answer")
}


class Proxy(socketserver.ThreadingTCPServer):
    """Listens on `port` of this machine and speaks to `upstream`, spoiling while `armed`.

    `seen` counts what took effect: the request had come, and the spoiling was carried out.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, upstream: int, seed: int) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.upstream = upstream
        self.armed = self.is_broken = False
        self.seen: Counter[str] = Counter()
        self._dice = random.Random(seed)
        self._guard = threading.Lock()

    def start(self) -> None:
        """Serve in a thread of its own until `stop`."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True, name="proxy").start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def draw(self) -> tuple[Callable[[Exchange], None] | None, random.Random]:
        """What becomes of the next connection, and dice for the details."""
        with self._guard:
            spoilt, trouble = self._dice.random() < RATE, self._dice.choice(TROUBLES)
            return (trouble if spoilt and self.armed else None), random.Random(self._dice.random())

    def count(self, trouble: str) -> None:
        with self._guard:
            self.seen[trouble] += 1

    def handle_error(self, request: object, client_address: object) -> None:
        """A bug of the proxy must not pass for a fault of the network."""
        self.is_broken = True
        super().handle_error(request, client_address)  # type: ignore[arg-type]


class Connection(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        """Pass on request after request; the one that was drawn is spoilt."""
        trouble, dice = self.server.draw()
        try:
            with socket.create_connection(("127.0.0.1", self.server.upstream), 5) as upstream:
                upstream.settimeout(SILENCE)
                self._pass_on(Line(self.request), Line(upstream), trouble, dice)
        except (Gone, OSError):
            Line(self.request).reset()

    def _pass_on(
        self,
        client: Line,
        server: Line,
        trouble: Callable[[Exchange], None] | None,
        dice: random.Random,
    ) -> None:
        while True:
            exchange = Exchange(client, server, client.message(), dice)
            if trouble is None:
                client.send(exchange.answer())
                continue
            trouble(exchange)
            self.server.count(trouble.__name__)
            if trouble.__name__ in ENDS_LINE:
                return
            trouble = None
