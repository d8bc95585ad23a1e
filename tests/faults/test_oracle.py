"""The oracle sees what it is there for: each counter on books that differ in one thing alone."""

from typing import Any

import pytest
import requests

from payments.models import Payment
from payments.settling import settle
from tenants.models import Tenant, User
from tests import make
from tests.conftest import MIDS
from tests.faults.actors import Watch
from tests.faults.oracle import findings
from tests.payments.test_settling import answer

OWN, OTHER = "canary000000000001", "canary000000000002"


@pytest.fixture
def order(in_acme: Tenant) -> Payment:
    """₹500.00 that arrived."""
    make.paytm_account(*MIDS["acme"])
    return settle(paid := make.payment(make.link()), answer(paid))


def counters(order: Payment, **differently: Any) -> set[str]:
    """What the oracle finds where Paytm's books say the same, but for what differs.

    The figures are not folded and nobody is told here, which it rightly finds stuck: left out.
    """
    theirs = {"mid": order.account.mid, "paid_paise": 500_00, "refunded_paise": 0, "refunds": []}
    books = {order.order_id: theirs | differently}
    found = findings(Tenant.objects.get(slug="acme"), books, {})
    ours = {c: words for c, words in found if order.order_id in words and "never told" not in words}
    return {*ours}


def test_books_that_agree(order: Payment) -> None:
    assert counters(order) == set()


@pytest.mark.parametrize(
    ("differently", "counter"),
    [
        ({"paid_paise": 600_00}, "lost"),
        ({"paid_paise": 400_00}, "doubled"),
        ({"refunded_paise": 100_00}, "over_refunded"),
        ({"refunds": [{"ref_id": "ref_nobodys", "state": "PENDING"}]}, "over_refunded"),
        ({"mid": MIDS["globex"][0]}, "wrong_tenant"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_books_that_differ(order: Payment, differently: dict[str, Any], counter: str) -> None:
    assert counters(order, **differently) == {counter}


def test_an_undecided_payment_is_stuck(in_acme: Tenant) -> None:
    make.paytm_account(*MIDS["acme"])
    order = make.payment(make.link())
    assert counters(order, paid_paise=0, state="TXN_FAILURE") == {"stuck"}


def test_nobody_was_told_and_nothing_folded_is_stuck(order: Payment, alice: User) -> None:
    theirs = {"mid": order.account.mid, "paid_paise": 500_00, "refunded_paise": 0}
    tenant = Tenant.objects.get(slug="acme")
    found = [
        words for name, words in findings(tenant, {order.order_id: theirs}, {}) if name == "stuck"
    ]
    assert any("not in the daily figures" in words for words in found)
    assert any(f"{alice.email} was never told" in words for words in found)


def test_another_merchants_canary_is_seen() -> None:
    watch = Watch()
    watch.look(page(f"Shop {OWN}"), OWN)
    assert (watch.pages, watch.foreign) == (1, [])
    watch.look(page(f"Shop {OWN}, Tea for {OTHER}"), OWN)
    assert OTHER in watch.foreign[0]


def page(text: str) -> requests.Response:
    answered = requests.Response()
    answered._content, answered.status_code = text.encode(), 200
    answered.request = requests.Request("GET", "http://localhost/").prepare()
    return answered
