"""A merchant at work: acme's links, a payer who pays them, and the addresses of its screens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context

from payments.models import Link, Payment
from tenants import provisioning
from tenants.models import CaughtMail, Job, Tenant, User
from tests import cast, make
from tests.conftest import MIDS, READY, SignIn, browser
from tests.wire import Simulator, come_back, go_to_paytm

Url = Callable[..., str]
Pay = Callable[..., Payment]
Clock = Callable[[float], None]


@pytest.fixture
def url(acme: Tenant) -> Url:
    """The address of a screen by name, in acme's test world unless told otherwise."""

    def address(name: str, slug: str = "acme", live: bool = False, **where: Any) -> str:
        return reverse(name, kwargs={"slug": slug, "live": live, **where})

    return address


@contextmanager
def committed_merchants() -> Iterator[tuple[Tenant, Tenant]]:
    """Acme and globex with their Paytm accounts, for what is read over connections of its own;
    nothing of them stays."""
    people = [cast.person(name) for name in ("Alice", "Bob", "Charlie")]
    acme = cast.merchant("acme", people[0], finance=people[1])
    globex = cast.merchant("globex", people[2])
    for tenant in (acme, globex):
        with tenant_context(tenant):
            make.paytm_account(*MIDS[str(tenant.slug)])
    yield acme, globex
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    for tenant in (acme, globex):
        tenant.delete(force_drop=True)
    for user in people:
        user.delete()
    provisioning.keep_ready(READY)
    CaughtMail.objects.all().delete()
    Job.objects.all().delete()


@pytest.fixture
def link(in_acme: Tenant, paytm: Simulator) -> Link:
    return make.link()


@pytest.fixture
def pay(paytm: Simulator) -> Pay:
    """Have a payer open a link, press a button at Paytm and come back to the status page."""

    def payment_of(link: Link, outcome: str = "success", **fields: str) -> Payment:
        client = browser()
        callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}", **fields), outcome)
        client.get(come_back(client, callback)["Location"])
        return Payment.objects.select_related("account").filter(link=link).latest("created_at")

    return payment_of


@pytest.fixture
def paid(link: Link, pay: Pay) -> Payment:
    """A paid payment of ₹500.00."""
    return pay(link)


@pytest.fixture
def at_acme(alice: User, acme: Tenant, sign_in: SignIn) -> Client:
    """Alice's browser."""
    return sign_in(alice)


def text(answer: Any) -> str:
    """The page, with white space as a reader sees it."""
    return " ".join(answer.getvalue().decode().split())
