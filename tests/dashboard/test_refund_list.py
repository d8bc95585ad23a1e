"""The list of refunds: what the address names is what is shown, summed and downloaded."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.clock import now
from dashboard.paging import SIZE
from payments import ledger
from payments.models import Payment, Refund, Transfer
from payments.settling import settle
from tenants.models import Tenant
from tests import make
from tests.dashboard.conftest import Url, text
from tests.payments.test_settling import answer

DAY = timedelta(days=1)


def refunded(paise: int = 100_00, *, live: bool = False, **facts: Any) -> Refund:
    """A refund of a payment of its own; facts of the payer go to the payment."""
    payers = {name: facts.pop(name) for name in [*facts] if name.startswith(("payer_", "method"))}
    link = facts.pop("link", None) or make.link(live=live)
    order = make.payment(link, **payers)
    settle(order, answer(order))
    order.refresh_from_db()
    defaults = {"state": "done", "decided_at": now(), "asked_by_name": "Bob"}
    refund = Refund.objects.create(
        live=live, payment=order, amount_paise=paise, **(defaults | facts)
    )
    if refund.state == "done":
        Payment.objects.filter(pk=order.pk).update(refunded_paise=paise, **payers)
        ledger.book_refund(refund)
    else:
        Payment.objects.filter(pk=order.pk).update(reserved_paise=paise, **payers)
    return refund


@pytest.fixture
def shop(in_acme: Tenant, paytm: Any) -> dict[str, Refund]:
    base = datetime(2026, 6, 30, 18, 29, 59, tzinfo=UTC)  # the last second of June in India
    return {
        "june": refunded(
            100_00,
            created_at=base,
            reason="Goods returned",
            bank_reference="RRN111",
            arn="ARN9",
            paytm_refund_id="PR1",
            method="upi",
            payer_name="Meera Nair",
            payer_email="meera@example.com",
            payer_phone="+91 98450 12345",
        ),
        "july": refunded(
            250_00,
            created_at=base + timedelta(seconds=1),
            state="sent",
            decided_at=None,
            reason="Duplicate payment",
            asked_by_name="Alice",
            method="credit_card",
        ),
        "held": refunded(
            400_00,
            created_at=base + DAY + timedelta(seconds=1),
            state="held",
            decided_at=None,
            held_above_paise=1,
            comment="=cmd|' /C calc'!A0",
            method="upi",
        ),
    }


def names(client: Client, url: Url, shop: dict[str, Refund], **query: str) -> set[str]:
    page = client.get(url("refunds"), query)
    assert page.status_code == 200, text(page)
    shown = {name for name, refund in shop.items() if refund.ref_id in page.content.decode()}
    rows = [*csv.DictReader(io.StringIO(client.get(url("refunds_csv"), query).content.decode()))]
    assert {row["Refund ID"] for row in rows} == {shop[name].ref_id for name in shown}
    sums = page.context["sums"]()
    assert sums["count"] == len(rows)
    paise = sum(int(row["Amount (INR)"].replace(".", "")) for row in rows)
    assert sums["asked_paise"] == paise
    return shown


ALL = {"june", "july", "held"}
CASES = [
    ({}, ALL),
    ({"state": "sent"}, {"july"}),
    ({"state": "held"}, {"held"}),
    ({"to": "2026-06-30"}, {"june"}),
    ({"from": "2026-07-01"}, {"july", "held"}),
    ({"from": "2026-07-01", "to": "2026-07-01"}, {"july"}),
    ({"from": "0001-01-01", "to": "9999-12-31"}, ALL),
    ({"low": "250"}, {"july", "held"}),
    ({"high": "250.00"}, {"june", "july"}),
    ({"low": "100.01", "high": "399.99"}, {"july"}),
    ({"method": "upi"}, {"june", "held"}),
    ({"reason": "returned"}, {"june"}),
    ({"who": "alice"}, {"july"}),
    ({"q": "RRN111"}, {"june"}),
    ({"q": "ARN9"}, {"june"}),
    ({"q": "PR1"}, {"june"}),
    ({"q": "meera"}, {"june"}),
    ({"q": "MEERA@example"}, {"june"}),
    ({"q": "98450"}, {"june"}),
    ({"q": "nobody at all"}, set()),
    ({"q": "%"}, set()),
    ({"state": "held", "method": "upi", "low": "1"}, {"held"}),
]


@pytest.mark.parametrize(("query", "expected"), CASES)
def test_each_filter_narrows_list_sums_and_file_alike(
    at_acme: Client, url: Url, shop: dict[str, Refund], query: dict[str, str], expected: set[str]
) -> None:
    assert names(at_acme, url, shop, **query) == expected


def test_ids_find_their_refund(at_acme: Client, url: Url, shop: dict[str, Refund]) -> None:
    june = shop["june"]
    for text_ in (june.ref_id, june.ref_id[:12], june.payment.order_id, june.ref_id[6:]):
        assert names(at_acme, url, shop, q=f" {text_} ") == {"june"}
    assert names(at_acme, url, shop, link=str(june.payment.link_id)) == {"june"}


@pytest.mark.parametrize(
    "query",
    [
        {"state": "x"}, {"from": "yesterday"}, {"low": "-1"}, {"method": "barter"}, {"link": "x"},
        {"q": "x" * 81}, {"low": "1" * 400},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told(at_acme: Client, url: Url, query: dict[str, str]) -> None:
    for name in ("refunds", "refunds_csv"):
        assert at_acme.get(url(name), query).status_code == 422


def test_the_file_is_guarded_and_tells_everything(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    file = at_acme.get(url("refunds_csv"), {"from": "2026-01-01"})
    assert file["Content-Disposition"] == 'attachment; filename="acme-test-refunds.csv"'
    held, _, june = csv.DictReader(io.StringIO(file.content.decode()))
    assert held["Comment"] == "'=cmd|' /C calc'!A0"
    assert (june["Payer"], june["Payer's phone"]) == ("Meera Nair", "'+91 98450 12345")
    assert (june["Bank reference (RRN)"], june["Card reference (ARN)"]) == ("RRN111", "ARN9")
    assert (june["State"], june["Reason"], june["Asked by"]) == (
        "Refunded",
        "Goods returned",
        "Bob",
    )
    assert june["Asked for at"] == "2026-06-30 23:59:59+05:30"
    assert june["Payer should have it by"]


def test_the_sums_come_from_the_books(at_acme: Client, url: Url, shop: dict[str, Refund]) -> None:
    assert "3 refunds of ₹750.00 in all; ₹100.00 given back" in text(at_acme.get(url("refunds")))
    booked = Transfer.objects.get(refund=shop["june"])
    Transfer.objects.create(
        live=False, day=booked.day, payment=booked.payment, refund=booked.refund, method="",
        debit=booked.credit, credit=booked.debit, paise=booked.paise, reverses=booked,
    )  # fmt: skip
    assert "₹0.00 given back" in text(at_acme.get(url("refunds")))


def test_the_worlds_stay_apart(at_acme: Client, url: Url, shop: dict[str, Refund]) -> None:
    make.paytm_account("LIVEMID0000000000001", "live0000merchant", live=True)
    other = refunded(live=True)
    assert other.ref_id not in at_acme.get(url("refunds")).content.decode()
    assert other.ref_id not in at_acme.get(url("refunds_csv")).content.decode()
    assert at_acme.get(url("refund", id=other.pk)).status_code == 404


def test_pages_follow_each_other_within_the_selection(
    at_acme: Client, url: Url, in_acme: Tenant, paytm: Any
) -> None:
    link = make.link()
    order = make.payment(link)
    settle(order, answer(order))
    order.refresh_from_db()
    moment = now() - DAY
    Refund.objects.bulk_create(
        Refund(live=False, payment=order, amount_paise=1_00 + n % 2, state="failed",
               created_at=moment + timedelta(seconds=n)) for n in range(2 * SIZE + 10)
    )  # fmt: skip
    seen, address = [], f"{url('refunds')}?high=1.00"
    while address:
        page = at_acme.get(address).context["page"]
        seen += [row["id"] for row in page.rows]
        assert all(row["amount_paise"] == 1_00 for row in page.rows)
        address = f"{url('refunds')}{page.older}" if page.older else ""
    assert len(seen) == len(set(seen)) == SIZE + 5
    assert at_acme.get(f"{url('refunds')}?high=1.00").context["sums"]()["count"] == SIZE + 5


def test_rows_change_while_somebody_looks(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    where = {"state": "sent"}
    seen = at_acme.get(url("refunds"), where).context["seen"]
    poll: dict[str, Any] = {"headers": {"HX-Request": "true"}}
    assert at_acme.get(url("refunds"), {**where, "seen": seen}, **poll).status_code == 204
    Refund.objects.filter(pk=shop["july"].pk).update(state="accepted")
    assert at_acme.get(url("refunds"), {**where, "seen": seen}, **poll).status_code == 200


@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    query=st.fixed_dictionaries(
        {},
        optional={
            "q": st.sampled_from(["ref", "meera", "9845", "@", "RRN", " "]),
            "state": st.sampled_from(["done", "sent", "held", "failed"]),
            "from": st.dates().map(str),
            "to": st.dates().map(str),
            "low": st.integers(1, 500).map(str),
            "high": st.integers(1, 500).map(str),
            "method": st.sampled_from(["upi", "credit_card", "wallet"]),
            "who": st.sampled_from(["a", "bob", "%"]),
        },
    )
)
def test_list_sums_and_file_of_one_selection_agree(
    at_acme: Client, url: Url, shop: dict[str, Refund], query: dict[str, str]
) -> None:
    names(at_acme, url, shop, **query)
