"""The rate limiter counts once for all processes."""

import threading
from collections import Counter

import pytest
from django.db import connection

from tenants import limits

DAY = 86_400  # the longest window: a test does not cross its seam twice


@pytest.mark.django_db
def test_the_limit_is_the_last_that_passes() -> None:
    assert [limits.hit("a", 3, DAY) for _ in range(5)] == [True, True, True, False, False]


@pytest.mark.django_db
def test_buckets_and_windows_are_counted_apart() -> None:
    assert limits.hit("a", 1, DAY)
    assert limits.hit("b", 1, DAY)
    assert limits.hit("a", 1, DAY // 2)
    assert not limits.hit("a", 1, DAY)


@pytest.mark.django_db
@pytest.mark.parametrize("bucket", ["", "\x00", "x" * 1_000_000, "प"])
def test_a_bucket_is_any_text(bucket: str) -> None:
    assert limits.hit(bucket, 1, DAY)
    assert not limits.hit(bucket, 1, DAY)


@pytest.mark.django_db
def test_a_bucket_is_not_kept_in_clear() -> None:
    limits.hit("alice@example.com", 1, DAY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT bucket FROM rate_limit")
        assert "alice" not in str(cursor.fetchall())


@pytest.mark.parametrize("seconds", [0, -1, DAY + 1])
def test_a_window_is_at_most_a_day(seconds: int) -> None:
    with pytest.raises(ValueError, match="window"):
        limits.hit("a", 1, seconds)


@pytest.mark.django_db
def test_a_new_window_begins_anew_and_old_ones_are_swept() -> None:
    limits.hit("a", 1, 60)
    age("60")
    assert limits.hit("a", 1, 60)
    age("2 * 86400")
    limits.hit("b", 1, 60)
    limits.sweep()
    assert rows() == 1


def age(seconds: str) -> None:
    """As if so much time had passed on the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE rate_limit SET window_start = window_start - {seconds}")


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM rate_limit")
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("committed")
def test_threads_at_once_get_exactly_the_limit() -> None:
    answers: Counter[bool] = Counter()

    def hit_often() -> None:
        answers.update(limits.hit("raced", 50, DAY) for _ in range(25))
        connection.close()

    threads = [threading.Thread(target=hit_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {True: 50, False: 150}
