"""Merchants' systems as a campaign plays them."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

from tests.faults.systems import Systems


def test_a_message_that_broke_off_was_not_heard() -> None:
    """As when the worker is killed while it sends."""
    with Systems() as systems:
        port = urlsplit(systems.url).port
        with closing(socket.create_connection(("127.0.0.1", port or 0))) as sender:
            sender.sendall(b"POST /acme/good HTTP/1.1\r\nContent-Length: 5\r\n\r\n{")
            sender.shutdown(socket.SHUT_WR)
            assert sender.recv(1) == b"", "answered"
        assert systems.requests == []
