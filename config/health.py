"""Alive, ready, and how much of what."""

from collections.abc import Iterator
from functools import cache
from hmac import compare_digest
from ipaddress import ip_address

from django.apps import apps
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from config import metrics as figures
from tenants.access import public
from tenants.figures import DatabaseFigures

WORKER_SEEN_SECONDS = 30
FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "HTTP_VIA",
)


@public
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all."""
    return HttpResponse("ok", content_type="text/plain")


@public
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the product can do its work, else 503 and the reasons."""
    try:
        reasons = list(reasons_not_ready())
    except (OperationalError, InterfaceError):
        reasons = ["the database cannot be reached"]
    return JsonResponse({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


@public
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' figures, for whoever holds METRICS_TOKEN; else 404.

    Demo and test mode show them to programs of this machine as well. In production a proxy on it
    that tells nothing of its clients would look like one.
    """
    if not (holds_token(request) or (not settings.PRODUCTION and from_this_machine(request))):
        raise Http404
    try:
        body = figures.text(DatabaseFigures())
    except (OperationalError, InterfaceError):
        body = figures.text()
    return HttpResponse(body, content_type=figures.CONTENT_TYPE)


def reasons_not_ready() -> Iterator[str]:
    """Why work cannot be taken now. Raises OperationalError without a database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if not cursor.fetchone()[0]:
            yield "the database is empty"
            return
        cursor.execute("SELECT app, name FROM django_migrations")
        missing = shared_migrations() - set(cursor.fetchall())
        if missing:
            yield f"{len(missing)} migrations are to be applied"
            return
        cursor.execute(
            "SELECT tablename FROM pg_tables"
            " WHERE schemaname = current_schema() AND tablename = ANY(%s)",
            [tenant_tables()],
        )
        if cursor.fetchall():
            yield "tables of tenants stand in schema public"
        cursor.execute(
            "SELECT EXISTS (SELECT FROM worker_seen"
            " WHERE seen_at > statement_timestamp() - %s * interval '1 second')",
            [WORKER_SEEN_SECONDS],
        )
        if not cursor.fetchone()[0]:
            yield "no worker is running"


@cache
def shared_migrations() -> frozenset[tuple[str, str]]:
    """The newest migrations of the apps in schema public, as this code has them."""
    labels = {apps.get_app_config(name.rpartition(".")[2]).label for name in settings.SHARED_APPS}
    graph = MigrationLoader(None).graph
    return frozenset(key for key in graph.leaf_nodes() if key[0] in labels)


@cache
def tenant_tables() -> list[str]:
    """The names of the tables that belong into tenants' schemas."""
    return [
        model._meta.db_table
        for name in settings.TENANT_APPS
        for model in apps.get_app_config(name).get_models(include_auto_created=True)
    ]


def from_this_machine(request: HttpRequest) -> bool:
    """Whether a program of this machine asks, and not a proxy on it for somebody else."""
    forwarded = any(name in request.META for name in FORWARDED)
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback and not forwarded
    except ValueError:
        return False


def holds_token(request: HttpRequest) -> bool:
    """An unset METRICS_TOKEN opens to nobody."""
    given = request.META.get("HTTP_AUTHORIZATION", "").encode()
    return bool(settings.METRICS_TOKEN) and compare_digest(
        given, f"Bearer {settings.METRICS_TOKEN}".encode()
    )
