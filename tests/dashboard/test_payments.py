"""The team looks at payments: the list, its filters and pages, one payment's story, asking."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from config.clock import now
from dashboard import paging
from payments.failures import cause
from payments.models import Discrepancy, Link, Payment
from payments.settling import settle
from tenants import unchanged
from tenants.models import Membership, Tenant, User
from tests import make
from tests.conftest import SignIn
from tests.dashboard.conftest import Pay, Url, text
from tests.payments.test_settling import answer
from tests.wire import Simulator, go_to_paytm


def ids(page: str, payments: list[Payment]) -> list[str]:
    """The order ids shown on the page, in the order of the page."""
    found = [(page.find(payment.order_id), payment.order_id) for payment in payments]
    return [order_id for place, order_id in sorted(found) if place >= 0]


@pytest.fixture
def five(link: Link) -> list[Payment]:
    """Five attempts, newest first; the last two at the same moment."""
    minutes = (1, 2, 3, 4, 4)
    made = [make.payment(link, created_at=now() - timedelta(minutes=m)) for m in minutes]
    return sorted(made, key=lambda payment: payment.created_at, reverse=True)


def test_a_new_merchant_is_told_what_to_do(at_acme: Client, url: Url) -> None:
    assert "No payments yet" in text(at_acme.get(url("payments")))


def test_the_newest_comes_first(at_acme: Client, url: Url, five: list[Payment]) -> None:
    page = text(at_acme.get(url("payments")))
    assert ids(page, five)[:3] == [payment.order_id for payment in five[:3]]
    assert page.count("row-link") == 5


def test_each_row_leads_to_its_payment(at_acme: Client, url: Url, paid: Payment) -> None:
    page = text(at_acme.get(url("payments")))
    assert f'href="{url("payment", id=paid.pk)}"' in page
    assert "₹500.00" in page


def test_surplus_is_listed_with_what_arrived(at_acme: Client, url: Url, link: Link) -> None:
    """Paytm took another amount than was asked for: the books hold it, and the list says so."""
    order = make.payment(link)
    settle(order, answer(order, amount_paise=480_00))
    page = text(at_acme.get(url("payments"), {"status": "surplus"}))
    assert "₹480.00" in page
    assert "₹500.00 asked" in page


def test_the_list_is_narrowed_by_state(at_acme: Client, url: Url, link: Link, pay: Pay) -> None:
    paid, failed = pay(link), pay(link, "failure")
    both = [paid, failed]
    for state, shown in (("", both), ("paid", [paid]), ("failed", [failed]), ("surplus", [])):
        page = text(at_acme.get(url("payments"), {"status": state} if state else {}))
        assert set(ids(page, both)) == {payment.order_id for payment in shown}


def test_an_unknown_state_is_refused_in_words(at_acme: Client, url: Url) -> None:
    answer = at_acme.get(url("payments"), {"status": "rich"})
    assert answer.status_code == 422
    assert "rich is not one of the available choices" in text(answer)


@pytest.mark.parametrize("write", [str, str.upper, lambda id: id[4:], lambda id: f" {id[:12]} "])
def test_an_order_is_found_by_its_id_or_the_beginning_of_it(
    at_acme: Client, url: Url, five: list[Payment], write: Callable[[str], str]
) -> None:
    wanted = five[2]
    page = text(at_acme.get(url("payments"), {"q": write(wanted.order_id)}))
    assert ids(page, five) == [wanted.order_id]


def test_nothing_found_says_so(at_acme: Client, url: Url, five: list[Payment]) -> None:
    assert "No payment fits" in text(at_acme.get(url("payments"), {"q": "pay_nothing"}))


def test_pages_lead_to_the_end_and_back_without_gap_or_repeat(
    at_acme: Client, url: Url, five: list[Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SIZE", 2)
    query, walked = "?status=open", []
    while query:
        page = at_acme.get(url("payments") + query)
        walked.append(ids(text(page), five))
        query = page.context["page"].older
    assert [len(rows) for rows in walked] == [2, 2, 1]
    assert {id for rows in walked for id in rows} == {payment.order_id for payment in five}
    back = at_acme.get(url("payments") + page.context["page"].newer)
    assert ids(text(back), five) == walked[1]
    top = at_acme.get(url("payments") + back.context["page"].newer)
    assert ids(text(top), five) == walked[0]
    assert top.context["page"].newer == ""


@pytest.mark.parametrize("cursor", ["x", "1-2", "9" * 400 + "-" + "a" * 32, "१-" + "a" * 32, "-1"])
def test_a_cursor_not_ours_is_refused(at_acme: Client, url: Url, cursor: str) -> None:
    assert at_acme.get(url("payments"), {"before": cursor}).status_code == 400
    assert at_acme.get(url("payments"), {"after": cursor}).status_code == 400


def test_rows_are_sent_again_only_when_they_changed(
    at_acme: Client, url: Url, link: Link, pay: Pay
) -> None:
    pay(link)
    seen = at_acme.get(url("payments")).context["seen"]
    at_acme.defaults["HTTP_HX_REQUEST"] = "true"
    assert at_acme.get(url("payments"), {"seen": seen}).status_code == 204
    newer = pay(link)
    answer = at_acme.get(url("payments"), {"seen": seen})
    assert newer.order_id in text(answer)
    assert "<html" not in text(answer)


def test_more_rows_cost_no_more_queries(at_acme: Client, url: Url, link: Link, pay: Pay) -> None:
    def queries() -> int:
        unchanged.forget_all()
        with CaptureQueriesContext(connection) as asked:
            at_acme.get(url("payments"))
        return len(asked)

    pay(link)
    queries()  # the first one of a session notes where it comes from
    one = queries()
    pay(link, "failure"), pay(link)
    assert queries() == one


def test_a_payment_tells_its_story(at_acme: Client, url: Url, paid: Payment) -> None:
    page = text(at_acme.get(url("payment", id=paid.pk)))
    for words in (
        "Payment of ₹500.00", 'data-state="paid"', paid.order_id, paid.paytm_txn_id,
        "The payer pressed Pay", "Paytm took the order", "came back from Paytm",
        "Its checksum is right", "Paytm answered: Paid", "Paytm&#x27;s status answer",
    ):  # fmt: skip
        assert words in page


def test_evidence_shows_no_secret(at_acme: Client, url: Url, paid: Payment) -> None:
    page = text(at_acme.get(url("payment", id=paid.pk)))
    assert "CHECKSUMHASH=[blanked]" in page
    assert paid.paytm_token
    assert escape(paid.paytm_token) not in page


def test_an_undecided_payment_shows_its_next_question_and_polls(
    at_acme: Client, url: Url, link: Link, pay: Pay
) -> None:
    pending = pay(link, "pending")
    page = text(at_acme.get(url("payment", id=pending.pk)))
    assert 'data-state="pending"' in page
    assert "We ask Paytm again:" in page
    assert "hx-trigger" in page


def test_a_final_payment_does_not_poll(at_acme: Client, url: Url, paid: Payment) -> None:
    assert "every 4s" not in text(at_acme.get(url("payment", id=paid.pk)))


def test_a_person_asks_paytm_and_the_payment_settles(
    at_acme: Client, url: Url, link: Link, pay: Pay, paytm: Simulator
) -> None:
    payment = pay(link, "pending")
    paytm.control(f"orders/{payment.account.mid}/{payment.order_id}/finish", outcome="success")
    page = text(at_acme.post(url("payment_ask", id=payment.pk), follow=True))
    assert "Paytm was asked. The payment is: Paid." in page
    assert "Paytm was asked by hand" in page
    assert "by Alice" in page
    payment.refresh_from_db()
    assert payment.state == "paid"


def test_asking_without_an_answer_changes_nothing(
    at_acme: Client, url: Url, link: Link, paytm: Simulator, settings: Any
) -> None:
    go_to_paytm(at_acme, f"/p/{link.token}")
    payment = Payment.objects.get()
    settings.SIMULATOR_URL = "http://127.0.0.1:1"
    page = text(at_acme.post(url("payment_ask", id=payment.pk), follow=True))
    assert "Paytm gave no answer. Nothing changed; we keep asking." in page
    assert 'data-state="open"' in page


def test_asking_has_a_limit(at_acme: Client, url: Url, paid: Payment) -> None:
    answers = [at_acme.post(url("payment_ask", id=paid.pk)).status_code for _ in range(7)]
    assert answers == [302] * 6 + [429]


def test_a_viewer_may_look_but_not_ask(
    acme: Tenant, url: Url, paid: Payment, sign_in: SignIn, charlie: User
) -> None:
    Membership.objects.create(tenant=acme, user=charlie, role="viewer")
    viewer = sign_in(charlie)
    page = text(viewer.get(url("payment", id=paid.pk)))
    assert "Ask Paytm now" not in page
    assert "Refund…" not in page
    assert viewer.post(url("payment_ask", id=paid.pk)).status_code == 403


def test_strangers_find_nothing(
    url: Url, paid: Payment, sign_in: SignIn, charlie: User, client: Client
) -> None:
    stranger = sign_in(charlie)
    for address in (url("payments"), url("payment", id=paid.pk)):
        assert stranger.get(address).status_code == 404
        assert client.get(address)["Location"].startswith("/accounts/login/")
    assert stranger.get(url("payment", slug="globex", id=paid.pk)).status_code == 404
    assert stranger.post(url("payment_ask", slug="globex", id=paid.pk)).status_code == 404


def test_worlds_do_not_see_each_other(
    acme: Tenant, at_acme: Client, url: Url, paid: Payment
) -> None:
    acme.live_state = Tenant.LiveState.APPROVED
    acme.save()
    assert "No payments yet" in text(at_acme.get(url("payments", live=True)))
    assert at_acme.get(url("payment", live=True, id=paid.pk)).status_code == 404
    assert at_acme.post(url("payment_ask", live=True, id=paid.pk)).status_code == 404


def test_the_banner_says_what_became_of_the_money(
    at_acme: Client, url: Url, link: Link, pay: Pay
) -> None:
    def banner(payment: Payment) -> str:
        page = text(at_acme.get(url("payment", id=payment.pk)))
        return page.split('class="notice tone-')[1].split("</div>")[0]

    failed, paid = pay(link, "failure"), pay(link)
    assert escape(f"{cause(failed.result_code).why}.") in banner(failed)
    assert "owes you this money" in banner(paid)
    mine = Payment.objects.filter(pk=paid.pk)
    mine.update(refunded_paise=200_00)
    assert "owes you what was not given back: ₹300.00" in banner(paid)
    mine.update(refunded_paise=500_00)
    assert "All of it was given back" in banner(paid)
    mine.update(refunded_paise=0, settled_on=date(2026, 11, 25))
    assert "paid it out on 25 Nov 2026" in banner(paid)


def test_above_saved_views_stands_the_way_back_to_all(at_acme: Client, url: Url) -> None:
    assert "All</a>" not in text(at_acme.get(url("payments")))
    at_acme.post(url("payments_views"), {"name": "Big", "query": "min=5000.00"})
    assert '<a href="?all=1">All</a>' in text(at_acme.get(url("payments"), {"min": "5000"}))
    everything = text(at_acme.get(url("payments"), {"all": "1"}))
    assert '<a href="?all=1" aria-current="page">All</a>' in everything


def test_a_viewer_is_not_asked_to_resolve_exceptions(
    at_acme: Client, url: Url, acme: Tenant, alice: User, in_acme: Tenant
) -> None:
    Discrepancy.objects.create(live=False, kind=Discrepancy.Kind.TOTAL, subject="x")
    assert "1 exception in" in text(at_acme.get(url("dashboard")))
    Membership.objects.filter(user=alice).update(role="viewer")
    assert "1 exception in" not in text(at_acme.get(url("dashboard")))
