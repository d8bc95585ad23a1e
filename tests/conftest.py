"""The stage: the cast, their merchants, and a real Paytm simulator on the other side of a wire."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from django_tenants.utils import tenant_context

from tenants import provisioning
from tenants.models import Tenant, User
from tests import cast

SignIn = Callable[..., Client]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """A database of its own with ready schemas waiting; dropped at the end."""
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False, aliases=["default"])
        provisioning.prepare()
        provisioning.keep_ready(4)
    yield
    with django_db_blocker.unblock():
        teardown_databases(databases, verbosity=0)


@pytest.fixture(autouse=True)
def _in_public() -> Iterator[None]:
    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()


@pytest.fixture
def alice(db: None) -> User:
    return cast.person("Alice")


@pytest.fixture
def bob(db: None) -> User:
    return cast.person("Bob")


@pytest.fixture
def charlie(db: None) -> User:
    return cast.person("Charlie")


@pytest.fixture
def acme(alice: User, bob: User) -> Tenant:
    """Alice owns it, Bob is its finance."""
    return cast.merchant("acme", alice, finance=bob)


@pytest.fixture
def globex(charlie: User) -> Tenant:
    return cast.merchant("globex", charlie)


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[Tenant]:
    with tenant_context(acme):
        yield acme


@pytest.fixture
def sign_in(settings: Any) -> SignIn:
    """A browser of this person, who proved who they are `ago` seconds before."""

    def signed_in(user: User, ago: int = 0) -> Client:
        client = Client()
        client.force_login(user)
        session = client.session
        session["account_authentication_methods"] = [
            {"method": "password", "at": time.time() - ago, "reauthenticated": True}
        ]
        session.save()
        return client

    return signed_in
