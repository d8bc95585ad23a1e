"""`python -m benchmarks.home_reader TENANT`: reads what it is told to, so many times.

It hears lines such as `ours 200` and answers each with a line of JSON: the seconds, and the sums
of every day.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from dashboard import today as home  # noqa: E402
from payments import reporting  # noqa: E402
from payments.folding import FIGURES, MOVEMENT, fold  # noqa: E402
from tenants.current import today  # noqa: E402
from tenants.models import Tenant  # noqa: E402

DAYS = 90
RAW = f"""
    SELECT day, {", ".join(f"sum({name})::bigint" for name in FIGURES)} FROM (
        SELECT day, {MOVEMENT} FROM payments_transfer
        WHERE NOT live AND day BETWEEN %s AND %s
    ) rows GROUP BY day ORDER BY day
"""  # noqa: S608  (constants of the product only)

Sums = list[list[Any]]


def main(tenant_id: str) -> None:
    with tenant_context(Tenant.objects.get(pk=tenant_id)):
        fold()
        for line in sys.stdin:
            side, count = line.split()
            print(json.dumps(timed(SIDES[side], int(count))), flush=True)


def timed(read: Callable[[date, date], Sums], count: int) -> tuple[float, Sums]:
    last = today()
    first, sums = last - timedelta(days=DAYS - 1), Sums()
    began = time.monotonic()
    for _ in range(count):
        sums = read(first, last)
    return time.monotonic() - began, sums


def raw(first: date, last: date) -> Sums:
    with connection.cursor() as cursor:
        cursor.execute(RAW, [first, last])
        return [[str(day), *sums] for day, *sums in cursor.fetchall()]


def ours(first: date, last: date) -> Sums:
    days = reporting.by_day(False, first, last)
    return [[str(each.day), *(getattr(each, name) for name in FIGURES)] for each in days]


def whole_home(first: date, last: date) -> Sums:
    home.look(live=False)
    return []


SIDES = {"raw": raw, "ours": ours, "home": whole_home}


if __name__ == "__main__":
    main(sys.argv[1])
