"""The list of refunds: what the address names is what is shown and summed, as each person likes it.

Its files are in test_refund_files.
"""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from config.clock import now
from dashboard.paging import SIZE
from dashboard.refunds import COLUMNS
from merchants.models import AuditEvent
from payments import finding, ledger, searching
from payments.annotating import add_note
from payments.models import Payment, Refund, SavedView, Transfer
from payments.settling import settle
from tenants.models import Membership, Tenant, User
from tests import make
from tests.conftest import SignIn
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
    searching.write(order.pk)
    return refund


@pytest.fixture
def shop(in_acme: Tenant, paytm: Any) -> dict[str, Refund]:
    return three_refunds()


def three_refunds() -> dict[str, Refund]:
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
    sums = client.get(url("refunds_sums"), query).context["totals"]
    assert sums["count"] == len(shown)
    assert sums["asked_paise"] == sum(shop[name].amount_paise for name in shown)
    return shown


ALL = {"june", "july", "held"}
CASES = [
    ({}, ALL),
    ({"status": "sent"}, {"july"}),
    ({"status": ["held", "sent"]}, {"held", "july"}),
    ({"q": "status:held,sent method:UPI"}, {"held"}),
    ({"q": "amount:>=250 reason:duplicate by:alice from:2026-07-01"}, {"july"}),
    ({"q": "method:card"}, {"july"}),
    ({"q": "meera 12345"}, {"june"}),
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
    ({"q": "9845012345"}, {"june"}),
    ({"q": "12345"}, {"june"}),
    ({"q": "98450"}, set()),
    ({"q": "nobody at all"}, set()),
    ({"status": "held", "method": "upi", "min": "1"}, {"held"}),
]


@pytest.mark.parametrize(("query", "expected"), CASES)
def test_each_filter_narrows_list_and_sums_alike(
    at_acme: Client, url: Url, shop: dict[str, Refund], query: dict[str, Any], expected: set[str]
) -> None:
    assert names(at_acme, url, shop, **query) == expected


def test_words_of_many_payments_find_the_same(
    at_acme: Client,
    alice: User,
    url: Url,
    shop: dict[str, Refund],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refund by refund, as where a word finds more payments than are looked up by it."""
    monkeypatch.setattr(finding, "keys", lambda *_, **__: None)
    for query, expected in CASES:
        assert names(at_acme, url, shop, **query) == expected
    add_note(shop["june"].payment, "Came to the counter", alice)
    assert names(at_acme, url, shop, q="counter") == {"june"}


def test_what_finds_a_payment_finds_its_refunds(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    june = shop["june"].payment
    Payment.objects.filter(pk=june.pk).update(paytm_txn_id="20261127770001", bank_txn_id="BX5501")
    searching.write(june.pk)
    for word in ("20261127770001", "5501", june.order_id[-6:], june.order_id[4:12]):
        assert names(at_acme, url, shop, q=word) == {"june"}


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
        {"q": "%"},
        {"min": "2", "max": "1"}, {"from": "2026-07-02", "to": "2026-07-01"}, {"period": "x"},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told(at_acme: Client, url: Url, query: dict[str, str]) -> None:
    assert at_acme.get(url("refunds"), query).status_code == 422
    for name in ("refunds_sums", "refunds_csv", "refunds_looks"):
        assert at_acme.get(url(name), query).status_code == 400


def test_the_sums_come_from_the_books(at_acme: Client, url: Url, shop: dict[str, Refund]) -> None:
    page = text(at_acme.get(url("refunds_sums")))
    assert '<b class="num">3</b> refunds of <b class="num">₹750.00</b>' in page
    assert '<b class="num">₹100.00</b> given back' in page
    booked = Transfer.objects.get(refund=shop["june"])
    Transfer.objects.create(
        live=False, day=booked.day, payment=booked.payment, refund=booked.refund, method="",
        debit=booked.credit, credit=booked.debit, paise=booked.paise, reverses=booked,
    )  # fmt: skip
    part = at_acme.get(url("refunds_sums"), headers={"HX-Request": "true"})
    assert text(part).startswith('<p class="sums" id="sums" role="status">')
    assert '<b class="num">₹0.00</b> given back' in text(part)


def test_the_worlds_stay_apart(at_acme: Client, url: Url, shop: dict[str, Refund]) -> None:
    make.paytm_account("LIVEMID0000000000001", "live0000merchant", live=True)
    other = refunded(live=True)
    assert other.ref_id not in at_acme.get(url("refunds")).content.decode()
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
    assert at_acme.get(f"{url('refunds_sums')}?max=1.00").context["totals"]["count"] == SIZE + 5


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


# --- Columns and views


def heads(page: Any) -> list[str]:
    return [*map(unescape, re.findall(r"<th[^>]*>([^<]*)</th>", text(page)))]


def test_columns_are_chosen_and_remembered(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    usual = ["Refund of", "When", "Method", "Asked by", "State", "Amount"]
    assert heads(at_acme.get(url("refunds"))) == usual
    before = text(at_acme.get(url("refunds"), {"status": "done"}))
    assert "Meera Nair" not in before
    assert 'refunds.csv?status=done"' in before
    assert 'exports/refunds?status=done"' in before
    chosen = {"column": ["customer", "state"], "query": "status=done"}
    page = at_acme.post(url("refunds_columns"), chosen, follow=True)
    assert page.request["QUERY_STRING"] == "status=done"
    assert "Meera Nair" in text(page)
    assert 'refunds.csv?status=done&amp;columns=state%2Ccustomer"' in text(page)
    assert 'exports/refunds?status=done&amp;columns=state%2Ccustomer"' in text(page)
    assert heads(at_acme.get(url("refunds"))) == ["Refund of", "State", "Payer", "Amount"]
    assert "98450 12345" in text(at_acme.get(url("refunds"), {"columns": "phone"}))
    assert heads(at_acme.get(url("payments")))[1:-1] == ["When", "Method", "State"]


def test_every_column_says_what_is_there_and_nothing_of_it_is_markup(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    Payment.objects.update(payer_name="<script>")
    page = at_acme.get(url("refunds"), {"columns": ",".join(COLUMNS)})
    assert heads(page) == ["Refund of", *map(str, COLUMNS.values()), "Amount"]
    june, words = shop["june"], text(page)
    for word in (
        *("&lt;script&gt;", "meera@example.com", "+91 98450 12345", june.payment.order_id),
        *("RRN111", "ARN9", "PR1", "=cmd|", "30 Jun, 23:59", "Bob", "UPI", "Refunded"),
    ):
        assert word in words
    assert "<script>" not in words.split("<tbody>")[1]
    assert words.count("RRN111") == 1, "under the method, unless it has a column"
    expected = at_acme.get(url("refunds"), {"columns": "expected", "q": "RRN111"})
    assert re.search(r'Payer should have it by">\s*<time', text(expected))
    assert at_acme.get(url("refunds"), {"columns": "tags"}).status_code == 400
    assert at_acme.post(url("refunds_columns"), {"column": "tags"}).status_code == 400


def test_a_view_keeps_selection_and_columns_and_a_moving_period(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    looks = text(at_acme.get(url("refunds_looks"), {"status": "held", "columns": "by"}))
    assert 'name="query" value="status=held"' in looks
    assert "Waits for approval" in looks
    asked = {"name": "Held", "query": "period=year&status=held", "columns": "by"}
    page = at_acme.post(url("refunds_views"), asked, follow=True)
    assert page.request["PATH_INFO"] == url("refunds")
    assert "The view “Held” is saved." in text(page)
    assert 'aria-current="page">Held</a>' in text(page)
    view = SavedView.objects.get(name="Held")
    assert (view.of, view.query, view.columns) == ("refunds", asked["query"], "by")
    gone = at_acme.post(url("view_remove", id=view.pk), follow=True)
    assert gone.request["PATH_INFO"] == url("refunds")
    assert not SavedView.objects.filter(name="Held").exists()


def test_views_of_refunds_and_of_payments_keep_out_of_each_others_way(
    at_acme: Client, url: Url, shop: dict[str, Refund]
) -> None:
    """The same name, a default each, and as many of the one however many of the other."""
    same = {"name": "Mine", "is_default": "on"}
    at_acme.post(url("payments_views"), same | {"query": "status=paid"})
    at_acme.post(url("refunds_views"), same | {"query": "status=done"})
    assert at_acme.get(url("payments"))["Location"].endswith("/payments?status=paid")
    assert at_acme.get(url("refunds"))["Location"].endswith("/refunds?status=done")
    assert SavedView.objects.filter(name="Mine", is_default=True).count() == 2
    at_acme.post(url("refunds_views"), {"name": "Refunds alone", "query": "by=bob"})
    assert "Refunds alone" in text(at_acme.get(url("refunds"), {"all": "1"}))
    assert "Refunds alone" not in text(at_acme.get(url("payments"), {"all": "1"}))
    other = SavedView.objects.get(name="Refunds alone")
    at_acme.post(url("view_default", id=other.pk))
    assert at_acme.get(url("refunds"))["Location"].endswith("/refunds?by=bob")
    assert at_acme.get(url("payments"))["Location"].endswith("/payments?status=paid")
    refused = at_acme.post(url("refunds_views"), {"name": "X", "query": "status=paid"}, follow=True)
    assert "status=paid" in refused.request["QUERY_STRING"], "no state of a refund"
    assert not SavedView.objects.filter(name="X").exists()


def test_a_shared_view_is_the_teams_and_an_own_one_nobody_elses(
    at_acme: Client,
    url: Url,
    shop: dict[str, Refund],
    sign_in: SignIn,
    bob: User,
    charlie: User,
    globex: Tenant,
) -> None:
    at_acme.post(url("refunds_views"), {"name": "Ours", "query": "status=done", "shared": "on"})
    at_acme.post(url("refunds_views"), {"name": "My own", "query": "status=held"})
    at_bob, at_charlie = sign_in(bob), sign_in(charlie)
    page = text(at_bob.get(url("refunds")))
    assert "Ours" in page
    assert "My own" not in page
    assert AuditEvent.objects.filter(act="view.shared", subject="Ours").exists()
    ours, own = SavedView.objects.get(name="Ours"), SavedView.objects.get(name="My own")
    for act in ("view_default", "view_remove"):
        assert at_bob.post(url(act, id=own.pk)).status_code == 404
        for slug in ("acme", "globex"):
            assert at_charlie.post(url(act, slug=slug, id=ours.pk)).status_code == 404
    assert at_charlie.get(url("refunds_looks")).status_code == 404
    assert at_charlie.post(url("refunds_views"), {"name": "X"}).status_code == 404
    assert "Ours" not in text(at_charlie.get(url("refunds", slug="globex")))


def test_a_viewer_looks_as_they_like_and_takes_nothing_away(
    acme: Tenant, url: Url, shop: dict[str, Refund], sign_in: SignIn, charlie: User
) -> None:
    Membership.objects.create(tenant=acme, user=charlie, role="viewer")
    viewer = sign_in(charlie)
    assert viewer.post(url("refunds_views"), {"name": "Mine"}).status_code == 302
    assert viewer.post(url("refunds_views"), {"name": "X", "shared": "on"}).status_code == 403
    assert viewer.post(url("refunds_columns"), {"column": "by"}).status_code == 302
    page = text(viewer.get(url("refunds")))
    assert "Columns and views" in page
    assert "refunds.csv" not in page
    for name in ("refunds_csv", "refunds_exports"):
        assert viewer.get(url(name)).status_code == 403
