"""A payer meets a link that asks and limits: what is asked is kept, what is offered is paid."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import remembered
from config.clock import now
from merchants.models import PaytmAccount, Profile
from payments import page_memory, shown
from payments.events import payment_facts
from payments.models import Link, LinkViews, Payment
from tenants import provisioning, routing, tallies
from tenants.models import Tenant
from tenants.routing import new_token
from tests import make

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")

QUESTIONS = [
    {"label": "Roll number", "kind": "number", "required": True, "choices": []},
    {"label": "Size", "kind": "choice", "required": False, "choices": ["S", "M"]},
    {"label": "Born on", "kind": "date", "required": False, "choices": []},
    {"label": "I agree", "kind": "checkbox", "required": True, "choices": []},
]
ANSWERS = {"q0": "17", "q1": "M", "q2": "2001-02-03", "q3": "on"}


def pay(client: Client, link: Link, **fields: str) -> Any:
    return client.post(f"/p/{link.token}", fields)


def test_what_was_asked_is_kept_with_the_payment(client: Client) -> None:
    link = make.link(ask_name="required", ask_email="optional", questions=QUESTIONS)
    told = {"payer_name": "Dev Rao", "payer_email": "dev@example.com", **ANSWERS}
    assert pay(client, link, **told).status_code == 303
    payment = Payment.objects.get()
    assert (payment.payer_name, payment.payer_email) == ("Dev Rao", "dev@example.com")
    assert payment.answers == [
        ["Roll number", "17"], ["Size", "M"], ["Born on", "2001-02-03"], ["I agree", True],
    ]  # fmt: skip


def test_a_ticked_box_is_told_in_the_readers_language(client: Client) -> None:
    link = make.link(questions=QUESTIONS)
    pay(client, link, **ANSWERS)
    page = f"/p/return/{Payment.objects.get().token}"
    assert "<dt>I agree</dt><dd>Yes</dd>" in client.get(page).content.decode()
    assert "<dt>I agree</dt><dd>हाँ</dd>" in client.get(f"{page}?lang=hi").content.decode()
    payment = Payment.objects.get()
    assert ["I agree", "Yes"] in payment_facts(payment, "open")["answers"]
    Payment.objects.update(answers=[["I agree", "Yes"]])  # as it was kept before
    assert "<dt>I agree</dt><dd>Yes</dd>" in client.get(f"{page}?lang=en").content.decode()


def test_zero_is_an_answer(client: Client) -> None:
    pay(client, make.link(questions=QUESTIONS), **(ANSWERS | {"q0": "0"}))
    assert ["Roll number", "0"] in Payment.objects.get().answers


@pytest.mark.parametrize(
    "spoilt",
    [
        {"payer_name": ""},
        {"payer_email": "dev@"},
        {"payer_phone": "call me"},
        {"q0": "seventeen"},
        {"q1": "XL"},
        {"q2": "3rd of May"},
        {"q3": ""},
    ],
    ids=lambda spoilt: next(iter(spoilt)),
)
def test_what_is_missing_or_wrong_begins_nothing(client: Client, spoilt: dict[str, str]) -> None:
    asked = dict.fromkeys(("ask_name", "ask_email", "ask_phone"), "required")
    link = make.link(questions=QUESTIONS, **asked)
    told = {"payer_name": "Dev", "payer_email": "dev@example.com", "payer_phone": "9876543210"}
    assert pay(client, link, **(told | ANSWERS | spoilt)).status_code == 422
    assert not Payment.objects.exists()


def test_who_comes_back_to_the_form_goes_on_with_what_they_tell_now(client: Client) -> None:
    link = make.link(ask_email="required", max_payments=1)
    first = pay(client, link, payer_email="dve@example.com", key="a-key-of-a-form")
    second = pay(client, link, payer_email="dev@example.com", key="a-key-of-a-form")
    assert first["Location"] == second["Location"]
    assert Payment.objects.get().payer_email == "dev@example.com"


@pytest.mark.parametrize(
    ("sent", "paise"),
    [
        ({"choice": "50000"}, 500_00),
        ({"choice": "50000", "amount": ""}, 500_00),
        ({"amount": "750"}, 750_00),
        ({"choice": "50000", "amount": "500"}, 500_00),
        ({"choice": "50000", "amount": "750"}, None),
        ({"choice": "60000"}, None),
        ({}, None),
    ],
)
def test_an_offered_amount_or_another(
    client: Client, sent: dict[str, str], paise: int | None
) -> None:
    link = make.link(amount_paise=None, suggestions=[100_00, 500_00])
    answer = pay(client, link, **sent)
    assert answer.status_code == (303 if paise else 422)
    assert [payment.amount_paise for payment in Payment.objects.all()] == ([paise] if paise else [])


def test_only_the_ways_that_the_link_allows_are_offered(client: Client) -> None:
    link = make.link(methods=["upi"])
    assert "by: UPI." in client.get(f"/p/{link.token}").content.decode()
    assert pay(client, link).status_code == 303


def test_before_it_opens_it_says_when_and_takes_nothing(client: Client) -> None:
    link = make.link(starts_at=now() + timedelta(hours=2))
    page = client.get(f"/p/{link.token}")
    assert page.status_code == 403
    assert "Not open yet" in page.content.decode()
    assert pay(client, link).status_code == 403
    assert not Payment.objects.exists()


def test_a_price_that_changed_meanwhile_is_shown_before_it_is_paid(client: Client) -> None:
    link = make.link(amount_paise=600_00)
    answer = pay(client, link, offer="50000")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "The price has changed" in page
    assert "₹600.00" in page
    assert not Payment.objects.exists()
    assert pay(client, link, offer="60000").status_code == 303


def test_a_disabled_link_says_what_the_merchant_says(client: Client) -> None:
    link = make.link(state="disabled", disabled_at=now(), closed_words="Back on <Monday>.")
    page = client.get(f"/p/{link.token}").content.decode()
    assert "Back on &lt;Monday&gt;." in page


def test_who_has_begun_is_led_to_their_payment(client: Client) -> None:
    link = make.link()
    pay(client, link)
    page = client.get(f"/p/{link.token}").content.decode()
    assert "You have begun to pay here." in page
    assert f"/p/return/{Payment.objects.get().token}" in page


def begun(link: Link) -> Payment:
    """Somebody is at Paytm."""
    until = now() + timedelta(minutes=15)
    return make.payment(link, paytm_token="t", paytm_token_until=until)


def without_key(page: Any) -> bytes:
    return re.sub(rb'name="key" value="[^"]+"', b"", page.content)


# --- From memory --------------------------------------------------------------------------
def test_a_page_seen_a_moment_ago_costs_no_query_and_has_a_key_of_its_own(client: Client) -> None:
    link = make.link()
    first = client.get(f"/p/{link.token}")
    with CaptureQueriesContext(connection) as queries:
        second = client.get(f"/p/{link.token}")
    assert len(queries) == 0
    assert first.headers.keys() == second.headers.keys()
    assert len(first.content) == len(second.content)
    assert first.content != second.content
    for page in (first, second, client.get(f"/p/{link.token}?utm_source=mail")):
        assert shown.KEY.encode() not in page.content


@pytest.mark.parametrize(
    "change",
    [
        lambda link: make.payment(link, slot=1),
        begun,
        lambda link: PaytmAccount.objects.update(state="retired"),
        lambda link: Profile.objects.update(legal_name="Acme Ltd"),
    ],
    ids=["used up", "begun", "account", "profile"],
)
def test_whatever_the_page_depends_on_is_seen_a_second_later(
    client: Client, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    """A changed link: tests/payments/test_changed_links.py."""
    link = make.link(max_payments=1)
    before = without_key(client.get(f"/p/{link.token}"))
    change(link)
    monkeypatch.setattr(page_memory, "TRUE_FOR", -1.0)  # the second is over
    assert without_key(client.get(f"/p/{link.token}")) != before


@pytest.mark.parametrize("then", [{"state": "failed"}, {"state": "pending"}, {"slot": 1}])
def test_what_becomes_of_anothers_payment_is_seen_a_second_later(
    client: Client, monkeypatch: pytest.MonkeyPatch, then: dict[str, Any]
) -> None:
    link = make.link(max_payments=1)
    begun(link)
    before = without_key(client.get(f"/p/{link.token}"))
    assert b"This is being paid at the moment" in before
    with CaptureQueriesContext(connection) as queries:
        assert without_key(client.get(f"/p/{link.token}")) == before
    assert len(queries) == 0
    Payment.objects.update(**then)
    monkeypatch.setattr(page_memory, "TRUE_FOR", -1.0)  # the second is over
    assert without_key(client.get(f"/p/{link.token}")) != before


@pytest.mark.parametrize(
    ("before", "then", "change"),
    [
        (410, 200, lambda tenant: provisioning.resume(tenant)),
        (200, 410, lambda tenant: provisioning.suspend(tenant)),
    ],
    ids=["resumed", "suspended"],
)
def test_a_page_made_for_the_merchant_of_a_second_ago_is_shown_once(
    client: Client, acme: Tenant, before: int, then: int, change: Any
) -> None:
    """Made while this process still takes the merchant for what it was: true for nobody else."""
    if before == 410:
        provisioning.suspend(acme)
    link = make.link()
    assert routing.recent_tenant_of_token(new_token(acme)).state == acme_state(before)
    change(acme)
    assert client.get(f"/p/{link.token}").status_code == before
    remembered.forget_all()  # the second is over
    assert client.get(f"/p/{link.token}").status_code == then


def acme_state(status: int) -> str:
    return Tenant.State.ACTIVE if status == 200 else Tenant.State.SUSPENDED


def test_a_place_that_may_be_free_is_not_told_from_memory(client: Client, clock: Any) -> None:
    link = make.link(max_payments=1)
    begun(link)
    assert client.get(f"/p/{link.token}").status_code == 409
    clock(15 * 60 + 1)
    assert client.get(f"/p/{link.token}").status_code == 200


def test_each_look_is_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    link = make.link()
    for _ in range(3):
        client.get(f"/p/{link.token}")
    client.head(f"/p/{link.token}")
    monkeypatch.setattr(tallies, "_due", 0.0)
    client.get("/healthz")
    assert LinkViews.objects.get(link=link).seen == 3


def test_one_address_may_look_so_often_and_no_more(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = make.link()
    monkeypatch.setattr(shown._looks, "most", 3)
    assert [client.get(f"/p/{link.token}").status_code for _ in range(4)] == [200, 200, 200, 429]
    monkeypatch.setattr(tallies, "_due", 0.0)
    client.get("/healthz")  # what was counted goes to the table that all processes share
    answer = client.get(f"/p/{link.token}")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) <= 60
    elsewhere = client.get(f"/p/{link.token}", REMOTE_ADDR="203.0.113.9")
    assert elsewhere.status_code == 200


def limit_rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM rate_limit")
        return int(cursor.fetchone()[0])


def test_two_processes_count_who_looks_often_together_and_write_nobody_else(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "WRITERS", [])
    one, other = (tallies.Looks("together", 10, 60) for _ in range(2))
    assert all(looks.hit("often") for looks in (one, other) for _ in range(8))
    assert one.hit("seldom")
    before = limit_rows()
    one.merge()
    other.merge()
    assert limit_rows() == before + 1
    assert not other.hit("often")
    assert one.hit("seldom")


def test_nothing_is_kept_of_looks_at_links_that_there_are_not(
    client: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        assert client.get(f"/p/{acme.key}{n:022}").status_code == 404
    monkeypatch.setattr(tallies, "_due", 0.0)
    with CaptureQueriesContext(connection) as queries:
        client.get("/healthz")
    assert not [query for query in queries if "rate_limit" in query["sql"]]


def test_a_remembered_page_of_a_merchant_that_is_gone_is_404(
    client: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = make.link()
    assert client.get(f"/p/{link.token}").status_code == 200
    Tenant.objects.filter(pk=acme.pk).update(state="ready", slug=None)
    monkeypatch.setattr(page_memory, "TRUE_FOR", -1.0)
    remembered.forget_all()
    assert client.get(f"/p/{link.token}").status_code == 404
