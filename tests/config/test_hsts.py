"""Over https a browser is told to stay there: for this host, and only if asked to for others."""

from pathlib import Path

import pytest

from tests import production

ASK = """
import config.wsgi
from django.test import Client
answer = Client(headers={"host": "pay.example.com"}).get("/healthz", secure=True)
print(answer.status_code, answer["Strict-Transport-Security"])
"""


def told(tmp_path: Path, **variables: str) -> str:
    """The header that an instance with these variables sends."""
    ended = production.run(production.safe(tmp_path, **variables), "-c", ASK)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()[-1]


@pytest.mark.parametrize("variables", [{}, {"HSTS_WHOLE_DOMAIN": "false"}])
def test_it_binds_this_host_alone(tmp_path: Path, variables: dict[str, str]) -> None:
    assert told(tmp_path, **variables) == "200 max-age=63072000"


def test_the_whole_domain_is_bound_when_asked_to(tmp_path: Path) -> None:
    said = told(tmp_path, HSTS_WHOLE_DOMAIN="true")
    assert said == "200 max-age=63072000; includeSubDomains; preload"


def test_anything_but_yes_or_no_is_refused(tmp_path: Path) -> None:
    ended = production.run(production.safe(tmp_path, HSTS_WHOLE_DOMAIN="maybe"), "-c", ASK)
    assert ended.returncode == 1
    assert "HSTS_WHOLE_DOMAIN must be true or false" in ended.stderr
