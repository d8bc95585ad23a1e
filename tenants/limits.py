"""How often something may happen, counted in one table that all processes share.

Windows are fixed and follow the database's real clock: at the seam of two windows up to
twice the limit may pass.
"""

import hashlib
import time
from collections.abc import Mapping
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
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rate_limit AS kept (bucket, window_start, hits)
            VALUES (%s, floor(extract(epoch FROM statement_timestamp()) / %s)::bigint * %s, 1)
            ON CONFLICT (bucket, window_start) DO UPDATE SET hits = kept.hits + 1
            RETURNING hits
            """,
            [digest(bucket, seconds), seconds, seconds],
        )
        (hits,) = cursor.fetchone()
    return bool(hits <= limit)


def digest(bucket: str, seconds: int) -> str:
    """What a bucket is kept as."""
    return hashlib.blake2b(f"{seconds}:{bucket}".encode(), digest_size=16).hexdigest()


def add(hits: Mapping[str, int], seconds: int) -> dict[str, int]:
    """Count many events at once, by digest of their bucket; how many each has in this window."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rate_limit AS kept (bucket, window_start, hits)
            SELECT bucket, floor(extract(epoch FROM statement_timestamp()) / %s)::bigint * %s, hits
            FROM unnest(%s, %s) AS new (bucket, hits) ORDER BY bucket
            ON CONFLICT (bucket, window_start) DO UPDATE SET hits = kept.hits + EXCLUDED.hits
            RETURNING bucket, hits
            """,
            [seconds, seconds, list(hits), list(hits.values())],
        )
        return dict(cursor.fetchall())


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
