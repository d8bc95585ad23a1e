"""What stands around every request: hosts, schema, readable input, errors, log lines."""

import json
import logging
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, RequestFactory

from config import errors
from config.middleware import exact_host
from tests.config.conftest import Lines

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.config.urls")]


HOST = urlsplit(settings.BASE_URL).netloc
FORM = "application/x-www-form-urlencoded"


def browser(checks_forms: bool = False) -> Client:
    return Client(
        headers={"host": HOST}, raise_request_exception=False, enforce_csrf_checks=checks_forms
    )


@pytest.fixture
def client() -> Client:
    return browser()


# --- Hosts --------------------------------------------------------------------------------
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000"])
def test_our_own_hosts_answer(client: Client, host: str) -> None:
    assert client.get("/echo", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "", "example.com", "LOCALHOST:8000", "localhost", "localhost:80", "localhost:8001",
        "localhost.:8000", ".localhost:8000", "a.localhost:8000", "localhost:8000@example.com",
        "localhost:8000, example.com", "localhost:8000\t", "[::1]:8000", "0.0.0.0:8000",
        "localhost:08000", "testserver", "ｌocalhost:8000",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/echo", "/healthz", "/static/nothing.css"])
def test_any_other_host_is_refused(client: Client, host: str, path: str) -> None:
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/plain")
    assert "Content-Security-Policy" in answer


def test_a_request_without_host_is_refused() -> None:
    request = RequestFactory().get("/echo")
    request.META.pop("HTTP_HOST", None)
    answer = exact_host(lambda _: pytest.fail("it was let in"))(request)
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["x-forwarded-host", "x-host", "forwarded", "x-original-host"])
def test_forwarded_hosts_are_never_read(client: Client, name: str) -> None:
    headers = {"host": "example.com", name: "localhost:8000"}
    assert client.get("/echo", headers=headers).status_code == 400
    headers = {"host": "localhost:8000", name: "example.com"}
    assert client.get("/echo", headers=headers).status_code == 200


# --- Schema -------------------------------------------------------------------------------
def test_every_request_begins_and_ends_in_public(client: Client) -> None:
    for _ in range(2):
        assert client.get("/left_inside").content == b"public"
        assert connection.schema_name == "public"  # type: ignore[attr-defined]


# --- Readable input -----------------------------------------------------------------------
UNREADABLE = ["a%00b", "%ED%A0%80", "%FF", "%C3", "%F5%80%80%80"]


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable_text_is_refused_wherever_it_stands(client: Client, text: str) -> None:
    answers = [
        client.get(f"/echo?q={text}"),
        client.get(f"/echo?{text}=1"),
        client.post("/echo", f"q={text}", content_type=FORM),
        client.post("/echo", f"{text}=1", content_type=FORM),
    ]
    assert [answer.status_code for answer in answers] == [400] * 4
    assert "text/html" in answers[0]["Content-Type"]


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable_paths_never_reach_the_database(client: Client, text: str) -> None:
    assert client.get(f"/p/{text}").status_code in (200, 400)
    assert client.get("/p/a%00b").status_code == 400


def test_readable_text_of_any_script_passes(client: Client) -> None:
    words = "१०० ₹ हिन्दी 😀 \u200d\n\t"
    answer = client.post("/echo", {"q": words})
    assert answer.status_code == 200
    assert repr(words) in answer.content.decode()
    encoded = urlencode({"q": words})
    assert client.get(f"/echo?{encoded}").status_code == 200


def multipart(*parts: bytes) -> dict[str, Any]:
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=edge"}


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="q"\r\n\r\na\x00b',
        b'Content-Disposition: form-data; name="q"\r\n\r\n\xff',
        b'Content-Disposition: form-data; name="q\x00"\r\n\r\na',
        b"Content-Disposition: form-data; name=\"f\"; filename*=utf-8''a%FF.png\r\n\r\nx",
    ],
)
def test_unreadable_parts_are_refused(client: Client, part: bytes) -> None:
    assert client.post("/echo", **multipart(part)).status_code == 400


@pytest.mark.parametrize(
    "request_of",
    [
        {"data": b"x", "content_type": "multipart/form-data"},
        {"data": b"x", "content_type": "multipart/form-data; boundary="},
        {"data": b"q=1", "content_type": f"{FORM}; charset=latin-1"},
        {"data": "&".join(["q=1"] * 1001), "content_type": FORM},
        multipart(*[b'Content-Disposition: form-data; name="q"\r\n\r\na'] * 1001),
        multipart(*[b'Content-Disposition: form-data; name="f"; filename="a"\r\n\r\na'] * 101),
    ],
    ids=["no boundary", "empty boundary", "charset", "1,001 fields", "1,001 parts", "101 files"],
)  # fmt: skip
def test_what_is_no_form_is_refused(client: Client, request_of: dict[str, Any]) -> None:
    assert client.post("/echo", **request_of).status_code == 400


def test_1001_fields_in_the_address_are_refused(client: Client) -> None:
    assert client.get("/echo?" + "&".join(["q=1"] * 1001)).status_code == 400


def test_a_body_over_two_megabytes_is_413(client: Client) -> None:
    body = b"q=" + b"x" * (2 * 1024 * 1024)
    answer = client.post("/echo", body, content_type=FORM)
    assert answer.status_code == 413
    assert "larger" in answer.content.decode()
    assert client.post("/echo", body, content_type="application/json").status_code == 413


@pytest.mark.parametrize("length", ["-1", "abc", "1e5", ""])
def test_an_odd_content_length_is_no_500(client: Client, length: str) -> None:
    answer = client.post("/echo", {"q": "1"}, headers={"content-length": length})
    assert answer.status_code < 500


def test_paytms_notices_keep_their_raw_body(client: Client) -> None:
    body = b"ORDERID=1&x=\x00\xff"
    answer = client.post("/paytm/token/callback", body, content_type=FORM)
    assert (answer.status_code, answer.content) == (200, body)


# --- Errors -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/absent", 404),
        ("/forbidden", 403),
        ("/broken", 500),
        ("/sql?statement=SELECT+1", 200),
        ("/sql?statement=SELECT+2147483648::int", 400),
        ("/sql?statement=SELECT+*+FROM+never_made", 503),
        ("/sql?statement=SELECT+never_made+FROM+person", 503),
        ("/sql?statement=SELECT+nonsense(", 500),
        ("/missing_table", 503),
    ],
)
def test_every_fault_has_its_status_and_a_page(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    if status != 200:
        assert f'<p class="error-code">{status}' in answer.content.decode()
        for header in ("Content-Security-Policy", "X-Request-ID", "Referrer-Policy"):
            assert header in answer
    if status == 503:
        assert answer["Retry-After"]


def test_a_form_without_its_token_is_403() -> None:
    answer = browser(checks_forms=True).post("/form")
    assert answer.status_code == 403
    assert "expired" in answer.content.decode()


def test_a_page_that_fails_itself_is_replaced_by_words(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [engine | {"DIRS": []}]
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.content.decode()
    assert "error page failed" in caplog.text


def test_a_database_error_that_is_a_bug_is_no_answer() -> None:
    assert errors.for_database_error(RequestFactory().get("/"), ValueError()) is None


# --- Log lines ----------------------------------------------------------------------------
def test_a_request_is_one_line_with_its_pattern_and_not_its_path(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/p/abcdefghjksecret?key=secret2")
    [record] = [r for r in caplog.records if r.name == "config.requests"]
    told = {name: getattr(record, name) for name in ("method", "route", "status", "user_id")}
    assert told == {"method": "GET", "route": "/p/<str:token>", "status": 200, "user_id": None}
    assert record.ms > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/absent", "/nowhere/secrettoken", "/broken", "/form"])
def test_no_line_about_a_fault_holds_the_path(path: str, lines: Lines) -> None:
    browser(checks_forms=True).post(f"{path}?q=secretquery")
    assert lines()
    assert "secret" not in json.dumps(lines())


def test_a_request_has_an_id_that_all_its_lines_carry(client: Client, lines: Lines) -> None:
    answer = client.get("/broken")
    assert {line["request_id"] for line in lines()} == {answer["X-Request-ID"]}
    assert any("RuntimeError" in line.get("traceback", "") for line in lines())
    told = [line["traceback"].splitlines()[-1] for line in lines() if "traceback" in line]
    assert told == ["RuntimeError: token=[blanked]"]


def test_a_request_id_is_taken_from_our_own_proxy_alone(client: Client, settings: Any) -> None:
    given = {"x-request-id": "abcdef-123456"}
    assert client.get("/echo", headers=given)["X-Request-ID"] != "abcdef-123456"
    settings.TRUSTED_PROXIES = ("127.0.0.0/8",)
    assert client.get("/echo", headers=given)["X-Request-ID"] == "abcdef-123456"
    for odd in ("short", "x" * 65, 'a"b\n12345'):
        assert client.get("/echo", headers={"x-request-id": odd})["X-Request-ID"] != odd


def test_who_is_signed_in_is_named_by_id(
    client: Client, alice: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(alice)
    with caplog.at_level(logging.INFO):
        client.get("/form")
    [record] = [r for r in caplog.records if r.name == "config.requests"]
    assert record.user_id in (str(alice.pk), None)  # type: ignore[attr-defined]
    assert alice.email not in caplog.text
