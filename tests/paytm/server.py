"""A local HTTP server that answers with whatever a test puts into it, well formed or not.

Answers are signed with Paytm's own library, so that ours is not checked against itself.
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

import paytmchecksum

MID = "TESTMID0000000001"
KEY = "0123456789abcdef"
OTHER_KEY = "fedcba9876543210"

Behaviour = Callable[["Handler"], None]


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def do_POST(self) -> None:
        """What breaks off half way, as when its sender is killed, is no request."""
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        self.server.requests.append(Request(self.path, dict(self.headers), body))
        self.server.behaviour(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close at once; `reset` sends RST."""
        if reset:
            option = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
        self.close_connection = True
        self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 50
    requests: list[Request]
    behaviour: Behaviour

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silent: clients here hang up on purpose."""


class FakePaytm:
    """`requests` holds what was received."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.requests: list[Request] = []
        self._server.requests = self.requests
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.002,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def use_tls(self, certificate: Path, private_key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, private_key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def does(self, behaviour: Behaviour) -> None:
        self._server.behaviour = behaviour

    def says(self, text: str | bytes, status: int = 200) -> None:
        body = text.encode() if isinstance(text, str) else text
        self.does(lambda handler: handler.reply(body, status, Content_Type="application/json"))

    def answers(self, key: str | None = KEY, **body: Any) -> None:
        """Answer with this body, signed unless the key is None."""
        self.says(envelope(json.dumps(body), key))

    @property
    def asked(self) -> dict[str, Any]:
        """Head and body of the last request."""
        asked: dict[str, Any] = json.loads(self.requests[-1].body)
        return asked


def envelope(body: str, key: str | None = KEY) -> str:
    head = {"responseTimestamp": "1700000000000", "version": "v1"}
    if key:
        head["signature"] = paytmchecksum.generateSignature(body, key)
    return f'{{"head": {json.dumps(head)}, "body": {body}}}'


def result(status: str, code: str, message: str = "As Paytm says") -> dict[str, str]:
    return {"resultStatus": status, "resultCode": code, "resultMsg": message}


def success(**changes: Any) -> dict[str, Any]:
    """A Transaction Status success as Paytm words it."""
    return {
        "resultInfo": result("TXN_SUCCESS", "01", "Txn Success"),
        "txnId": "20261123111212800110168470101509706",
        "bankTxnId": "777001234567",
        "orderId": "ORDER_0001",
        "txnAmount": "1.00",
        "txnType": "SALE",
        "gatewayName": "HDFC",
        "bankName": "HDFC Bank",
        "mid": MID,
        "paymentMode": "UPI",
        "refundAmt": "0.00",
        "txnDate": "2026-11-23 10:00:00.0",
        **changes,
    }
