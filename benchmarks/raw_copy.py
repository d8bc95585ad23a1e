"""The limit of files over HTTP: COPY's own bytes, passed on by an application that does no more.

`RAW_COPY` in the environment is the statement.
"""

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from config import embedded

PART = 65_536


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/healthz":
        start("200 OK", [("Content-Length", "0")])
        return [b""]
    start("200 OK", [("Content-Type", "text/csv")])
    return _copied()


def _copied() -> Iterator[bytes]:
    words = [str(embedded.program("psql")), "--no-psqlrc", "--quiet", "--variable=ON_ERROR_STOP=1",
             "--command", os.environ["RAW_COPY"], os.environ["DATABASE_URL"]]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE) as psql:
        assert psql.stdout is not None
        while part := psql.stdout.read(PART):
            yield part
    if psql.returncode:
        raise RuntimeError("psql failed")
