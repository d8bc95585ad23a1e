"""A merchant at work: acme's links, a payer who pays them, and the addresses of its screens."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from payments.models import Link, Payment
from tenants.models import Tenant, User
from tests import make
from tests.conftest import SignIn, browser
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
