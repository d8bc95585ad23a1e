"""What production refuses to start with: web, worker and bootstrap say why and end."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from config import keys
from merchants.models import PaytmAccount
from tenants.models import Tenant
from tests import make, production

WEB = ("-c", "import config.wsgi")
WORKER = ("manage.py", "work")
BOOTSTRAP = ("manage.py", "bootstrap", "--admin-email", "ops@example.com")

KEY = keys.master_key()
UNSAFE: list[tuple[dict[str, str], str]] = [
    ({"DJANGO_SETTINGS_MODULE": "tests.config.debugging"}, "DEBUG is on"),
    ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
    ({"SECRET_KEY": keys.fresh()["SECRET_KEY"][:49]}, "SECRET_KEY is short or a default"),
    ({"SECRET_KEY": "a" * 64}, "SECRET_KEY is short or a default"),
    ({"SECRET_KEY": "django-insecure-" + keys.fresh()["SECRET_KEY"]}, "SECRET_KEY is short or a"),
    ({"SECRET_KEY": "changeme-" * 8}, "SECRET_KEY is short or a default"),
    ({"MASTER_KEYS": ""}, "MASTER_KEYS is not set"),
    ({"MASTER_KEYS": "only-a-word"}, "MASTER_KEYS holds an entry that is not id:base64"),
    ({"MASTER_KEYS": "k1:c2hvcnQ="}, "MASTER_KEYS holds an entry that is not id:base64"),
    ({"MASTER_KEYS": f"{KEY},k2:ключ"}, "MASTER_KEYS holds an entry that is not id:base64"),
    ({"MASTER_KEYS": "k1:" + base64.b64encode(bytes(32)).decode()}, "MASTER_KEYS holds an entry"),
    ({"MASTER_KEYS": f"{KEY},{KEY}"}, "MASTER_KEYS gives one id to two keys"),
    ({"BASE_URL": "http://pay.example.com"}, "BASE_URL does not begin with https://"),
    ({"BASE_URL": ""}, "BASE_URL does not begin with https://"),
    ({"BASE_URL": "https://*"}, "ALLOWED_HOSTS, made from BASE_URL, admits every host"),
    ({"BASE_URL": "https://.example.com"}, "BASE_URL is not a scheme and a host alone"),
    ({"BASE_URL": "https://pay.example.com/shop"}, "BASE_URL is not a scheme and a host alone"),
    ({"BASE_URL": "pay.example.com"}, "BASE_URL must be a URL"),
    ({"TRUSTED_PROXIES": "10.0.0.0/8,anything"}, "TRUSTED_PROXIES holds what is no network"),
    ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES holds what is no network, or every"),
    ({"MODE": "prod"}, "MODE must be one of"),
    ({"DATABASE_URL": "mysql://root:hunter2hunter2@db/x"}, "DATABASE_URL must be a URL"),
    ({"DATABASE_URL": "postgresql://root:hunter2#hunter2@db/x"}, "DATABASE_URL must be a URL"),
    ({"EMAIL_URL": "https://mail.example.com"}, "EMAIL_URL must be a URL"),
    ({"WORKER_THREADS": "many"}, "WORKER_THREADS must be a whole number"),
]


def refused(environment: dict[str, str], words: str) -> None:
    """All three end with an error and these words, long before they ask the database."""
    begun = [production.begin(environment, *program) for program in (WEB, WORKER, BOOTSTRAP)]
    for process in begun:
        said, _ = process.communicate(timeout=production.SECONDS)
        assert process.returncode == 1, said
        assert words in said
        assert "Traceback" not in said
        assert not [secret for secret in secrets(environment) if secret in said]


def secrets(environment: dict[str, str]) -> list[str]:
    told = (environment[name] for name in ("SECRET_KEY", "MASTER_KEYS", "DATABASE_URL"))
    parts = [part for value in told for part in re.split(r"[:@,/#]+", value)]
    return [part for part in parts if len(part) > 12]


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "words"), UNSAFE)
def test_an_unsafe_setting_is_refused_by_name(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    refused(production.safe(tmp_path, **changes), words)


@pytest.mark.slow
def test_a_clock_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("3600")
    refused(production.safe(tmp_path), "DATA_DIR holds a file named clock")


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    environment = production.safe(tmp_path, MASTER_KEYS="", BASE_URL="", SECRET_KEY="short")
    said = production.run(environment, *WEB).stderr
    assert said.startswith("Refused to start in production mode:\n")
    assert all(name in said for name in ("MASTER_KEYS", "BASE_URL", "SECRET_KEY"))


def test_the_web_server_ends_with_an_error_too(tmp_path: Path) -> None:
    environment = production.safe(tmp_path, MASTER_KEYS="")
    granian = ("-m", "granian", "--interface", "wsgi", "--no-ws", "--port", "0")
    for more in ((), ("--respawn-failed-workers",)):
        ended = production.run(environment, *granian, *more, "config.wsgi:application")
        assert ended.returncode == 1
        assert "MASTER_KEYS is not set" in ended.stderr


def test_safe_settings_are_taken(tmp_path: Path) -> None:
    ended = production.run(production.safe(tmp_path, TRUSTED_PROXIES="10.0.0.0/8,::1"), *WEB)
    assert ended.returncode == 0, ended.stderr


def test_the_test_mode_may_start_unsafe(tmp_path: Path) -> None:
    environment = production.safe(tmp_path, MODE="test", BASE_URL="", MASTER_KEYS="")
    assert production.run(environment, *WEB).returncode == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("live", "environment"), [(True, "simulator"), (False, "production")])
def test_no_simulator_account_can_be_live(in_acme: Tenant, live: bool, environment: str) -> None:
    fields: dict[str, Any] = {"environment": environment, "live": live}
    made = make.paytm_account("SIM0001", "acme0000merchant")
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        PaytmAccount.objects.filter(pk=made.pk).update(**fields)
    with pytest.raises(IntegrityError, match="account_live_is_production"), transaction.atomic():
        PaytmAccount.objects.create(mid="SIM0002", state="retired", **fields)
