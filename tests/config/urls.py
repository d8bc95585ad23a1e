"""Views that go wrong in every way, for the tests of what stands around them."""

from collections.abc import Iterator

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django_tenants.utils import schema_context

from config import health
from tenants.models import Tenant


def broken(request: HttpRequest) -> HttpResponse:
    words = ["token=abcdefgh", "DETAIL: Failing row contains (secret)"]
    raise RuntimeError("\n".join(words))


def absent(request: HttpRequest) -> HttpResponse:
    raise Http404


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def sql(request: HttpRequest) -> HttpResponse:
    """Run the statement of the address, as a bug or a fault would."""
    with connection.cursor() as cursor:
        cursor.execute(request.GET["statement"])
    return HttpResponse()


def lost_database(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return HttpResponse()


def missing_table(request: HttpRequest) -> HttpResponse:
    """Read a table that this tenant's schema lacks."""
    with schema_context(Tenant.objects.all()[0].schema_name), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM never_migrated")
    return HttpResponse()


def left_inside(request: HttpRequest) -> HttpResponse:
    """A view that forgets to come back from its tenant."""
    answer = connection.schema_name  # type: ignore[attr-defined]
    connection.set_schema("t_elsewhere")  # type: ignore[attr-defined]
    return HttpResponse(answer)


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(repr(sorted(request.POST.lists())))


@csrf_exempt
def raw(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse(request.body)


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse("posted")


def item(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse("ok")


def views() -> Iterator[object]:
    for view in (
        broken,
        absent,
        forbidden,
        sql,
        lost_database,
        missing_table,
        left_inside,
        echo,
        form,
    ):
        yield path(view.__name__, view)


urlpatterns = [
    *views(),
    path("p/<str:token>", item),
    path("paytm/<str:token>/callback", raw),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
