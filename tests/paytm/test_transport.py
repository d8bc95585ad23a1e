"""One POST, at most one answer, bounded, and an error that says whether it can have counted."""

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import paytmchecksum
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from payments.paytm import (
    Client,
    Credentials,
    Forged,
    NoAnswer,
    NotPaytm,
    Outcome,
    Unknown,
    Unreachable,
)
from payments.paytm.errors import PaytmError
from tests.paytm.server import KEY, MID, OTHER_KEY, FakePaytm, Handler, envelope, success

LOOPBACK = ip_address("127.0.0.1")
HTML = b"<!DOCTYPE html><title>Bad gateway</title>"
ClientAt = Callable[..., Client]


def test_a_good_answer(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(**success())
    assert client.order_status("ORDER_0001").outcome is Outcome.SUCCESS


def reset(handler: Handler) -> None:
    handler.hang_up(reset=True)


def close(handler: Handler) -> None:
    handler.hang_up()


def truncated(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"head": {"signature": "secret-signatu')
    handler.hang_up()


def truncated_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"50\r\n{}")
    handler.hang_up()


def ten_megabytes(handler: Handler) -> None:
    handler.reply(b" " * 10_000_000)


def bomb(handler: Handler) -> None:
    handler.reply(gzip.compress(b" " * 10_000_000), Content_Encoding="gzip")


def not_gzip(handler: Handler) -> None:
    handler.reply(b"{}", Content_Encoding="gzip")


def not_http(handler: Handler) -> None:
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    handler.hang_up()


def endless_headers(handler: Handler) -> None:
    handler.send_response(200)
    handler.wfile.write(b"X: y\r\n" * 100_000)


def redirect_with_long_body(handler: Handler) -> None:
    handler.reply(b" " * 10_000_000, 302, Location="/elsewhere")


@pytest.mark.parametrize(
    "behaviour",
    [
        reset,
        close,
        truncated,
        truncated_chunks,
        ten_megabytes,
        bomb,
        not_gzip,
        not_http,
        endless_headers,
        redirect_with_long_body,
        lambda handler: handler.reply(b"", 200),
        lambda handler: handler.reply(b"", 204),
        lambda handler: handler.reply(envelope("{}").encode(), 201),
    ],
)
def test_unknown(paytm: FakePaytm, client: Client, behaviour: Callable[[Handler], None]) -> None:
    paytm.does(behaviour)
    with pytest.raises(Unknown):
        client.order_status("ORDER_0001")
    assert len(paytm.requests) == 1


@pytest.mark.parametrize("behaviour", [reset, close, truncated, truncated_chunks])
def test_a_broken_answer_is_none(
    paytm: FakePaytm, client: Client, behaviour: Callable[[Handler], None]
) -> None:
    paytm.does(behaviour)
    with pytest.raises(NoAnswer):
        client.order_status("ORDER_0001")


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("content", [HTML, json.dumps({"body": success()}).encode()])
def test_only_200_is_an_answer(
    paytm: FakePaytm, client: Client, status: int, content: bytes
) -> None:
    paytm.says(content, status)
    with pytest.raises(Unknown):
        client.order_status("ORDER_0001")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '"text"',
        '{"head":{}}',
        '{"body":[]}',
        '{"body":null}',
        '{"head":[],"body":{}}',
        '{"body":{}} {}',
        '{"body":{},}',
        '{"body":{"a":NaN}}',
        '{"body":{"a":-Infinity}}',
        '{"body":{"a":"\n"}}',
        '{"body":{},"body":{}}',
        '{"head":{},"body":{},"head":{}}',
        '{"body":{"resultInfo":{},"resultInfo":{}}}',
        '{"body":{},"b\\u006fdy":{}}',
        "[" * 100_000,
        '{"body":' + '{"a":' * 50_000 + "1" + "}" * 50_001,
        '{"errorCode":"401","errorMessage":"no"}',
        "\ufeff" + envelope("{}"),
    ],
)
def test_wrong_content_is_unknown(paytm: FakePaytm, client: Client, text: str) -> None:
    paytm.says(text)
    with pytest.raises(Unknown):
        client.order_status("ORDER_0001")


def test_what_is_not_paytm_is_unknown_too(paytm: FakePaytm, client: Client) -> None:
    for content, status in [
        (HTML, 200), (b"\xff\xfe", 200), (b"", 301), (b"", 307), (HTML, 404),
    ]:  # fmt: skip
        paytm.says(content, status)
        with pytest.raises(NotPaytm):
            client.order_status("ORDER_0001")


def test_a_redirect_is_not_followed(paytm: FakePaytm, client: Client, client_at: ClientAt) -> None:
    with FakePaytm() as other:
        other.answers(**success())
        for status in (301, 302, 303, 307, 308):
            paytm.does(partial(Handler.reply, body=b"", status=status, Location=other.url))
            with pytest.raises(NotPaytm):
                client.order_status("ORDER_0001")
        assert other.requests == []


def late(handler: Handler) -> None:
    time.sleep(3)


def dripping_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "10000")
    handler.end_headers()
    drip(handler)


def dripping_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    drip(handler, b"1\r\n \r\n")


def dripping_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    drip(handler)


def dripping_continues(handler: Handler) -> None:
    drip(handler, b"HTTP/1.1 100 Continue\r\n\r\n")


def drip(handler: Handler, drop: bytes = b" ") -> None:
    for _ in range(60):
        handler.wfile.write(drop)
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize(
    "behaviour", [late, dripping_body, dripping_chunks, dripping_headers, dripping_continues]
)
def test_a_slow_answer_is_given_up_by_the_clock(
    paytm: FakePaytm, client_at: ClientAt, behaviour: Callable[[Handler], None]
) -> None:
    paytm.does(behaviour)
    client = client_at(paytm.url, timeout=(2, 0.3))
    begun = time.monotonic()
    with pytest.raises(NoAnswer):
        client.order_status("ORDER_0001")
    assert time.monotonic() - begun < 1.5


def test_after_a_fault_the_client_goes_on(paytm: FakePaytm, client: Client) -> None:
    for behaviour in (reset, truncated, ten_megabytes, close):
        paytm.does(behaviour)
        with pytest.raises(Unknown):
            client.order_status("ORDER_0001")
        paytm.answers(**success())
        assert client.order_status("ORDER_0001").outcome is Outcome.SUCCESS


def test_connections_are_kept_alive(paytm: FakePaytm, client: Client) -> None:
    ports = set()
    text = envelope("{}").encode()

    def remember(handler: Handler) -> None:
        ports.add(handler.client_address[1])
        handler.reply(text)

    paytm.does(remember)
    for _ in range(3):
        client.order_status("ORDER_0001")
    assert len(ports) == 1


def test_one_client_serves_many_threads(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(**success())
    outcomes: list[Outcome] = []

    def ask() -> None:
        outcomes.extend(client.order_status("ORDER_0001").outcome for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome.SUCCESS] * 40


def test_no_cookie_is_kept(paytm: FakePaytm, client: Client) -> None:
    paytm.does(lambda h: h.reply(envelope("{}").encode(), Set_Cookie="JSESSIONID=1"))
    client.order_status("ORDER_0001")
    client.order_status("ORDER_0001")
    assert "Cookie" not in paytm.requests[1].headers


def test_the_environment_has_no_say(
    paytm: FakePaytm, client_at: ClientAt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login thief password word\n")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    paytm.answers(**success())
    assert client_at(paytm.url).order_status("ORDER_0001").outcome is Outcome.SUCCESS
    assert "Authorization" not in paytm.requests[0].headers


# --- Unreachable: the request was never sent


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_connection_refused(client_at: ClientAt) -> None:
    with pytest.raises(Unreachable):
        client_at(f"http://127.0.0.1:{free_port()}").order_status("ORDER_0001")


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".invalid", ".".join(["x" * 60] * 5)])
def test_a_name_that_does_not_resolve(client_at: ClientAt, host: str) -> None:
    """Names that fail without a question to any name server."""
    with pytest.raises(Unreachable):
        client_at(f"http://{host}").order_status("ORDER_0001")


def test_connect_time_out(client_at: ClientAt) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        begun = time.monotonic()
        with pytest.raises(Unreachable):
            client_at(f"http://127.0.0.1:{address[1]}", timeout=(0.3, 5)).order_status("ORDER_1")
        assert time.monotonic() - begun < 2
        for filler in fillers:
            filler.close()


def test_plain_http_behind_https(paytm: FakePaytm, client_at: ClientAt) -> None:
    with pytest.raises(Unreachable):
        client_at(paytm.url.replace("http:", "https:")).order_status("ORDER_0001")


def test_a_tls_handshake_that_stalls_or_breaks(client_at: ClientAt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Unreachable):
            client_at(url, timeout=(0.3, 5)).order_status("ORDER_0001")
        threading.Thread(target=hang_up_twice, args=(listener,)).start()
        with pytest.raises(Unreachable):
            client_at(url).order_status("ORDER_0001")


def hang_up_twice(listener: socket.socket) -> None:
    for _ in range(2):
        listener.accept()[0].close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody vouches for, and its private key."""
    folder = tmp_path_factory.mktemp("tls")
    private_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begun = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, private_key.public_key(), x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(private_key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_tls_is_verified_whatever_the_environment_says(
    paytm: FakePaytm,
    client_at: ClientAt,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate[0]))
    paytm.answers(**success())
    paytm.use_tls(*certificate)
    with pytest.raises(Unreachable):
        client_at(paytm.url).order_status("ORDER_0001")
    assert paytm.requests == []


def test_tls_that_breaks_after_the_request_is_unknown(
    paytm: FakePaytm, client_at: ClientAt, certificate: tuple[Path, Path]
) -> None:
    """Unlike a failed handshake: Paytm may have read the request."""

    def garble(handler: Handler) -> None:
        assert isinstance(handler.connection, ssl.SSLSocket)
        with socket.socket(fileno=handler.connection.detach()) as plain:
            plain.sendall(b"this is not TLS" * 100)
        handler.close_connection = True

    paytm.use_tls(*certificate)
    paytm.does(garble)
    client = client_at(paytm.url)
    client._session.verify = str(certificate[0])
    with pytest.raises(Unknown):
        client.order_status("ORDER_0001")
    paytm.answers(**success())
    assert client.order_status("ORDER_0001").outcome is Outcome.SUCCESS


# --- Signatures


@pytest.mark.parametrize("sign", ["other", "A" * 108, "x", 5, ["x"], {"a": 1}, True])
def test_a_wrong_signature_is_no_answer(paytm: FakePaytm, client: Client, sign: object) -> None:
    if sign == "other":
        paytm.answers(OTHER_KEY, **success())
    else:
        paytm.says(json.dumps({"head": {"signature": sign}, "body": success()}))
    for ask in (
        lambda: client.order_status("ORDER_0001"),
        lambda: client.refund_status(order_id="ORDER_0001", ref_id="R1"),
        lambda: client.refund(order_id="ORDER_0001", txn_id="T", ref_id="R1", amount_paise=100),
        lambda: client.initiate(
            order_id="ORDER_0001", amount_paise=100, customer_id="C", callback_url="https://x"
        ),
    ):
        with pytest.raises(Forged):
            ask()


@pytest.mark.parametrize("head", ["{}", '{"signature":null}', '{"signature":""}'])
def test_an_absent_signature_is_accepted(paytm: FakePaytm, client: Client, head: str) -> None:
    paytm.says(f'{{"head":{head},"body":{json.dumps(success())}}}')
    status = client.order_status("ORDER_0001")
    assert (status.outcome, status.signed) == (Outcome.SUCCESS, False)


def test_the_signature_covers_the_bodys_own_text(paytm: FakePaytm, client: Client) -> None:
    """Spaces, escapes and order of members are Paytm's; the envelope around may be anything."""
    body = json.dumps(success(bankName='₹ \u0939 \\ " }{ body'), indent=3).replace("/", "\\/")
    signature = paytmchecksum.generateSignature(body, KEY)
    paytm.says(
        f'\n{{ "x":"{{\\"body\\":{{}}}}" ,\t"body" : {body}\n,"head":'
        f'{{"signature":{json.dumps(signature)}}} }}\r\n'
    )
    status = client.order_status("ORDER_0001")
    assert status.signed
    assert status.bank == '₹ \u0939 \\ " }{ body'
    paytm.says(f'{{"body":{body} ,"head":{{"signature":"{signature}"}}}}'.replace("1.00", "2.00"))
    with pytest.raises(Forged):
        client.order_status("ORDER_0001")


# --- Secrets


def test_no_error_or_repr_holds_a_secret(paytm: FakePaytm, client: Client) -> None:
    signature = "c2VjcmV0LXNpZ25hdHVyZQ" * 4
    for text in (
        f'{{"head":{{"signature":"{signature}"}},"body":{{"txnToken":"token-secret"}}}}',
        f'{{"head":{{"signature":"{signature}',
        '{"body":{"txnToken" :\n"token-secret"',
    ):
        paytm.says(text)
        with pytest.raises(PaytmError) as caught:
            client.initiate(order_id="O", amount_paise=1, customer_id="C", callback_url="https://x")
        seen = repr(caught.value) + caught.value.raw + repr(client) + repr(client.credentials)
        for secret in (signature[:20], "token-secret", KEY):
            assert secret not in seen


@pytest.mark.parametrize(
    ("mid", "key", "base_url"),
    [
        ("", KEY, "https://x.example"),
        ("MID 1", KEY, "https://x.example"),
        ("MID|1", KEY, "https://x.example"),
        (MID, "", "https://x.example"),
        (MID, MID, "https://x.example"),
        (MID, KEY + " ", "https://x.example"),
        (MID, "\ud800" * 16 + "x", "https://x.example"),
        (MID, KEY, "https://x.example/"),
        (MID, KEY, "https://x.example/path"),
        (MID, KEY, "https://me:word@x.example"),
        (MID, KEY, "ftp://x.example"),
        (MID, KEY, "x.example"),
        (MID, KEY, "https://"),
        (MID, KEY, "https://[x"),
        (MID, KEY, ""),
    ],
)
def test_credentials_that_cannot_be(mid: str, key: str, base_url: str) -> None:
    with pytest.raises(ValueError, match=r"a MID|a merchant key|a base URL|IPv6") as caught:
        Credentials(mid, key, "WEBSTAGING", base_url)
    assert not key or key not in str(caught.value)
