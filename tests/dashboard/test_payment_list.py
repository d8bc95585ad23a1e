"""The team narrows payments, searches them, adds them up, tags them, and keeps how it looks."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from dashboard import paging
from dashboard.finder import PERIODS
from dashboard.payment_filter import PaymentFilter
from merchants.models import AuditEvent, PaytmAccount
from payments import searching, totalling
from payments.models import Link, Payment, SavedView
from payments.payouts import take_in
from payments.paytm import read_rows
from payments.settling import settle
from tenants import unchanged
from tenants.jobs import run_due
from tenants.models import Membership, Tenant, User
from tests import make
from tests.conftest import SignIn
from tests.dashboard.conftest import Pay, Url, text
from tests.payments.test_finding import IST
from tests.payments.test_settling import answer
from tests.wire import Simulator

Asked = dict[str, object]


@pytest.fixture
def ask(at_acme: Client, url: Url) -> Callable[..., Any]:
    """Open the list with these words in the address."""
    return lambda **query: at_acme.get(url("payments"), query)


def shown(answer: Any) -> list[str]:
    return [row.order_id for row in answer.context["page"].rows]


def made(link: Link, at: datetime | None = None, **fields: Any) -> Payment:
    moments = {"created_at": at} if at else {}
    payment = make.payment(link, **moments, **fields)
    searching.write(payment.pk)
    return payment


def paid(link: Link, **fields: Any) -> Payment:
    payment = made(link, **fields)
    settle(payment, answer(payment))
    return payment


# --- Operators and the address bar


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("status:failed", "status=failed"),
        ("STATUS:Failed,paid", "status=failed&status=paid"),
        ("method:net-banking", "method=net_banking"),
        ("method:card", "method=credit_card&method=debit_card"),
        ("amount:500", "min=500.00&max=500.00"),
        ("amount:>5,000", "min=5000.01"),
        ("amount:>=5000 amount:<6000", "min=5000.00&max=5999.99"),
        ("amount:100..499.50", "min=100.00&max=499.50"),
        ("from:2026-03-31 to:2026-04-01", "from=2026-03-31&to=2026-04-01"),
        ('tag:"Big  Order"', "tag=big+order"),
        ("refunded:yes settled:NO", "refunded=yes&settled=no"),
        ("ravi status:paid kumar", "status=paid&q=ravi+kumar"),
        ('"ravi kumar"', "q=%22ravi+kumar%22"),
        ('"http://x"', "q=%22http%3A%2F%2Fx%22"),
        ("+91 98765 43210", "q=9876543210"),
    ],
)
def test_operators_become_the_address_they_mean(in_acme: Tenant, typed: str, query: str) -> None:
    form = PaymentFilter({"q": typed})
    assert form.is_valid(), form.errors
    assert form.selection(live=False).query == query
    assert form.query == query
    again = PaymentFilter(QueryDict(query))
    assert again.is_valid()
    assert again.selection(live=False) == form.selection(live=False)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"q": "status:rich"}, "status: has no “rich”. There are created, open"),
        ({"q": "method:barter"}, "method: has no “barter”"),
        ({"q": "amount:lots"}, "amount: takes 500"),
        ({"q": "amount:<0"}, "amount: takes 500"),
        ({"q": "colour:red"}, "“colour:” is no operator. There are status, method"),
        ({"q": "from:yesterday"}, "from: Enter a valid date"),
        ({"q": "link:mine"}, "link: Enter a valid UUID"),
        ({"q": "refunded:maybe"}, "refunded: has no “maybe”"),
        ({"q": "from:2026-02-02", "from": "2026-02-03"}, "It is said twice, and differently: from"),
        ({"q": "x"}, "“x” is too short to look for"),
        ({"q": "aa bb cc dd ee ff gg hh ii"}, "at most 8 words"),
        ({"status": "rich"}, "rich is not one of the available choices"),
        ({"from": "2026-02-03", "to": "2026-02-02"}, "not before the first"),
        ({"from": "1026-02-03"}, "between 2000 and 2099"),
        ({"min": "5", "max": "4"}, "not less than the first"),
        ({"min": "₹ five"}, "Write an amount as 500"),
        ({"tag": "a,b"}, "A tag has at most 30 characters"),
        ({"refunded": "perhaps"}, "not one of the available choices"),
        ({"period": "someday"}, "not one of the available choices"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_in_words(
    ask: Callable[..., Any], query: Asked, words: str
) -> None:
    answered = ask(**query)
    assert answered.status_code == 422
    assert escape(words).replace("&#x27;", "'") in text(answered).replace("&#x27;", "'")
    assert "row-link" not in text(answered)


def test_a_column_that_is_not_there_is_refused(ask: Callable[..., Any]) -> None:
    assert ask(columns="password").status_code == 400


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", 0, 0),
        ("yesterday", -1, -1),
        ("7days", -6, 0),
        ("30days", -29, 0),
    ],
)
def test_quick_choices_are_the_merchants_days(
    ask: Callable[..., Any], link: Link, period: str, first: int, last: int
) -> None:
    midnight = datetime.combine(datetime.now(IST).date(), time(), IST)
    start, end = midnight + timedelta(days=first), midnight + timedelta(days=last + 1)
    inside = [made(link, start), made(link, end - timedelta(microseconds=1))]
    made(link, start - timedelta(microseconds=1)), made(link, end)
    assert shown(ask(period=period)) == [p.order_id for p in reversed(inside)]


def test_months_and_the_financial_year_begin_at_their_borders() -> None:
    days = {name: PERIODS[name][1] for name in ("month", "last_month", "year")}
    assert days["month"](date(2026, 3, 31)) == (date(2026, 3, 1), date(2026, 3, 31))
    assert days["last_month"](date(2026, 3, 31)) == (date(2026, 2, 1), date(2026, 2, 28))
    assert days["last_month"](date(2026, 1, 1)) == (date(2025, 12, 1), date(2025, 12, 31))
    assert days["year"](date(2026, 3, 31)) == (date(2025, 4, 1), date(2026, 3, 31))
    assert days["year"](date(2026, 4, 1)) == (date(2026, 4, 1), date(2026, 4, 1))


def test_chips_say_what_narrows_and_take_it_away(ask: Callable[..., Any], link: Link) -> None:
    page = ask(status=["failed", "paid"], link=str(link.pk), q="amount:>=500 kumar", tag="vip")
    chips = {str(chip.words): chip.query for chip in page.context["form"].chips()}
    assert list(chips) == [
        "Failed", "Paid", "At least ₹500.00", "Link: Masala chai", "Tag: vip", "Has “kumar”",
    ]  # fmt: skip
    assert "status=failed" not in chips["Failed"]
    assert "status=paid" in chips["Failed"]
    assert "q=" not in chips["Has “kumar”"]
    assert "min=500.00" in chips["Has “kumar”"]
    for words in chips:
        assert escape(words) in text(page)


# --- What is found


def test_a_payment_is_found_as_soon_as_it_begins_and_by_what_paytm_says(
    ask: Callable[..., Any], in_acme: Tenant, pay: Pay
) -> None:
    link = make.link(ask_name="required", ask_phone="required")
    payment = pay(link, payer_name="Ravi Kumar", payer_phone="98765 43210")
    for scrap in ("ravi", "43210", payment.order_id[-5:]):
        assert shown(ask(q=scrap)) == [payment.order_id]
    assert shown(ask(q=payment.bank_txn_id)) == []
    run_due()
    assert shown(ask(q=payment.bank_txn_id)) == [payment.order_id]
    assert shown(ask(q=payment.paytm_txn_id[-6:])) == [payment.order_id]


def test_a_payout_makes_its_payments_settled(ask: Callable[..., Any], link: Link) -> None:
    settled, waiting = paid(link), paid(link)
    account = PaytmAccount.objects.get()
    take_in(account, read_rows([make.settlement_row(settled.order_id, 500_00)]))
    assert shown(ask(settled="yes")) == [settled.order_id]
    assert shown(ask(settled="no")) == [waiting.order_id]
    assert "25 Nov" in text(ask(columns="settled"))


def test_sums_are_of_exactly_what_is_narrowed(at_acme: Client, url: Url, link: Link) -> None:
    paid(link), paid(link), made(link)
    page = text(at_acme.get(url("payments_sums"), {"q": "amount:500"}))
    assert '<b class="num">3</b> payments' in page
    assert '<b class="num">₹1,000.00</b> received from 2' in page
    assert '<b class="num">₹0.00</b> refunded' in page
    part = at_acme.get(url("payments_sums"), {"status": "paid"}, headers={"HX-Request": "true"})
    assert '<b class="num">2</b> payments' in text(part)
    assert "<html" not in text(part)
    assert at_acme.get(url("payments_sums"), {"q": "status:rich"}).status_code == 400


def test_many_are_added_up_when_asked(
    at_acme: Client, url: Url, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totalling, "COUNTED", 2)
    paid(link), paid(link), paid(link)
    page = text(at_acme.get(url("payments_sums"), {"status": "paid"}))
    assert 'More than <b class="num">2</b> payments' in page
    exact = text(at_acme.get(url("payments_sums"), {"status": "paid", "exact": "1"}))
    assert '<b class="num">3</b> payments' in exact
    assert "₹1,500.00" in exact


def test_names_cannot_bring_markup(
    ask: Callable[..., Any], in_acme: Tenant, paytm: Simulator
) -> None:
    evil = "<script>alert(1)</script>"
    link = make.link(description=evil, reference=evil)
    payment = made(link, payer_name=evil)
    page = ask(columns="customer,email,phone,tags,reference,paytm,bank,settled", q="script")
    assert shown(page) == [payment.order_id]
    assert evil not in page.content.decode()
    assert page.content.decode().count(escape(evil)) == 3


def test_the_list_costs_a_fixed_number_of_questions(ask: Callable[..., Any], link: Link) -> None:
    def questions() -> int:
        unchanged.forget_all()
        with CaptureQueriesContext(connection) as asked:
            assert ask(status="open").status_code == 200
        return len(asked)

    made(link)
    questions()
    few = questions()
    for _ in range(5):
        made(link)
    assert questions() == few


@pytest.mark.parametrize(
    ("asked", "chip"),
    [
        ("amount:>5000", "More than ₹5,000.00"),
        ("amount:>=5000", "At least ₹5,000.00"),
        ("amount:<5000", "Less than ₹5,000.00"),
        ("amount:<=5000", "At most ₹5,000.00"),
        ('status:"not completed"', "Not completed"),
        ("status:Being-checked", "Being checked"),
    ],
)
def test_a_filter_is_said_as_it_was_meant(ask: Callable[..., Any], asked: str, chip: str) -> None:
    assert f"<span>{chip}</span>" in text(ask(q=asked))


# --- Columns and views


def test_columns_are_chosen_and_remembered(at_acme: Client, url: Url, link: Link) -> None:
    made(link, payer_name="Ravi Kumar", payer_phone="98765 43210")
    before = text(at_acme.get(url("payments"), {"status": "open"}))
    assert "Ravi Kumar" not in before
    assert 'payments.csv?status=open"' in before
    chosen = {"column": ["state", "customer"], "query": "status=open"}
    page = at_acme.post(url("payments_columns"), chosen, follow=True)
    assert page.request["QUERY_STRING"] == "status=open"
    assert "Ravi Kumar" in text(page)
    assert 'payments.csv?status=open&amp;columns=state%2Ccustomer"' in text(page)
    assert 'exports?status=open&amp;columns=state%2Ccustomer"' in text(page)
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", text(at_acme.get(url("payments"))))
    assert heads == ["Payment", "State", "Customer", "Amount"]
    assert "98765 43210" in text(at_acme.get(url("payments"), {"columns": "phone"}))


def test_a_view_keeps_selection_and_columns_and_a_moving_period(
    at_acme: Client, url: Url, link: Link
) -> None:
    asked = {"name": "Failed today", "query": "period=today&status=failed", "columns": "state"}
    page = at_acme.post(url("payments_views"), asked, follow=True)
    assert "The view “Failed today” is saved." in text(page)
    view = SavedView.objects.get(name="Failed today")
    assert (view.query, view.columns, view.shared) == (asked["query"], "state", False)
    assert 'aria-current="page">Failed today</a>' in text(page)
    at_acme.post(url("view_remove", id=view.pk))
    assert not SavedView.objects.filter(name="Failed today").exists()


def test_the_list_opens_with_the_default_view(at_acme: Client, url: Url, link: Link) -> None:
    first = {"name": "Paid", "query": "status=paid", "is_default": "on"}
    at_acme.post(url("payments_views"), first)
    assert at_acme.get(url("payments"))["Location"].endswith("/payments?status=paid")
    assert at_acme.get(url("payments"), {"all": "1"}).status_code == 200
    at_acme.post(
        url("payments_views"), {"name": "Open", "query": "status=open", "is_default": "on"}
    )
    assert at_acme.get(url("payments"))["Location"].endswith("/payments?status=open")
    assert SavedView.objects.filter(is_default=True).count() == 1


def test_a_shared_view_is_the_teams_and_an_own_one_nobody_elses(
    at_acme: Client, url: Url, link: Link, sign_in: SignIn, bob: User
) -> None:
    at_acme.post(url("payments_views"), {"name": "Ours", "query": "status=paid", "shared": "on"})
    at_acme.post(url("payments_views"), {"name": "Mine", "query": "status=open"})
    at_bob = sign_in(bob)
    page = text(at_bob.get(url("payments")))
    assert "Ours" in page
    assert "Mine" not in page
    mine = SavedView.objects.get(name="Mine")
    for act in ("view_default", "view_remove"):
        assert at_bob.post(url(act, id=mine.pk)).status_code == 404
    assert AuditEvent.objects.filter(act="view.shared", subject="Ours").exists()
    assert at_acme.get(url("payments", live=False), {"all": 1}).status_code == 200


def test_a_viewer_may_save_views_but_not_share_them(
    acme: Tenant, url: Url, link: Link, sign_in: SignIn, charlie: User
) -> None:
    Membership.objects.create(tenant=acme, user=charlie, role="viewer")
    viewer = sign_in(charlie)
    assert viewer.post(url("payments_views"), {"name": "Mine"}).status_code == 302
    assert viewer.post(url("payments_views"), {"name": "X", "shared": "on"}).status_code == 403
    shared = SavedView.objects.create(live=False, owner_id=uuid4(), name="Y", shared=True)
    assert viewer.post(url("view_remove", id=shared.pk)).status_code == 403
    assert "pick" not in text(viewer.get(url("payments"), {"status": "open"}))


# --- Tags and notes


def test_picked_payments_are_tagged_and_found_by_it(
    at_acme: Client, url: Url, ask: Callable[..., Any], link: Link
) -> None:
    first, second, third = made(link), made(link), made(link)
    ids = {"id": [str(first.pk), str(third.pk)], "tag": " VIP "}
    page = text(at_acme.post(url("payments_tagged"), ids, follow=True))
    assert "2 payments are tagged “vip” now." in page
    assert {*shown(ask(tag="vip"))} == {first.order_id, third.order_id}
    assert "vip" in text(ask(columns="tags"))
    assert second.order_id not in text(ask(q="tag:vip"))
    listed = text(at_acme.get(url("payments_tags")))
    assert re.search(r"vip</a></td><td class=\"num\">2</td>", listed)
    assert AuditEvent.objects.filter(act="payments.tagged", subject="vip").exists()


def test_tagging_refuses_what_is_no_tag_and_what_is_not_ours(
    at_acme: Client, url: Url, link: Link
) -> None:
    payment = made(link)
    for ids, tag, words in (
        ([], "vip", "Choose payments first"),
        ([str(payment.pk)], "a,b", "A tag has at most"),
        (["x"], "vip", "Choose payments first"),
        ([str(uuid4())], "vip", "0 payments are tagged"),
    ):
        asked = {"id": ids, "tag": tag}
        assert words in text(at_acme.post(url("payments_tagged"), asked, follow=True))
    assert not payment.tags.exists()


def test_a_note_stands_in_the_story_and_is_found(
    at_acme: Client, url: Url, ask: Callable[..., Any], link: Link
) -> None:
    payment = made(link)
    page = at_acme.post(
        url("payment_note", id=payment.pk), {"words": "Called the shop <b>twice"}, follow=True
    )
    assert "Called the shop &lt;b&gt;twice" in text(page)
    assert "by Alice" in text(page)
    assert shown(ask(q="twice")) == [payment.order_id]
    page = at_acme.post(url("payment_note", id=payment.pk), {"words": "x" * 501}, follow=True)
    assert "at most 500 characters" in text(page)
    assert AuditEvent.objects.filter(act="payment.noted").count() == 1


def test_a_tag_is_put_on_and_taken_off_at_the_payment(
    at_acme: Client, url: Url, link: Link
) -> None:
    payment = made(link)
    here = url("payment_tag", id=payment.pk)
    assert "vip" in text(at_acme.post(here, {"tag": "vip"}, follow=True))
    at_acme.post(here, {"tag": "vip"})
    assert [*payment.tags.values_list("name", flat=True)] == ["vip"]
    at_acme.post(here, {"remove": "vip"})
    assert not payment.tags.exists()


# --- The payment within the list


def test_previous_and_next_stay_within_the_list(
    ask: Callable[..., Any], at_acme: Client, url: Url, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SIZE", 2)
    start = datetime.now(IST) - timedelta(hours=1)
    every = [made(link, start + timedelta(minutes=n)) for n in range(5)]
    for payment in every[::2]:
        at_acme.post(url("payment_tag", id=payment.pk), {"tag": "odd"})
    [top] = re.findall(r'href="([^"]*)" rel|id="p' + every[4].pk.hex + '" href="([^"]*)"',
                       text(ask(tag="odd")))  # fmt: skip
    page = at_acme.get(top[1])
    assert page.context["list_query"] == "tag=odd"
    assert page.context["newer"] == ""
    page = at_acme.get(page.context["older"])
    assert page.context["payment"] == every[2]
    assert f"{every[4].pk}?tag=odd" in page.context["newer"]
    page = at_acme.get(page.context["older"])
    assert page.context["payment"] == every[0]
    assert page.context["older"] == ""
    assert 'href="/m/acme/test/payments?tag=odd"' in text(page)


def test_identifiers_can_be_copied(at_acme: Client, url: Url, link: Link) -> None:
    payment = paid(link)
    page = text(at_acme.get(url("payment", id=payment.pk)))
    assert f'data-copy-text="{payment.order_id}"' in page
    assert "data-copy-word" in page
