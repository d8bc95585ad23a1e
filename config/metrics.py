"""Counters of this machine's processes.

Every process writes into files of DATA_DIR/metrics; whoever answers /metrics adds them up.
"""

import os

from django.conf import settings

# Must be known before prometheus_client is first imported, and this module alone imports it.
_FOLDER = settings.DATA_DIR / "metrics"
_FOLDER.mkdir(parents=True, exist_ok=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_FOLDER)

from prometheus_client import (  # noqa: E402
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402

CONTENT_TYPE = CONTENT_TYPE_LATEST

http_requests = Counter("http_requests_total", "Requests answered", ["route", "method", "status"])
http_seconds = Histogram("http_seconds", "Time to an answer", ["route"])
jobs = Counter("jobs_total", "Ends of jobs", ["kind", "outcome"])
jobs_dead = Counter("jobs_dead_total", "Jobs that failed for good", ["kind"])
paytm_calls = Counter("paytm_calls_total", "Calls to Paytm", ["call", "outcome"])
paytm_breaker = Counter(
    "paytm_breaker_total", "Times that a host of Paytm's was given up and taken up", ["host", "to"]
)
books_breaches = Counter("books_breaches_total", "Laws of the books found broken", ["law"])
deliveries = Counter("deliveries_total", "Attempts to deliver an event", ["outcome"])
messages = Counter("messages_total", "Paytm's callbacks and webhooks", ["kind", "verdict"])


def text(*more: Collector) -> bytes:
    """All figures in Prometheus' text format, with those that `more` collects now."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    for collector in more:
        registry.register(collector)
    return generate_latest(registry)
