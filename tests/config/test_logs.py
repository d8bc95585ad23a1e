"""Log lines are JSON, carry request and tenant, and cannot hold a secret."""

import json
import logging
import secrets
from base64 import b64encode
from typing import Any

import pytest
from django.conf import settings

from config import logs
from config.logs import BLANK, JsonFormatter, describe, scrub
from tests.config.conftest import Lines


def line(
    message: str, *args: object, error: Exception | None = None, **extra: Any
) -> dict[str, Any]:
    """What a record becomes."""
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("name", logging.INFO, "file", 1, message, args, info)
    record.__dict__.update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_line_says_when_what_and_for_whom() -> None:
    request, tenant = logs.request_id.set("r1"), logs.tenant_key.set("abc")
    try:
        told = line("settled %s\n", "twice", order_id="o1", count=2)
    finally:
        logs.request_id.reset(request)
        logs.tenant_key.reset(tenant)
    assert told.pop("ts").endswith("+00:00")
    assert told == {
        "level": "INFO", "logger": "name", "message": "settled twice\n", "request_id": "r1",
        "tenant": "abc", "order_id": "o1", "count": 2,
    }  # fmt: skip


def test_only_known_fields_are_written() -> None:
    told = line("x", email="alice@example.com", args_of_job={"a": 1}, kind="k")
    assert "alice" not in json.dumps(told)
    assert told["kind"] == "k"


def test_a_traceback_has_no_variables_and_no_rows() -> None:
    password = "hunter2hunter2"
    error = raised(RuntimeError(f"failed\nDETAIL: Failing row contains ({password})"))
    told = line("x", error=error)
    assert "test_logs.py" in told["traceback"]
    assert "RuntimeError: failed" in told["traceback"]
    assert password not in json.dumps(told)


def test_a_cause_is_told_too() -> None:
    error = RuntimeError("outer")
    error.__cause__ = raised(KeyError("inner"))
    told = line("x", error=raised(error))["traceback"]
    assert told.index("inner") < told.index("outer")


def test_an_exception_in_words_is_short() -> None:
    assert describe(ValueError("no " * 9999)) == f"ValueError: {'no ' * 100}"
    assert describe(ValueError()) == "ValueError: "


CHECKSUM = b64encode(secrets.token_bytes(80)).decode()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"CHECKSUMHASH={CHECKSUM}", CHECKSUM),
        (f"posted {CHECKSUM} to us", CHECKSUM),
        (f'{{"signature": "{CHECKSUM}"}}', CHECKSUM),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ('{"txnToken":"fe795335ed3049c78a57271075f2199e1526969112097"}', "fe795335"),
        ("txnToken=fe795335ed3049c78a5", "fe795335"),
        ("merchant_key='kbzk1DSbJiV_O3p5'", "kbzk1DSbJiV_O3p5"),
        ("key=kbzk1DSbJiV&O3p5", "kbzk1DSbJiV"),
        ("secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw sent", "MfKQ9r8"),
        ("password: hunter2hunter2", "hunter2"),
        ("Cookie: session=abcdef", "abcdef"),
        ("GET /p/abcdefghjkabcdefghijklmnopqrst HTTP", "abcdefghjkabc"),
        ("/paytm/abcdefghjkabcdefghijklmnopqrst/callback", "abcdefghjkabc"),
    ],
)
def test_what_looks_like_a_secret_is_blanked(text: str, secret: str) -> None:
    assert secret not in scrub(text)
    assert BLANK in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 2f1c6e4a-8f0b-4a52-9d7e-3a1b2c3d4e5f settled",
        "/srv/galla/tenants/jobs.py:193 execute: outcome = _attempt(job)",
        "fail: raise Refused(message)",
        "the key of a tenant",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert scrub(text) == text


def test_every_secret_of_this_process_is_blanked() -> None:
    known = [settings.SECRET_KEY, settings.METRICS_TOKEN, settings.MASTER_KEYS[0].partition(":")[2]]
    for secret in known:
        assert secret not in scrub(f"it was {secret}, said the bug")


def test_libraries_warnings_go_the_same_way(lines: Lines) -> None:
    logging.getLogger("some.library").warning("token=abcdefgh")
    [told] = lines()
    assert told["message"] == f"token={BLANK}"


def test_the_root_logger_writes_json_and_djangos_loggers_nothing_of_their_own() -> None:
    assert any(isinstance(h.formatter, JsonFormatter) for h in logging.getLogger().handlers)
    for name in ("django", "django.server", "django.request", "py.warnings"):
        logger = logging.getLogger(name)
        assert not logger.handlers
        assert logger.propagate
