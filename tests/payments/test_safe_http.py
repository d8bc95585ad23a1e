"""No address that a stranger types in leads us to anything but the open internet."""

import socket
import ssl
import threading
import time
from typing import Any

import pytest

from payments import safe_http
from payments.safe_http import BadAddress, check
from tests.paytm.server import FakePaytm as Receiver

PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

NUMBERS = [
    word
    for line in (
        "127.0.0.1 127.1 127.0.1 0 0.0.0.0 2130706433 0x7f000001 0x7f.1 0x7f.0.0.1",
        "017700000001 0177.0.0.1 0177.0.0.01 127.0.0.1. 127.000.000.001 00127.0.0.1",
        "10.0.0.1 10.1 0xa.0.0.1 012.0.0.1 167772161 172.16.0.1 172.31.255.255",
        "192.168.0.1 192.168.1 3232235521 169.254.169.254 2852039166 0xa9fea9fe",
        "0251.0376.0251.0376 169.254.43518 100.64.0.1 100.100.100.200 168.63.129.16",
        "192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1",
        "239.255.255.255 240.0.0.1 255.255.255.255 127.0.0.1.0x7f 1.2.3.4.5",
        "256.256.256.256 0x 1e3.1 127.0.0.1%00 127。0。0。1 １２７.０.０.１ ①②⑦.⓪.⓪.① 127.0.0.0x1",
        "[::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]",
        "[::ffff:10.0.0.1] [::ffff:8.8.8.8] [::ffff:0:127.0.0.1] [::127.0.0.1] [::7f00:1]",
        "[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::8.8.8.8] [64:ff9b:1::1]",
        "[2002:7f00:1::] [2002:a9fe:a9fe::1] [2001::1] [2001:0:53aa:64c:0:ffff:80ff:fffe]",
        "[2001:db8::1] [2001:10::1] [2001:20::1] [3fff::1] [5f00::1] [100::1] [fc00::1]",
        "[fd00:ec2::254] [fd20:ce::254] [fe80::1] [fe80::1%25eth0] [fe80::1%eth0]",
        "[fec0::1] [ff02::1] [ff0e::1] [::1%25lo] [2606:2800::5efe:7f00:1]",
        "[2606:2800::200:5efe:7f00:1] [v1.fe80::a] [::1]x [1.2.3.4] [localhost] []",
    )
    for word in line.split()
]
NAMES = [
    word
    for line in (
        "localhost LOCALHOST localhost. local intranet metadata router ｌｏｃａｌｈｏｓｔ",
        ".example.com example..com -a.example.com a-.example.com ex_ample.c_m",
        "%6c%6fcalhost exam%ple.com exa<mple.com exa|mple.com a.example.com,",
        "*.example.com",
    )
    for word in line.split()
]
WHOLE = [
    "",
    "example.com",
    "//example.com/",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "javascript:alert(1)",
    "data:text/plain,x",
    "https:/example.com",
    "https:example.com",
    "https://",
    "https:///path",
    "https://?",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1@example.com/",
    "https://@example.com/",
    "https://example.com:pass@127.0.0.1:443/",
    "https://example.com#@127.0.0.1/",
    "https://example.com/#x",
    "https://example.com/#",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.example.com/",
    "https://example.com /",
    " https://example.com/",
    "https://example.com/\r\nHost: 127.0.0.1",
    "https://exam\tple.com/",
    "https://exa\nmple.com/",
    "https://example.com/\x00",
    "https://exa\u200bmple.com:22/",
    "https://example.com:0/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:80/",
    "https://example.com:6379/",
    "https://example.com:65536/",
    "https://example.com:-1/",
    "https://example.com:４４３/",
    "https://example.com:443:443/",
    "https://example.com:/",
    "https://example.com:x/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://example.com/" + "x" * 400,
    "https://example.com/\ud800",
]
HOSTILE = [f"https://{host}/hook" for host in NUMBERS + NAMES] + WHOLE
# Names that are well formed, but whose resolver leads inside, alone or among public addresses.
INSIDE = [
    word
    for line in (
        "127.0.0.1 10.0.0.8 169.254.169.254 100.64.1.1 ::1 ::ffff:127.0.0.1 fd00::1",
        "fe80::1%lo 64:ff9b::7f00:1 2002:7f00:1::1 0.0.0.0 224.0.0.1",
    )
    for word in line.split()
]

Dialled = list[tuple[str, int]]


@pytest.fixture
def production(settings: Any) -> None:
    settings.PRODUCTION = True
    settings.WEBHOOK_PATIENCE = 1


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Dialled:
    """Where connections were begun. None leaves: each is refused at once."""
    seen: Dialled = []

    def refuse(self: socket.socket, address: Any) -> None:
        seen.append(address[:2])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return seen


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names resolve to the next of these answers each time; returns the names asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in found]
        return [
            (kind, socket.SOCK_STREAM, 6, "", (address, port))
            for kind, address in zip(kinds, found, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def post(url: str) -> safe_http.Answer:
    return safe_http.post(url, b"{}", {"webhook-id": "evt_1"})


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 120


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_and_never_dialled(
    url: str, production: None, dialled: Dialled
) -> None:
    with pytest.raises(BadAddress):
        check(url)
    assert post(url).failure == "address"
    assert dialled == []


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("among", [[], [PUBLIC]], ids=["alone", "among"])
def test_a_name_that_leads_inside_is_not_dialled(
    inside: str,
    among: list[str],
    production: None,
    dialled: Dialled,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, [*among, inside])
    assert post("https://hooks.example.com/").failure == "address"
    assert dialled == []


def test_nothing_inside_hears_anything(
    production: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real listener on loopback, which every trick leads to if it works."""
    port = int(receiver.url.rpartition(":")[2])
    monkeypatch.setattr(safe_http, "PORTS", (443, 8443, port))
    hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[::1]",
    ]
    for host in hosts:
        post(f"https://{host}:{port}/")
        post(f"http://{host}:{port}/")
    resolving(monkeypatch, ["127.0.0.1"])
    assert post(f"https://hooks.example.com:{port}/").failure == "address"
    assert receiver.requests == []


def test_a_name_is_resolved_once_and_exactly_that_is_dialled(
    production: None, dialled: Dialled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second answer would lead inside, but nobody asks for it."""
    asked = resolving(monkeypatch, [PUBLIC], ["127.0.0.1"])
    assert post("https://Hooks.Example.COM./x").failure == "refused"
    assert (asked, dialled) == (["hooks.example.com"], [(PUBLIC, 443)])


def test_the_next_address_is_tried_when_one_does_not_answer(
    production: None, dialled: Dialled, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, [OTHER_PUBLIC, PUBLIC])
    post("https://hooks.example.com/")
    assert dialled == [(OTHER_PUBLIC, 443), (PUBLIC, 443)]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
def test_the_environments_proxies_are_not_used(
    name: str, production: None, dialled: Dialled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:3128")
    resolving(monkeypatch, [PUBLIC])
    post("https://hooks.example.com/")
    assert dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://Shop.Example.com", "https://shop.example.com/"),
        ("https://shop.example.com./a?b=c", "https://shop.example.com/a?b=c"),
        ("https://चाय.भारत/hook", "https://xn--61b6b2b.xn--h2brj9c/hook"),
        ("https://shop.example.com:8443/", "https://shop.example.com:8443/"),
        (f"https://{PUBLIC}/", f"https://{PUBLIC}/"),
        (f"https://[{OTHER_PUBLIC.upper()}]/", f"https://[{OTHER_PUBLIC}]/"),
    ],
)
def test_a_good_address_is_kept_in_one_form(typed: str, kept: str, production: None) -> None:
    assert check(typed) == kept
    assert check(kept) == kept


def test_the_certificate_must_be_of_the_name_that_was_asked_for(quick: None) -> None:
    """SNI carries the name though the connection goes to an address; a stranger's certificate
    is no connection, so nothing is sent."""
    names: list[str | None] = []
    with ListeningWithTls(names) as port:
        assert post(f"https://localhost:{port}/").failure == "tls"
    assert names == ["localhost"]


class ListeningWithTls:
    """A TLS server that notes the name it is asked for, then ends the handshake."""

    def __init__(self, names: list[str | None]) -> None:
        self.names = names

    def __enter__(self) -> int:
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self.listener.getsockname()[1])

    def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = lambda _s, name, _c: self.names.append(name)
        while True:
            try:
                sock, _ = self.listener.accept()
                with sock:
                    context.wrap_socket(sock, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return

    def __exit__(self, *_: object) -> None:
        self.listener.close()


@pytest.fixture
def quick(settings: Any) -> None:
    settings.WEBHOOK_PATIENCE = 1


def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    receiver.does(lambda handler: handler.reply(b"", 302, Location=f"{receiver.url}/inside"))
    assert post(receiver.url).status == 302
    assert [request.path for request in receiver.requests] == ["/"]


def test_a_long_answer_is_cut(receiver: Receiver) -> None:
    receiver.says(b"x" * 5_000_000)
    answer = post(receiver.url)
    assert (answer.status, len(answer.text)) == (200, safe_http.ANSWER_LIMIT)


def test_the_whole_has_a_time(receiver: Receiver) -> None:
    receiver.does(_drip)
    answer = post(receiver.url)
    assert (answer.status, answer.failure) == (None, "timeout")
    assert answer.ms < 2_500


def _drip(handler: Any) -> None:
    for letter in b"HTTP/1.1 200 OK\r\n" * 5:
        handler.wfile.write(bytes([letter]))
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("says", "failure"),
    [(b"", "broken"), (b"SSH-2.0-OpenSSH_9.2\r\n", "broken"), (b"HTTP/1.1 abc\r\n\r\n", "broken")],
)
def test_what_is_no_http_is_broken(receiver: Receiver, says: bytes, failure: str) -> None:
    def behave(handler: Any) -> None:
        handler.wfile.write(says)
        handler.hang_up()

    receiver.does(behave)
    assert post(receiver.url).failure == failure


def test_a_body_that_breaks_off_does_not_undo_the_status(receiver: Receiver) -> None:
    def behave(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        handler.hang_up()

    receiver.does(behave)
    answer = post(receiver.url)
    assert (answer.status, answer.text) == (200, "half")


def test_a_closed_port_is_refused(quick: None) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert post(f"http://127.0.0.1:{port}/").failure == "refused"
