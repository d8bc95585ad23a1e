"""A payer opens a link, with no account, no cookie and no JavaScript, and presses *Pay*."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django_tenants.utils import tenant_context

from config import remembered
from config.clock import now
from merchants.models import PaytmAccount, Profile
from payments import shown
from payments.collecting import active_accounts
from payments.models import Link, Payment
from payments.views import BEGUN, POSTS
from tenants import provisioning
from tenants.models import PageReport, Tenant
from tenants.routing import new_token
from tests import make
from tests.conftest import browser
from tests.forms import read_form
from tests.wire import Simulator, come_back, go_to_paytm

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")

PAGE_BYTES = 60_000
OWN, FOREIGN = settings.BASE_URL, "https://evil.example"


def path(link: Link) -> str:
    return f"/p/{link.token}"


def open_link(**fields: Any) -> Link:
    return make.link(amount_paise=None, min_paise=10_00, max_paise=5_000_00, **fields)


def key_of(client: Client, link: Link) -> str:
    return read_form(client.get(path(link)).content.decode(), "pay").fields["key"]


def test_the_page_says_who_what_for_and_how_much(client: Client) -> None:
    Profile.objects.update(legal_name="Acme Foods Pvt Ltd", support_email="help@acme.example")
    link = make.link(amount_paise=1_23_456_50, description="Tea <for> a month")
    answer = client.get(path(link))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert not answer.cookies
    for words in ("Acme", "Acme Foods Pvt Ltd", "Tea &lt;for&gt; a month", "Pay ₹1,23,456.50",
                  "help@acme.example", "Report this page", "TEST MODE"):  # fmt: skip
        assert words in page
    assert page.count("<form") == 1
    assert len(read_form(page, "pay").fields["key"]) >= 16


def test_the_page_is_light_and_loads_no_htmx(client: Client) -> None:
    page = client.get(path(open_link())).content
    sheet, script = (Path(settings.ROOT, "static", name).read_bytes()
                     for name in ("css/pay.css", "js/ui.js"))  # fmt: skip
    assert len(page) + len(sheet) + len(script) < PAGE_BYTES
    assert b"htmx" not in page
    assert b"style=" not in page
    assert b"csrf" not in page


def test_the_live_world_has_no_test_band(client: Client) -> None:
    make.paytm_account("ACMELIVE000000000001", "live0000merchant", live=True)
    answer = client.get(path(make.link(live=True)))
    assert answer.status_code == 200
    assert b"TEST MODE" not in answer.content


def test_an_open_amount_shows_its_limits(client: Client) -> None:
    page = client.get(path(open_link())).content.decode()
    assert "From ₹10.00 to ₹5,000.00." in page
    assert "Continue to Paytm" in page


def test_the_logo_is_shown_and_served(client: Client) -> None:
    link = make.link()
    assert client.get(f"/p/logo/{link.token}").status_code == 404
    Profile.objects.update(logo_png=b"\x89PNG", logo_version="v1")
    assert f"/p/logo/{link.token}?v=v1" in client.get(path(link)).content.decode()
    answer = client.get(f"/p/logo/{link.token}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")


def test_the_merchants_colour_is_a_style_sheet_of_its_own(client: Client) -> None:
    link = make.link()
    address = f"/p/brand/{link.token}"
    assert client.get(address).status_code == 404
    assert address not in client.get(path(link)).content.decode()
    Profile.objects.update(colour="#b3261e")
    shown.forget()
    assert f'href="{address}?v=b3261e"' in client.get(path(link)).content.decode()
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/css")
    assert answer["Cache-Control"] == "public, max-age=3600"
    assert answer.content.startswith(b":root{--color-primary:var(--paper,#b3261e) var(--ink,#")
    assert client.post(address).status_code == 405


def test_terms_are_a_page_or_an_address(client: Client) -> None:
    link = make.link()
    address = f"/p/terms/{link.token}"
    assert client.get(address).status_code == 404
    assert "Terms of" not in client.get(path(link)).content.decode()
    Profile.objects.update(terms="No <b>returns</b>.\nNone.\n\nEver.")
    shown.forget()
    assert f'href="{address}"' in client.get(path(link)).content.decode()
    page = client.get(address).content.decode()
    assert "<p>No &lt;b&gt;returns&lt;/b&gt;.<br>None.</p>" in page
    Profile.objects.update(terms="", terms_url="https://acme.example/terms")
    shown.forget()
    assert 'href="https://acme.example/terms"' in client.get(path(link)).content.decode()


def suspended(tenant: Tenant) -> Link:
    link = make.link()
    provisioning.suspend(tenant)
    remembered.forget_all()
    return link


def used(tenant: Tenant) -> Link:
    link = make.link(max_payments=1)
    make.payment(link, slot=1)
    return link


def full(tenant: Tenant) -> Link:
    link = make.link(max_payments=2)
    for slot in (1, 2):
        make.payment(link, slot=slot)
    return link


def without_account(tenant: Tenant) -> Link:
    active_accounts(live=False).update(state=PaytmAccount.State.RETIRED)
    return make.link()


@pytest.mark.parametrize(
    ("make_closed", "words"),
    [
        (suspended, "No payments here now"),
        (
            lambda _: make.link(state=Link.State.DISABLED, disabled_at=now()),
            "This link is switched off",
        ),
        (lambda _: make.link(expires_at=now() - timedelta(seconds=1)), "This link has expired"),
        (used, "This link is already paid"),
        (full, "Everything is taken"),
        (without_account, "Payments cannot be taken yet"),
    ],
)
def test_a_closed_link_says_why_and_takes_nothing(
    client: Client, acme: Tenant, make_closed: Any, words: str
) -> None:
    link = make_closed(acme)
    attempts = Payment.objects.count()
    answers = [client.get(path(link)), client.post(path(link))]
    remembered.forget_all()
    for answer in answers:
        page = answer.content.decode()
        assert answer.status_code == 410
        assert words in page
        assert "No money was taken" in page
        assert 'id="pay"' not in page
    assert Payment.objects.count() == attempts


def test_an_absent_or_foreign_link_is_404(client: Client, acme: Tenant, globex: Tenant) -> None:
    with tenant_context(globex):
        of_globex = make.link()
    for token in (new_token(acme), acme.key + of_globex.token[10:], "x"):
        assert client.get(f"/p/{token}").status_code == 404
        assert client.post(f"/p/{token}").status_code == 404


@pytest.mark.parametrize(
    "typed",
    ["", " ", "0", "-1", "1.005", "1e5", "१००", "1,000", "NaN", "99999999999", "9.99", "5000.01",
     "+100", "0x10", "Infinity", "100 ", "1" * 5000],
)  # fmt: skip
def test_a_bad_amount_is_refused_in_words_and_nothing_is_written(
    client: Client, typed: str
) -> None:
    link = open_link()
    answer = client.post(path(link), {"amount": typed, "key": key_of(client, link)})
    if typed == "100 ":  # blanks around an amount are nobody's mistake
        assert answer.status_code == 303
        return
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_amount_error"' in page
    assert 'aria-invalid="true"' in page
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("typed", "paise"), [("10", 10_00), ("499.5", 499_50), ("5000.00", 5_000_00)]
)
def test_a_good_amount_leads_to_paytm(client: Client, typed: str, paise: int) -> None:
    link = open_link()
    hop = go_to_paytm(client, path(link), amount=typed, key=key_of(client, link))
    payment = Payment.objects.get()
    assert (payment.amount_paise, payment.state) == (paise, "open")
    assert hop.fields == {
        "mid": payment.account.mid,
        "orderId": payment.order_id,
        "txnToken": payment.paytm_token,
    }


def test_a_fixed_amount_is_not_the_payers_to_choose(client: Client) -> None:
    go_to_paytm(client, path(make.link(amount_paise=500_00)), amount="1.00")
    assert Payment.objects.get().amount_paise == 500_00


def test_only_the_hop_may_send_a_form_to_paytm(client: Client, paytm: Simulator) -> None:
    link = make.link()
    assert "form-action 'self'" in client.get(path(link))["Content-Security-Policy"]
    hop = client.post(path(link), follow=True)
    assert f"form-action 'self' {paytm.url}" in hop["Content-Security-Policy"]
    assert "no-store" in hop["Cache-Control"]


def test_the_same_form_twice_is_one_attempt(client: Client) -> None:
    link = open_link()
    form = {"amount": "100", "key": key_of(client, link)}
    first, second = client.post(path(link), form), client.post(path(link), form)
    assert first.status_code == second.status_code == 303
    assert first["Location"] == second["Location"]
    assert Payment.objects.count() == 1


def test_the_same_form_with_another_amount_is_422(client: Client) -> None:
    link = open_link()
    key = key_of(client, link)
    client.post(path(link), {"amount": "100", "key": key})
    answer = client.post(path(link), {"amount": "200", "key": key})
    assert answer.status_code == 422
    assert b"No money was taken for the new amount." in answer.content
    assert Payment.objects.get().amount_paise == 100_00


def test_the_same_form_while_the_first_is_under_way_is_409_and_can_go_on(client: Client) -> None:
    link = make.link()
    key = key_of(client, link)
    Payment.objects.create(
        live=False,
        token=new_token(Tenant.objects.get(slug="acme")),
        link=link,
        account=PaytmAccount.objects.get(),
        description="",
        amount_paise=500_00,
        request_key=key,
    )
    answer = client.post(path(link), {"key": key})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "No money was taken." in page
    assert read_form(page, "pay").fields["key"] == key
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, 303), (OWN, 303), (FOREIGN, 403), ("null", 403), (f"{OWN}.evil.example", 403)],
)
def test_only_our_own_page_may_send_the_form(
    client: Client, origin: str | None, status: int
) -> None:
    headers = {"Origin": origin} if origin else {}
    link = make.link()
    assert client.post(path(link), headers=headers).status_code == status
    assert Payment.objects.exists() == (status == 303)


def is_refused_for_a_while(answer: Any) -> bool:
    """Whether it is a 429 that says so in words, and until when to a program."""
    if answer.status_code != 429:
        return False
    assert b"Too many tries" in answer.content
    assert b"No money was taken by this try." in answer.content
    assert 0 < int(answer["Retry-After"]) <= 60
    return True


# Twice a limit may pass at the seam of two windows.


def test_one_address_begins_only_so_many_payments_a_minute(client: Client) -> None:
    link = open_link()
    answers = [browser().post(path(link), {"amount": "100"}) for _ in range(2 * BEGUN + 1)]
    assert any(is_refused_for_a_while(answer) for answer in answers)
    assert Payment.objects.count() <= 2 * BEGUN


def test_forms_sent_again_or_mistyped_count_for_no_payment(client: Client) -> None:
    link = open_link()
    form = {"amount": "100", "key": key_of(client, link)}
    for n in range(BEGUN + 1):
        assert client.post(path(link), form).status_code == 303, n
        assert client.post(path(link), {"amount": "1,000"}).status_code == 422
    assert browser().post(path(link), {"amount": "100"}).status_code == 303


def test_one_address_sends_only_so_many_forms_a_minute(client: Client) -> None:
    link = open_link()
    answers = [client.post(path(link), {"amount": "0"}) for _ in range(2 * POSTS + 1)]
    assert any(is_refused_for_a_while(answer) for answer in answers)


@pytest.mark.parametrize("link_takes", [1, 3])
def test_a_link_of_n_payments_is_begun_by_at_most_n_payers(link_takes: int) -> None:
    link = make.link(max_payments=link_takes)
    payers = [browser().post(path(link)) for _ in range(link_takes + 2)]
    assert [answer.status_code for answer in payers] == [303] * link_takes + [409] * 2
    assert b"No money was taken." in payers[-1].content
    assert 0 < int(payers[-1]["Retry-After"]) <= 16 * 60 + 1
    assert Payment.objects.count() == link_takes


def at_bank(client: Client, paytm: Simulator, link: Link) -> None:
    """A payer has paid, and the bank takes its time."""
    come_back(client, paytm.decide(go_to_paytm(client, path(link)), "pending"))
    client.get(f"/p/return/{Payment.objects.get().token}")
    assert Payment.objects.get().state == "pending"


def test_who_only_looks_at_what_somebody_is_paying_is_told_so(client: Client, clock: Any) -> None:
    link = make.link(max_payments=1)
    client.post(path(link))
    answer = browser().get(path(link))
    page = answer.content.decode()
    assert answer.status_code == 409
    for words in ("This is being paid at the moment", "Do not pay twice.", "Look again"):
        assert words in page
    assert 'id="pay"' not in page
    assert Payment.objects.get().token not in page
    assert 60 <= int(answer["Retry-After"]) <= 16 * 60 + 1
    assert "You have begun to pay here." in client.get(path(link)).content.decode()
    clock(15 * 60 + 1)  # its token is dead: to press Pay asks Paytm what became of it
    assert 'id="pay"' in browser().get(path(link)).content.decode()


def test_what_the_bank_decides_is_not_to_be_paid_again(client: Client, paytm: Simulator) -> None:
    link = make.link(max_payments=1)
    at_bank(client, paytm, link)
    other = browser()
    answers = [other.get(path(link)), other.post(path(link))]
    for answer in answers:
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "A payment of it is being checked" in page
        assert "Do not pay again." in page
        assert 'id="pay"' not in page
        assert Payment.objects.get().token not in page
    payment = Payment.objects.get()
    paytm.control(f"orders/{payment.account.mid}/{payment.order_id}/finish", outcome="failure")
    Payment.objects.update(asked_at=None)  # three seconds later
    client.get(f"/p/return/{payment.token}")
    shown.forget_all()  # the second is over
    assert 'id="pay"' in browser().get(path(link)).content.decode()


@pytest.mark.parametrize("max_payments", [1, 3, None])
def test_ones_own_payment_at_the_bank_is_not_paid_again(
    client: Client, paytm: Simulator, max_payments: int | None
) -> None:
    link = make.link(max_payments=max_payments)
    at_bank(client, paytm, link)
    page = client.get(path(link)).content.decode()
    assert "Your payment is being checked" in page
    assert f"/p/return/{Payment.objects.get().token}" in page
    assert 'id="pay"' not in page
    if max_payments != 1:
        assert 'id="pay"' in browser().get(path(link)).content.decode()


@pytest.mark.parametrize("max_payments", [1, None])
def test_the_same_browser_goes_on_with_what_it_began(
    client: Client, max_payments: int | None
) -> None:
    """A new form, but the same payer: the back button, a second tab, another scan of the code."""
    link = make.link(max_payments=max_payments)
    first, second = client.post(path(link)), client.post(path(link))
    assert first["Location"] == second["Location"]
    assert Payment.objects.count() == 1


def test_the_next_one_to_open_a_link_never_learns_of_the_first_ones_payment(
    client: Client, paytm: Simulator
) -> None:
    link = make.link(max_payments=1)
    paytm.decide(go_to_paytm(client, path(link)), "success")
    first = Payment.objects.get()
    other = browser()
    assert other.post(path(link)).status_code == 409
    client.get(f"/p/return/{first.token}")
    answers = [other.get(path(link)), other.post(path(link))]
    for answer in answers:
        assert answer.status_code == 410
        assert first.token not in answer.content.decode()
        assert first.order_id not in answer.content.decode()


def test_a_place_is_free_again_at_once_after_a_failure(client: Client, paytm: Simulator) -> None:
    link = make.link(max_payments=1)
    come_back(client, paytm.decide(go_to_paytm(client, path(link)), "failure"))
    client.get(f"/p/return/{Payment.objects.get().token}")
    assert browser().post(path(link)).status_code == 303


def test_a_place_is_free_again_at_once_without_a_token(client: Client, paytm: Simulator) -> None:
    link = make.link(max_payments=1)
    paytm.plant("initiate", "timeout_before", seconds=2)
    client.post(path(link))
    assert Payment.objects.get().state == "unknown"
    assert browser().post(path(link)).status_code == 303


def test_a_place_is_free_again_when_the_token_is_dead_and_paytm_knows_of_no_payment(
    client: Client, paytm: Simulator, clock: Any
) -> None:
    link = make.link(max_payments=1)
    client.post(path(link))
    clock(15 * 60)
    assert browser().post(path(link)).status_code == 409
    clock(17 * 60)
    paytm.plant("status", "html")
    assert browser().post(path(link)).status_code == 409  # Paytm did not say
    Payment.objects.update(asked_at=None)  # three seconds later
    assert browser().post(path(link)).status_code == 303
    assert sorted(Payment.objects.values_list("state", flat=True)) == ["expired", "open"]


def test_a_place_is_held_while_the_bank_decides(client: Client, paytm: Simulator) -> None:
    link = make.link(max_payments=1)
    come_back(client, paytm.decide(go_to_paytm(client, path(link)), "pending"))
    client.get(f"/p/return/{Payment.objects.get().token}")
    assert Payment.objects.get().state == "pending"
    assert browser().post(path(link)).status_code == 409
    answer = client.post(path(link), follow=True)
    assert b"Do not pay again." in answer.content
    assert Payment.objects.count() == 1


def test_a_place_is_not_held_for_ever(client: Client, paytm: Simulator, clock: Any) -> None:
    """Paytm never says what became of the first: after three days another may pay."""
    link = make.link(max_payments=1)
    client.post(path(link))
    paytm.plant("status", "html", times=100)
    clock(71 * 3600)
    assert browser().post(path(link)).status_code == 409
    clock(73 * 3600)
    assert browser().post(path(link)).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "." * 5000, "é", "a" * 32, "%00", "'; --"])
def test_a_cookie_that_is_not_ours_changes_nothing(client: Client, cookie: str) -> None:
    link = make.link(max_payments=1)
    client.post(path(link))
    other = browser()
    other.cookies[settings.ATTEMPTS_COOKIE_NAME] = cookie
    assert other.post(path(link)).status_code == 409


def test_a_payer_reports_the_page(client: Client, acme: Tenant) -> None:
    link = make.link()
    address = f"/p/report/{link.token}"
    assert client.get(address).status_code == 200
    form = {"reason": "fraud", "words": "I paid and got nothing."}
    assert client.post(address, form, headers={"Origin": FOREIGN}).status_code == 403
    assert client.post(address, {"reason": "none"}).status_code == 422
    assert not PageReport.objects.exists()
    assert b"Thank you" in client.post(address, form).content
    report = PageReport.objects.get()
    assert (report.tenant, report.link_token) == (acme, link.token)
    answers = [client.post(address, form).status_code for _ in range(11)]
    assert 429 in answers
