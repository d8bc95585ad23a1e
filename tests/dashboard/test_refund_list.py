"""The list of refunds: what the address names is what is shown, summed and downloaded."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django_tenants.utils import schema_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.clock import now
from dashboard import refunds
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


def names(client: Client, url: Url, shop: dict[str, Refund], **query: Any) -> set[str]:
    page = client.get(url("refunds"), query)
    assert page.status_code == 200, text(page)
    shown = {name for name, refund in shop.items() if refund.ref_id in page.content.decode()}
    rows = file_of(client, url, **query)
    assert {row["Refund ID"] for row in rows} == {shop[name].ref_id for name in shown}
    sums = page.context["sums"]()
    assert sums["count"] == len(rows)
    paise = sum(int(row["Amount (INR)"].replace(".", "")) for row in rows)
    assert sums["asked_paise"] == paise
    return shown


def file_of(client: Client, url: Url, **query: str | list[str]) -> list[dict[str, str]]:
    answer = client.get(url("refunds_csv"), query)
    return [*csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig")))]  # type: ignore[arg-type]


ALL = {"june", "july", "held"}
CASES = [
    ({}, ALL),
    ({"status": "sent"}, {"july"}),
    ({"status": ["held", "sent"]}, {"held", "july"}),
    ({"q": "status:held,sent method:UPI"}, {"held"}),
    ({"q": "amount:>=250 reason:duplicate by:alice from:2026-07-01"}, {"july"}),
    ({"q": "method:card"}, {"july"}),
    ({"q": "meera 98450"}, {"june"}),
    ({"q": "meera RRN222"}, set()),
    ({"method": ["upi", "credit_card"]}, ALL),
    ({"to": "2026-06-30"}, {"june"}),
    ({"from": "2026-07-01"}, {"july", "held"}),
    ({"from": "2026-07-01", "to": "2026-07-01"}, {"july"}),
    ({"from": "2000-01-01", "to": "2099-12-31"}, ALL),
    ({"min": "250"}, {"july", "held"}),
    ({"max": "250.00"}, {"june", "july"}),
    ({"min": "100.01", "max": "399.99"}, {"july"}),
    ({"method": "upi"}, {"june", "held"}),
    ({"reason": "returned"}, {"june"}),
    ({"by": "alice"}, {"july"}),
    ({"q": "RRN111"}, {"june"}),
    ({"q": "ARN9"}, {"june"}),
    ({"q": "PR1"}, {"june"}),
    ({"q": "meera"}, {"june"}),
    ({"q": "MEERA@example"}, {"june"}),
    ({"q": "98450"}, {"june"}),
    ({"q": "nobody at all"}, set()),
    ({"q": "%"}, set()),
    ({"status": "held", "method": "upi", "min": "1"}, {"held"}),
]


@pytest.mark.parametrize(("query", "expected"), CASES)
def test_each_filter_narrows_list_sums_and_file_alike(
    at_acme: Client, url: Url, shop: dict[str, Refund], query: dict[str, Any], expected: set[str]
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
        {"status": "x"}, {"from": "yesterday"}, {"min": "-1"}, {"method": "barter"}, {"link": "x"},
        {"q": "x" * 201}, {"min": "1" * 400}, {"q": "colour:red"}, {"q": "status:gone"},
        {"min": "2", "max": "1"}, {"from": "2026-07-02", "to": "2026-07-01"}, {"period": "x"},
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
    held, _, june = file_of(at_acme, url, **{"from": "2026-01-01"})
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
    assert other.ref_id not in {row["Refund ID"] for row in file_of(at_acme, url)}
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
    seen, address = [], f"{url('refunds')}?max=1.00"
    while address:
        page = at_acme.get(address).context["page"]
        seen += [row["id"] for row in page.rows]
        assert all(row["amount_paise"] == 1_00 for row in page.rows)
        address = f"{url('refunds')}{page.older}" if page.older else ""
    assert len(seen) == len(set(seen)) == SIZE + 5
    assert at_acme.get(f"{url('refunds')}?max=1.00").context["sums"]()["count"] == SIZE + 5


def test_rows_change_while_somebody_looks(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    where = {"status": "sent"}
    seen = at_acme.get(url("refunds"), where).context["seen"]
    poll: dict[str, Any] = {"headers": {"HX-Request": "true"}}
    assert at_acme.get(url("refunds"), {**where, "seen": seen}, **poll).status_code == 204
    Refund.objects.filter(pk=shop["july"].pk).update(state="accepted")
    assert at_acme.get(url("refunds"), {**where, "seen": seen}, **poll).status_code == 200


def test_what_narrows_can_be_taken_away(at_acme: Client, url: Url, shop: dict[str, Refund]) -> None:
    """Each filter is a chip that leads to the list without it, typed or chosen alike."""
    typed = at_acme.get(url("refunds"), {"q": "status:held,sent by:alice RRN", "period": "year"})
    form = typed.context["form"]
    assert [str(chip.words) for chip in form.chips()] == [
        "This financial year", "Waits for approval", "Sent to Paytm", "By: alice", "Has “RRN”",
    ]  # fmt: skip
    assert form.chips()[3].query == "period=year&status=held&status=sent&q=RRN"
    assert "This financial year" in text(typed)
    assert "Narrowed to" not in text(at_acme.get(url("refunds"), {"all": "1"}))


def test_a_long_file_is_sent_in_parts(
    at_acme: Client, url: Url, shop: dict[str, Refund], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refunds of one moment among them; nobody else's tenant is entered on the way."""
    more = [refunded(created_at=shop["june"].created_at) for _ in range(3)]
    monkeypatch.setattr(refunds, "CHUNK", 1)
    answer = at_acme.get(url("refunds_csv"))
    assert answer.streaming
    with schema_context("public"):
        sent = b"".join(answer).decode("utf-8-sig")  # type: ignore[arg-type]
    rows = [*csv.DictReader(io.StringIO(sent))]
    together = sorted((refund.pk, refund.ref_id) for refund in (shop["june"], *more))
    assert [row["Refund ID"] for row in rows] == [
        shop["held"].ref_id, shop["july"].ref_id, *(ref_id for _, ref_id in together),
    ]  # fmt: skip


def ordered(values: st.SearchStrategy[Any], low: str, high: str) -> st.SearchStrategy[Any]:
    """None, one or both of two ends, the lower one not above the other."""
    both = st.tuples(values, values).map(sorted)
    some = both.map(lambda ends: {low: str(ends[0]), high: str(ends[1])})
    return some.flatmap(lambda ends: st.sets(st.sampled_from([*ends])).map(
        lambda names: {name: ends[name] for name in names}))  # fmt: skip


DATES = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    days=ordered(DATES, "from", "to"),
    amounts=ordered(st.integers(1, 500), "min", "max"),
    query=st.fixed_dictionaries(
        {},
        optional={
            "q": st.sampled_from(["ref", "meera", "9845", "@", "RRN", " "]),
            "status": st.sets(st.sampled_from(["done", "sent", "held", "failed"])).map(sorted),
            "method": st.sets(st.sampled_from(["upi", "credit_card", "wallet"])).map(sorted),
            "by": st.sampled_from(["a", "bob", "%"]),
        },
    ),
)
def test_list_sums_and_file_of_one_selection_agree(
    at_acme: Client, url: Url, shop: dict[str, Refund], query: Any, days: Any, amounts: Any
) -> None:
    names(at_acme, url, shop, **query, **days, **amounts)


def test_home_leads_to_just_the_refunds_that_want_a_person(
    at_acme: Client, url: Url, in_acme: Tenant, paytm: Any
) -> None:
    done, failed = refunded(), refunded(state="failed")
    [address] = [
        want["url"]
        for want in at_acme.get(url("dashboard")).context["wants"]
        if want["text"] == "1 refund failed"
    ]
    page = text(at_acme.get(address))
    assert failed.ref_id in page
    assert done.ref_id not in page
