"""Who was here on which day: one write for a day, by the merchant's own midnight."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import tenant_context

from merchants import presence
from tenants.current import today
from tenants.models import Tenant, User
from tests.conftest import SignIn

pytestmark = pytest.mark.django_db


def writes(client: Client) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/m/acme/team").status_code == 200
    return sum("INSERT INTO" in query["sql"] and "_seen" in query["sql"] for query in asked)


def test_a_day_is_written_once_and_the_next_one_again(
    acme: Tenant, alice: User, bob: User, sign_in: SignIn, clock: Callable[[float], None]
) -> None:
    hers = sign_in(alice)
    assert [writes(hers), writes(hers)] == [1, 0]
    with tenant_context(acme):
        first = today()
        assert presence.last_days() == {alice.pk: first}
    clock(24 * 3600)
    assert [writes(hers), writes(hers)] == [1, 0]
    with tenant_context(acme):
        assert presence.last_days() == {alice.pk: first + timedelta(days=1)}
        assert bob.pk not in presence.last_days()


def test_who_is_refused_was_not_here(acme: Tenant, charlie: User, sign_in: SignIn) -> None:
    assert sign_in(charlie).get("/m/acme/team").status_code == 404
    with tenant_context(acme):
        assert presence.last_days() == {}
