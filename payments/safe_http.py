"""HTTP to addresses that strangers typed in: one POST to the open internet, and nowhere else.

An address is refused by its looks first (`check`). Then its name is resolved once, every answer
must be a public address, and the connection goes to one of exactly these, while certificate, SNI
and Host are those of the name. So a name that means something else a moment later gains nothing.
Time and size are bounded; nothing is retried, followed, kept, or taken from the environment.

    BadAddress      the text is no address that we would ever send to
    Answer.failure  why there was no answer, a word of payments.models.event.Failure
"""

import ipaddress
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlsplit

import idna
import requests
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.util import Timeout

from payments.models.event import Failure
from payments.paytm.transport import TimedResponse, adapter_over, session_over

CONNECT_SECONDS: Final = 3.05
ANSWER_LIMIT: Final = 64 * 1024
LONGEST: Final = 400
PORTS: Final = (443, 8443)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What is not the open internet, whatever this Python's own tables say (IANA's special-purpose
# registries; the last is Azure's host machine, public by its number alone).
_NOT_PUBLIC: Final = [
    ipaddress.ip_network(network)
    for line in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12",
        "192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24",
        "192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24",
        "224.0.0.0/4 240.0.0.0/4 168.63.129.16/32 2001::/23 2001:db8::/32 2002::/16",
        "2620:4f:8000::/48 3fff::/20",
    )
    for network in line.split()
]
# Outside it are loopback, link-local, private and multicast, and the forms that hold an IPv4
# address: mapped, compatible, NAT64. 6to4 and Teredo are inside, and in the list above.
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)

_NAME = re.compile(r"(?=.{1,253}\Z)(?:(?!-)[a-z0-9_-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PLAIN = re.compile(r"[!-~\u00a1-\ud7ff\ue000-\U0010ffff]+")


class BadAddress(ValueError):
    """Nothing is ever sent to this address; `reason` says why, a word for the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Answer:
    """What came back. `status` None: no answer, and `failure` says why; else it is "".

    `text` is at most ANSWER_LIMIT bytes of the body, maybe cut where the other side fell silent.
    """

    status: int | None
    failure: str = Failure.NONE
    text: str = ""
    retry_after: str = ""
    ms: int = 0

    @property
    def word(self) -> str:
        """For counting: 2xx, 3xx, 4xx, 5xx, or why there was none."""
        return self.failure if self.status is None else f"{self.status // 100}xx"


def check(url: str) -> str:
    """The address as it is to be kept, its host in plain lower-case ASCII. Raises BadAddress.

    https alone, and a name or number of the public internet at a usual port; outside production
    http, private addresses and any port as well.
    """
    parts, port = _split(url)
    host = _host(parts)
    if settings.PRODUCTION:
        _refuse_unusual(parts.scheme, host, port)
    netloc = f"[{host}]" if ":" in host else host
    if port is not None:
        netloc += f":{port}"
    kept = parts._replace(netloc=netloc, path=parts.path or "/").geturl()
    if len(kept) > LONGEST:
        raise BadAddress("too_long")
    return kept


def _split(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > LONGEST:
        raise BadAddress("too_long")
    # urlsplit drops line breaks and tabs in silence, and browsers read \ as /.
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise BadAddress("characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress("malformed") from error
    if parts.scheme not in ("https", "http"):
        raise BadAddress("scheme")
    if "@" in parts.netloc:
        raise BadAddress("userinfo")
    if "#" in url:
        raise BadAddress("fragment")
    if parts.netloc.endswith(":") or port == 0:
        raise BadAddress("port")
    return parts, port


def _host(parts: SplitResult) -> str:
    """The host in lower case and ASCII; an IPv4 address only as four decimal numbers."""
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        return _literal(host)
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise BadAddress("host") from error
    name = name.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise BadAddress("host")
    # What ends in a number is read as an IPv4 address: 127.1, 0x7f.1, 017700000001, 2130706433.
    return _literal(name) if _NUMBER.fullmatch(name.rpartition(".")[2]) else name


def _literal(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError as error:
        raise BadAddress("host") from error


def _refuse_unusual(scheme: str, host: str, port: int | None) -> None:
    if scheme != "https":
        raise BadAddress("scheme")
    if port not in (None, *PORTS):
        raise BadAddress("port")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if "." not in host:  # a name of some local network
            raise BadAddress("private") from None
    else:
        if not is_public(address):
            raise BadAddress("private")


def is_public(address: Address) -> bool:
    """Whether this is an address of the open internet, and not another one in disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        embeds = (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP
        if address not in _GLOBAL_UNICAST or embeds or address.scope_id:
            return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST, and return whatever came of it; raises nothing. No transaction may be open.

    Takes at most settings.WEBHOOK_PATIENCE seconds, besides what the resolver takes.
    """
    began = time.monotonic()
    try:
        answer = _post(check(url), body, headers)
    except BadAddress:
        answer = Answer(None, Failure.ADDRESS)
    except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
        answer = Answer(None, _failure(error))
    ms = int((time.monotonic() - began) * 1000)
    return Answer(answer.status, answer.failure, answer.text, answer.retry_after, ms)


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    timeout: Any = Timeout(connect=CONNECT_SECONDS, total=settings.WEBHOOK_PATIENCE)
    with (
        session_over(adapter_over(_HTTP, _HTTPS)) as session,
        session.post(
            url,
            data=body,
            headers={**headers, "Accept-Encoding": "identity", "Connection": "close"},
            timeout=timeout,
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        return Answer(
            response.status_code,
            text=_beginning(response),
            retry_after=response.headers.get("Retry-After", ""),
        )


def _beginning(response: requests.Response) -> str:
    """What can be had of the body. The status has decided; a body that breaks off changes nothing.

    Raw, for a compressed one may be a thousand times as long as what was sent.
    """
    content = b""
    try:
        while len(content) < ANSWER_LIMIT:
            some = response.raw.read1(ANSWER_LIMIT - len(content), decode_content=False)
            if not some:
                break
            content += some
    except (HTTPError, HTTPException, OSError):
        pass
    return content.decode("utf-8", "replace")


def _failure(error: BaseException) -> str:
    """The one word for it, from the causes that the libraries wrap into each other."""
    causes = [*_causes(error)]
    for kind, word in _WORDS:
        if any(isinstance(cause, kind) for cause in causes):
            return word
    return Failure.REFUSED if isinstance(error, requests.ConnectionError) else Failure.BROKEN


_WORDS: Final[list[tuple[type[BaseException] | tuple[type[BaseException], ...], str]]] = [
    (NameResolutionError, Failure.NO_NAME),
    ((requests.exceptions.SSLError, SSLError), Failure.TLS),
    ((requests.Timeout, TimeoutError), Failure.TIMEOUT),
    ((ProtocolError, HTTPException), Failure.BROKEN),
]


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        reason = getattr(error, "reason", None)
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = reason if isinstance(reason, BaseException) else inner or error.__cause__
    return found


def _connect(connection: HTTPConnection) -> socket.socket:
    """A socket to one of the addresses that the name has now, if all of them may be had.

    Raises BadAddress, which no library in between knows, so that it arrives as it is.
    """
    host = connection.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameResolutionError(host, connection, cast(Any, error)) from error
    if settings.PRODUCTION and not all(is_public(ipaddress.ip_address(a[4][0])) for a in found):
        raise BadAddress("private")
    try:
        return _first_to_answer(found)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "no address answered in time") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _first_to_answer(found: list[Any]) -> socket.socket:
    """Raises OSError, that of the last one, when none answers in time."""
    deadline, last = time.monotonic() + CONNECT_SECONDS, OSError("no address")
    for family, kind, protocol, _name, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            sock.connect(address)
        except OSError as error:
            sock.close()
            last = error
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise last


class _HTTP(HTTPConnection):
    response_class = TimedResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _HTTPS(HTTPSConnection):
    response_class = TimedResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)
