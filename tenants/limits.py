"""How often something may happen, counted in one table that all processes share.

Windows are fixed and follow the database's real clock: at the seam of two windows up to
twice the limit may pass.
"""

import hashlib
import time
from typing import Final

from django.db import connection
from django.http import HttpResponse

from tenants.jobs import BULK, periodic

LONGEST_WINDOW: Final = 86_400


def hit(bucket: str, limit: int, seconds: int) -> bool:
    """Count one event of `bucket`; True while at most `limit` fell into this window.

    `bucket` is any text, kept as a digest: it may hold an address or an e-mail. One statement.
    Inside a transaction the count is rolled back with it, and others wait for its end: what
    must be counted in any case is counted before. Raises ValueError for over a day.
    """
    if not 0 < seconds <= LONGEST_WINDOW:
        raise ValueError(f"a window has 1 to {LONGEST_WINDOW} seconds, not {seconds}")
    digest = hashlib.blake2b(f"{seconds}:{bucket}".encode(), digest_size=16).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rate_limit AS kept (bucket, window_start, hits)
            VALUES (%s, floor(extract(epoch FROM statement_timestamp()) / %s)::bigint * %s, 1)
            ON CONFLICT (bucket, window_start) DO UPDATE SET hits = kept.hits + 1
            RETURNING hits
            """,
            [digest, seconds, seconds],
        )
        (hits,) = cursor.fetchone()
    return bool(hits <= limit)


def until_next(response: HttpResponse, window: int) -> HttpResponse:
    """The answer to who came too often, with the seconds until the next window in Retry-After."""
    response["Retry-After"] = str(seconds_left(window))
    return response


def seconds_left(window: int) -> int:
    """Until the next window of so many seconds."""
    return window - int(time.time()) % window


@periodic(every=600, lane=BULK)
def sweep() -> None:
    """Forget the windows that are over for certain."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM rate_limit"
            " WHERE window_start < extract(epoch FROM statement_timestamp())::bigint - %s",
            [LONGEST_WINDOW],
        )
