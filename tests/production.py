"""An instance in production mode: safe variables, a database of its own, programs run in it."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
from django.conf import settings

from config import keys
from tests import plugin

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
BASE_URL = "https://pay.example.com"
SECONDS = 120

Environment = Mapping[str, str]


def safe(data_dir: Path, **variables: str) -> dict[str, str]:
    """What an instance may be told. The tests' own settings do not reach it."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in plugin.ENVIRONMENT
    }
    told = {"MODE": "production", "BASE_URL": BASE_URL, "DATA_DIR": str(data_dir)}
    return inherited | keys.fresh() | told | {"DATABASE_URL": NOWHERE} | variables


def run(environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words to its end, with nobody to ask."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=settings.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def begin(environment: Environment, *words: str) -> subprocess.Popen[str]:
    """Start Python with these words; what it says on either channel is read from stdout."""
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=settings.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def own_database(options: str = "") -> Iterator[str]:
    """The DATABASE_URL of a new database, dropped at the end."""
    name = f"payments_production_{uuid4().hex[:12]}"
    administer(f"CREATE DATABASE {name} {options}")
    try:
        yield url_of(name)
    finally:
        administer(f"DROP DATABASE {name} WITH (FORCE)")


def url_of(name: str) -> str:
    """The URL of another database on the tests' server."""
    return re.sub(r"//([^/]*)/[^?]*", rf"//\1/{name}", os.environ["DATABASE_URL"], count=1)


def through(url: str, port: int) -> str:
    """The same user and database at another port of this machine."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return f"postgresql://{user}@127.0.0.1:{port}{parts.path}"


def administer(statement: str) -> None:
    ask(url_of("postgres"), statement)


def ask(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run a statement in a database; its rows, if it has any."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []
