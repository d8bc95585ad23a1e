"""System checks for rules that the next view, table or setting must not forget."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db.backends.postgresql.psycopg_any import is_psycopg3
from django.urls import URLPattern, URLResolver, get_resolver

# Libraries whose views guard themselves.
FOREIGN = ("allauth.",)


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every route of the product with its pattern, in the order of the resolver."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, entry
        else:
            yield from patterns(entry, route)


@checks.register(checks.Tags.security)
def every_view_declares_its_access(**_: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(f"{route} declares no access", hint="See tenants.access.", id="tenants.E001")
        for route, pattern in patterns()
        if not hasattr(pattern.callback, "access")
        and not pattern.callback.__module__.startswith(FOREIGN)
    ]


@checks.register(checks.Tags.database)
def no_app_is_shared_and_tenant(**_: Any) -> list[checks.CheckMessage]:
    both = set(settings.SHARED_APPS) & set(settings.TENANT_APPS)
    return [checks.Error(f"{app} is shared and tenant", id="tenants.E002") for app in both]


@checks.register(checks.Tags.database)
def the_driver_is_psycopg2(**_: Any) -> list[checks.CheckMessage]:
    if not is_psycopg3:
        return []
    return [checks.Error("psycopg 3 is installed and Django uses it", id="tenants.E003")]


@checks.register(checks.Tags.security)
def production_is_safe(**_: Any) -> list[checks.CheckMessage]:
    if not settings.PRODUCTION:
        return []
    faults = {
        "DEBUG is on": settings.DEBUG,
        "BASE_URL is not https": urlsplit(settings.BASE_URL).scheme != "https",
        "ALLOWED_HOSTS admits every host": "*" in settings.ALLOWED_HOSTS,
        "SECRET_KEY is short or a default": len(settings.SECRET_KEY) < 40
        or settings.SECRET_KEY.startswith("django-insecure"),
        "MASTER_KEYS is not set": not settings.MASTER_KEYS,
        "DATA_DIR holds a clock file": (settings.DATA_DIR / "clock").exists(),
    }
    return [
        checks.Error(words, id=f"tenants.E{number:03d}")
        for number, (words, found) in enumerate(faults.items(), start=10)
        if found
    ]
