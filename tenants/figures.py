"""What the queue and the tenants look like now, for Prometheus."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config import clock


class DatabaseFigures(Collector):
    """Gauges read from the public schema at each scrape."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield _gauge(
            "job_queue_rows",
            ("lane", "state"),
            "SELECT lane::text, state, count(*) FROM job GROUP BY lane, state",
        )
        yield _gauge(
            "job_queue_oldest_ready_seconds",
            ("lane",),
            """SELECT lane::text, extract(epoch FROM %s - min(run_at))::float
               FROM job WHERE state = 'ready' GROUP BY lane""",
            [clock.now()],
        )
        yield _gauge("dead_job_rows", (), "SELECT count(*) FROM dead_job")
        yield _gauge("tenant_rows", ("state",), "SELECT state, count(*) FROM tenant GROUP BY state")


def _gauge(
    name: str, labels: Sequence[str], query: str, values: Sequence[Any] = ()
) -> GaugeMetricFamily:
    """A gauge from rows of labels followed by one number."""
    gauge = GaugeMetricFamily(name, name.replace("_", " "), labels=labels)
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        for *row_labels, number in cursor.fetchall():
            gauge.add_metric(row_labels, number)
    return gauge
