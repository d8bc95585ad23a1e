"""From a public token to its tenant, remembered in the process for a second."""

import re

from django.http import Http404

from config.remembered import Remembered
from merchants.models import new_secret_part
from tenants.models import KEY_LENGTH, Tenant

TOKEN = rf"[a-z0-9]{{{KEY_LENGTH}}}[A-Za-z0-9_-]{{22}}"

_remembered = Remembered[str, Tenant](seconds=1.0)


class TokenConverter:
    """A tenant's key followed by 128 random bits."""

    regex = TOKEN

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class WorldConverter:
    """`test` or `live` in an address; in Python the flag `live`."""

    regex = "test|live"

    def to_python(self, value: str) -> bool:
        return value == "live"

    def to_url(self, value: bool) -> str:
        return "live" if value else "test"


def new_token(tenant: Tenant) -> str:
    """A new unguessable public token that names this tenant."""
    return tenant.key + new_secret_part()


def recent_tenant_of_token(token: str) -> Tenant:
    """As `tenant_of_token`, at most a second old: good enough to look, not to act."""
    return _remembered.get(token[:KEY_LENGTH], lambda: tenant_of_token(token))


def tenant_of_token(token: str) -> Tenant:
    """The claimed tenant a token names, as it is now. Raises Http404."""
    key = token[:KEY_LENGTH]
    tenant: Tenant | None = Tenant.objects.exclude(state=Tenant.State.READY).filter(key=key).first()
    if tenant is None or not re.fullmatch(TOKEN, token):
        raise Http404
    return _remembered.put(key, tenant)
