"""HTTP as payments need it: one POST, at most one answer, bounded in time and size, and an
error that tells whether the request can have had an effect.

Nothing is retried, no redirect is followed, no cookie kept; proxies, netrc and certificate
bundles of the environment are ignored.
"""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from payments.paytm.errors import NoAnswer, NotPaytm, Unknown, Unreachable
from payments.paytm.redaction import blank_text

ANSWER_LIMIT = 256 * 1024
_CHUNK = 16 * 1024
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


def open_session() -> requests.Session:
    """A session that keeps connections alive and is safe to share between threads."""
    return session_over(adapter_over(_HTTP, _HTTPS))


def session_over(adapter: HTTPAdapter) -> requests.Session:
    """A session that speaks through this adapter alone, and follows, keeps and trusts nothing."""
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def post(session: requests.Session, url: str, payload: bytes, timeout: tuple[float, float]) -> str:
    """POST and return the text of a 200 answer.

    `timeout` is (seconds to connect, seconds for the whole answer). Raises Unreachable, Unknown.
    """
    try:
        with session.post(
            url, data=payload, headers=_HEADERS, timeout=timeout, allow_redirects=False, stream=True
        ) as response:
            return _text(response.status_code, _read_capped(response))
    except requests.RequestException as error:
        if _was_never_sent(error):
            raise Unreachable("no connection could be made") from error
        raise NoAnswer(f"no whole answer came: {type(error).__name__}") from error


def _read_capped(response: requests.Response) -> bytes:
    content = b""
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > ANSWER_LIMIT:
            raise Unknown("the answer is too long", blank_text(content.decode("utf-8", "replace")))
    return content


def _text(status: int, content: bytes) -> str:
    raw = blank_text(content.decode("utf-8", "replace"))
    if 300 <= status < 400 or status in (404, 405, 410):
        raise NotPaytm(f"HTTP {status}", raw)
    if status != 200:
        raise (NoAnswer if status >= 500 else Unknown)(f"HTTP {status}", raw)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotPaytm("not UTF-8", raw) from error


def _was_never_sent(error: requests.RequestException) -> bool:
    """True only where no connection was there to send on (see `_nothing_sent_yet`)."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.InvalidURL)):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: requests would read a redirect's whole body even when told not to follow it."""


class _TimedFile(io.RawIOBase):
    """A socket's reading end that stops at a moment, where a socket's own time-out starts anew
    with every byte and lets a dripping server hold us for ever."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(remaining)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _TimedSocket:
    """What http.client asks of a socket: a file to read from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedFile(self._sock))


class TimedResponse(HTTPResponse):
    """Headers and body together get the time that is usually given to each single read."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


@contextmanager
def _nothing_sent_yet(connection: HTTPConnection) -> Iterator[None]:
    """Marks every failure to connect, a failed TLS handshake too, as just that. Afterwards TLS
    errors look the same to requests, and must not be taken for it."""
    try:
        yield
    except (OSError, HTTPError) as error:
        raise NewConnectionError(connection, str(error)) from error


class _HTTP(HTTPConnection):
    response_class = TimedResponse

    def connect(self) -> None:
        with _nothing_sent_yet(self):
            super().connect()


class _HTTPS(HTTPSConnection):
    response_class = TimedResponse

    def connect(self) -> None:
        with _nothing_sent_yet(self):
            super().connect()


def adapter_over(http: type[HTTPConnection], https: type[HTTPSConnection]) -> HTTPAdapter:
    """An adapter that never retries and connects through these classes."""
    pools = {
        "http": type("HTTPPool", (HTTPConnectionPool,), {"ConnectionCls": http}),
        "https": type("HTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
    }
    adapter = HTTPAdapter(max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = pools
    return adapter
