"""A client that costs little: prepared requests over kept connections, one thread."""

import re
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing

CONNECTIONS = 32
PATIENCE = 60
END = b"\r\n\r\n"
LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")


class Silence(Exception):
    """The web did not answer within a minute, or hung up."""


class Caller:
    """A connection with one request under way at a time, taken from a common list."""

    def __init__(self, port: int, requests: Sequence[bytes], numbers: Iterator[int]) -> None:
        self.requests, self.numbers = requests, numbers
        self.number: int | None = None
        self.answers: dict[int, bytes] = {}
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask_next(self) -> bool:
        """Send the next request; False when there is none."""
        self.number = next(self.numbers, None)
        if self.number is not None:
            self.answers[self.number] = b""
            self.socket.sendall(self.requests[self.number])
        return self.number is not None

    def hear(self) -> bool:
        """Read what came, and ask on once the answer is whole; False when there is no more."""
        part = self.socket.recv(65536)
        if not part or self.number is None:
            raise Silence
        self.answers[self.number] += part
        return not is_whole(self.answers[self.number]) or self.ask_next()

    def close(self) -> None:
        self.socket.close()


def is_whole(answer: bytes) -> bool:
    """Whether all of its body is there, which must come in one piece of a stated length."""
    head, end, body = answer.partition(END)
    if not end:
        return False
    length = LENGTH.search(head)
    return length is not None and len(body) >= int(length[1])


def send_all(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """The answers, in the order of the requests."""
    numbers = iter(range(len(requests)))
    callers = [Caller(port, requests, numbers) for _ in range(min(CONNECTIONS, len(requests)))]
    with closing(select.epoll()) as poll:
        busy = {caller.socket.fileno(): caller for caller in callers if caller.ask_next()}
        for handle in busy:
            poll.register(handle, select.EPOLLIN)
        while busy:
            ready = poll.poll(PATIENCE)
            if not ready:
                raise Silence
            for handle, _ in ready:
                if not busy[handle].hear():
                    poll.unregister(handle)
                    del busy[handle]
    answers = {number: answer for caller in callers for number, answer in caller.answers.items()}
    for caller in callers:
        caller.close()
    return [answers[number] for number in range(len(requests))]
