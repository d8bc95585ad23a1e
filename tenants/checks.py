"""System checks for rules that the next view, table or setting must not forget."""

import re
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.db.backends.postgresql.psycopg_any import is_psycopg3
from django.urls import URLPattern, URLResolver, get_resolver

from config.client_ip import networks
from tenants import master_keys

# Libraries whose views guard themselves.
FOREIGN = ("allauth.",)
ORIGIN = re.compile(r"https?://[A-Za-z0-9\[][^/?#@\s]*")
EXAMPLES = (" ", "insecure", "changeme", "change-me", "your-secret", "example")
GOOD_ONES = "`python -m config.keys` makes good ones"


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
    return [
        checks.Error(words, id=f"tenants.E{number:03d}")
        for number, (words, found) in enumerate(faults_in_production().items(), start=10)
        if settings.PRODUCTION and found
    ]


def faults_in_production() -> dict[str, bool]:
    """Everything that production must not start with, and whether it is so here."""
    master_keys_fault = master_keys.fault()
    return {
        "DEBUG is on": settings.DEBUG,
        "BASE_URL does not begin with https://": not settings.BASE_URL.startswith("https://"),
        "BASE_URL is not a scheme and a host alone": not ORIGIN.fullmatch(settings.BASE_URL),
        "ALLOWED_HOSTS, made from BASE_URL, admits every host": "*"
        in "".join(settings.ALLOWED_HOSTS),
        f"SECRET_KEY is short or a default; {GOOD_ONES}": is_guessable(settings.SECRET_KEY),
        f"{master_keys_fault}; {GOOD_ONES}": bool(master_keys_fault),
        "DATA_DIR holds a file named clock, which moves the time of demos": (
            settings.DATA_DIR / "clock"
        ).exists(),
        "TRUSTED_PROXIES holds what is no network, or every address": not proxies_are_sound(),
    }


def is_guessable(key: str) -> bool:
    """Whether a SECRET_KEY is short, of few different characters, or out of an example."""
    from_example = any(words in key.lower() for words in EXAMPLES)
    return from_example or len(key) < 50 or len(set(key)) < 16


def proxies_are_sound() -> bool:
    """Whether TRUSTED_PROXIES are networks, and none of them is the whole internet."""
    try:
        return all(network.prefixlen for network in networks(tuple(settings.TRUSTED_PROXIES)))
    except ValueError:
        return False


def stop_if_unsafe() -> None:
    """The first act of web and worker. Unless all is safe, SystemExit with every fault in words."""
    found = checks.run_checks(tags=[checks.Tags.security, checks.Tags.database], databases=[])
    faults = [message.msg for message in found if message.is_serious()]
    if faults:
        sys.exit("\n  ".join([f"Refused to start in {settings.MODE} mode:", *faults]))
