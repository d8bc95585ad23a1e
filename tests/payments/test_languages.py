"""Payers read English or Hindi, as they choose or as their browser says. The team's own choice is
proved in tests/dashboard/test_language.py."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from config import remembered
from config.clock import now
from config.language import language_of
from merchants.models import PaytmAccount, Profile
from payments.collecting import active_accounts
from payments.models import Link, Payment, Refund
from payments.settling import settle
from payments.views import REPORTS
from tenants import provisioning
from tenants.checks import patterns
from tenants.models import Tenant
from tests import make
from tests.conftest import SignIn, browser
from tests.payments.test_settling import answer
from tests.wire import Simulator, come_back, go_to_paytm, send

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")

HINDI, GERMAN = "hi-IN,hi;q=0.9,en;q=0.5", "de-DE,de;q=0.9"


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    translation.activate("en")


def language(page: Any) -> str:
    """What the page says that it is written in; its words must agree."""
    text = page.content.decode()
    said = text.split('<html lang="', 1)[1].split('"', 1)[0]
    assert page["Content-Language"] == said
    assert ("भुगतान" in text) == (said == "hi")
    return str(said)


@pytest.mark.parametrize(
    ("accepted", "chosen", "query", "spoken"),
    [
        ("", "", "", "en"),
        (HINDI, "", "", "hi"),
        (GERMAN, "", "", "en"),
        (HINDI, "en", "", "en"),
        ("en", "hi", "", "hi"),
        ("en", "hi", "?lang=en", "en"),
        ("en", "", "?x=1&lang=hi", "hi"),
        ("en", "", "?lang=de", "en"),
        (HINDI, "", "?lang=", "hi"),
        ("en", "", "?lang=hix", "en"),
        ("en", "", "?slang=hi", "en"),
        ("en", "de", "", "en"),
        (HINDI, "'\"", "?lang=%00", "hi"),
    ],
)
def test_the_choice_counts_then_the_browsers_wish(
    client: Client, accepted: str, chosen: str, query: str, spoken: str
) -> None:
    if chosen:
        client.cookies["lang"] = chosen
    page = client.get(f"/p/{make.link().token}{query}", headers={"accept-language": accepted})
    assert page.status_code in (200, 400)
    if page.status_code == 200:
        assert language(page) == spoken
        assert {"Accept-Language", "Cookie"} <= set(page["Vary"].split(", "))


def test_a_choice_is_kept_by_a_cookie_without_a_script(client: Client) -> None:
    link = make.link()
    english = client.get(f"/p/{link.token}?from=sms")
    assert not english.cookies
    switch = '<a class="text-link" href="?from=sms&amp;lang=hi" lang="hi" hreflang="hi">हिन्दी</a>'
    assert switch in english.content.decode()
    hindi = client.get(f"/p/{link.token}?from=sms&lang=hi")
    cookie = hindi.cookies["lang"]
    assert (cookie.value, cookie["samesite"], cookie["max-age"]) == ("hi", "Lax", 365 * 24 * 3600)
    assert bool(cookie["secure"]) is settings.SECURE
    switch = '<a class="text-link" href="?from=sms&amp;lang=en" lang="en" hreflang="en">English</a>'
    assert switch in hindi.content.decode()
    again = client.get(f"/p/{link.token}")
    assert language(again) == "hi"
    assert not again.cookies
    assert not client.get(f"/p/{link.token}?lang=hi").cookies, "it is kept already"
    assert not client.get(f"/p/{link.token}?lang=fr").cookies
    Profile.objects.update(colour="#b3261e")
    assert not client.get(f"/p/brand/{link.token}?lang=en").cookies, "anybody's caches keep it"


def test_the_choice_leads_through_paying(client: Client, paytm: Simulator) -> None:
    link = make.link()
    client.cookies["lang"] = "hi"
    back = come_back(client, paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success"))
    assert language(client.get(back["Location"])) == "hi"


def test_the_team_reads_english_whatever_its_browser_wants(
    client: Client, sign_in: SignIn, acme: Tenant, alice: Any
) -> None:
    team = sign_in(alice)
    for path in ("/m/acme/test/links", "/m/acme/settings", "/accounts/login/?lang=hi", "/p", "/px"):
        client.get(f"/p/{make.link().token}?lang=hi")  # whom this thread served before
        page = team.get(path, headers={"accept-language": HINDI}, follow=True)
        assert language(page) == "en"
        assert "lang" not in page.cookies


def test_refusals_before_any_view_speak_it_too(client: Client) -> None:
    bad = client.get("/p/x%00?lang=hi")
    assert (bad.status_code, language_said(bad)) == (400, "hi")
    many = "&".join(f"a{n}=1" for n in range(2000))
    refused = client.get(f"/p/{make.link().token}?lang=hi&{many}")
    assert (refused.status_code, language_said(refused)) == (400, "hi")
    nothing = client.get("/nothing")
    assert language_said(nothing) == "en"
    assert "hreflang" not in nothing.content.decode(), "the team reads English alone"


def language_said(page: Any) -> str:
    return str(page.content.decode().split('<html lang="', 1)[1][:2])


def test_the_rule_is_one_function(rf: Any) -> None:
    for path in ("/p/x", "/paytm/x/callback"):
        assert language_of(rf.get(path, headers={"accept-language": HINDI})) == "hi"
    for path in ("/", "/platform/", "/p"):
        assert language_of(rf.get(path, {"lang": "hi"}, headers={"accept-language": HINDI})) == "en"
    settings_page = "/m/acme/settings"
    assert language_of(rf.get(settings_page, headers={"accept-language": HINDI})) == "en"
    assert language_of(rf.get(settings_page, {"lang": "hi"})) == "hi"


# --- No English is left ----------------------------------------------------------------------

# Names, and what is written in Latin letters in Hindi too.
LATIN = {"Paytm", "UPI", "PIN", "OTP", "GSTIN", "ID", "IST", "EMI", "Secure", "Galla"}
OF_ACME = {"Acme", "Masala", "chai"}
SPOKEN = {"alt", "title", "aria-label", "placeholder"}
SILENT = {"script", "style"}
VOID = {"meta", "link", "input", "img", "br", "hr", "path", "rect", "circle"}


class Words(HTMLParser):
    """What a page says to a person, but for ids and what is marked as another language."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._hidden: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        foreign = tag != "html" and "lang" in values
        hidden = tag in SILENT or foreign or "mono" in values.get("class", "").split()
        hidden = hidden or any(self._hidden)
        if not hidden:
            self.said += [value for name, value in values.items() if name in SPOKEN]
        if tag not in VOID:
            self._hidden.append(hidden)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Drawings say nothing."""

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(self._hidden):
            self.said.append(data.strip())


def english_in(html: str) -> list[str]:
    """The texts that hold a word in Latin letters which is nobody's name."""
    page = Words()
    page.feed(html)
    assert len(page.said) > 3
    words = [(text, set(re.findall(r"[A-Za-z]{2,}", text))) for text in page.said]
    return [text for text, latin in words if latin - LATIN - OF_ACME]


Visit = Callable[[Client, Simulator, Tenant], Any]
VISITS: dict[str, Visit] = {}


def visit(make_page: Visit) -> Visit:
    VISITS[make_page.__name__] = make_page
    return make_page


def opened(**fields: Any) -> Visit:
    return lambda client, paytm, acme: client.get(f"/p/{make.link(**fields).token}")


def of_old_price(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.post(f"/p/{make.link().token}", {"offer": "400_00".replace("_", "")})


def again(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = make.link(amount_paise=None)
    client.post(f"/p/{link.token}", {"amount": "100"})
    return client.get(f"/p/{link.token}")


ASKING = {"ask_name": "required", "ask_email": "required", "ask_phone": "optional"}
OFFERING = {"amount_paise": None, "suggestions": [100_00, 500_00]}


def open_amount() -> Link:
    return make.link(amount_paise=None, min_paise=10_00, max_paise=5_000_00)


def tried(**fields: str) -> Visit:
    return lambda client, paytm, acme: client.post(f"/p/{open_amount().token}", fields)


def after(outcome: str, **fields: str) -> Visit:
    """What the payer sees who did that at Paytm's page."""

    def page(client: Client, paytm: Simulator, acme: Tenant) -> Any:
        hop = go_to_paytm(client, f"/p/{make.link().token}")
        back = come_back(client, paytm.decide(hop, outcome, **fields))
        return client.get(back["Location"])

    return page


VISITS |= {
    "open": opened(),
    "open amount": opened(amount_paise=None, min_paise=10_00, max_paise=5_000_00),
    "opens later": opened(starts_at=now() + timedelta(days=2)),
    "asks": opened(**ASKING, methods=["upi", "credit_card"]),
    "offers": opened(**OFFERING),
    "old price": of_old_price,
    "begun": again,
    "closes": opened(expires_at=now() + timedelta(days=40)),
    "expired": opened(expires_at=now() - timedelta(seconds=1)),
    "disabled": opened(state=Link.State.DISABLED, disabled_at=now()),
    "no amount": tried(),
    "wrong amount": tried(amount="1,000"),
    "amount too high": tried(amount="99999"),
    "amount too long": tried(amount="1" * 5000),
    "paid by card": after("success"),
    "paid by net banking": after("success", method="NB", bank="HDFC"),
    "failed": after("failure"),
    "cancelled": after("cancel"),
    "low balance": after("low_balance"),
    "wrong UPI id": after("wrong_upi_id"),
    "pending": after("pending"),
}


@visit
def used(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = make.link(max_payments=1)
    make.payment(link, slot=1)
    return client.get(f"/p/{link.token}")


@visit
def held(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = make.link(max_payments=1)
    browser().post(f"/p/{link.token}")
    return client.get(f"/p/{link.token}")


@visit
def pending_at_anothers_bank(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = make.link(max_payments=1)
    make.payment(link, state="pending")
    return client.get(f"/p/{link.token}")


@visit
def pending_at_ones_own_bank(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = make.link()
    client.post(f"/p/{link.token}")
    Payment.objects.update(state="pending")
    return client.get(f"/p/{link.token}")


@visit
def full(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = make.link(max_payments=2)
    for slot in (1, 2):
        make.payment(link, slot=slot)
    return client.get(f"/p/{link.token}")


@visit
def ticked(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    payment = make.payment(make.link(), answers=[["सहमत", True]])
    return client.get(f"/p/return/{payment.token}")


@visit
def suspended(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = make.link()
    provisioning.suspend(acme)
    remembered.forget_all()
    return client.get(f"/p/{link.token}")


@visit
def without_account(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    active_accounts(live=False).update(state=PaytmAccount.State.RETIRED)
    return client.get(f"/p/{make.link().token}")


@visit
def foreign(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.post(f"/p/{make.link().token}", headers={"Origin": "https://evil.example"})


@visit
def other_amount(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    link = open_amount()
    client.post(f"/p/{link.token}", {"amount": "100", "key": "k" * 16})
    return client.post(f"/p/{link.token}", {"amount": "200", "key": "k" * 16})


@visit
def hop(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.post(f"/p/{make.link().token}", follow=True)


@visit
def waiting(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    go_to_paytm(client, f"/p/{make.link().token}")
    return client.get(f"/p/return/{Payment.objects.get().token}")


@visit
def surplus(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    payment = make.payment(make.link())
    settle(payment, answer(payment, amount_paise=600_00))
    return client.get(f"/p/return/{payment.token}")


@visit
def refunded(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    after("success")(client, paytm, acme)
    payment = Payment.objects.get()
    for state in ("done", "failed", "accepted"):
        decided = None if state == "accepted" else now()
        Refund.objects.create(live=False, payment=payment, amount_paise=10_00, state=state,
                              asked_by_name="Alice", decided_at=decided)  # fmt: skip
    return client.get(f"/p/return/{payment.token}")


@visit
def mistrusted(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    callback = paytm.decide(go_to_paytm(client, f"/p/{make.link().token}"), "success")
    forged = callback.fields | {"CHECKSUMHASH": "x" * 108}
    page = send(client, urlsplit(callback.action).path, forged)
    assert f'href="/p/return/{Payment.objects.get().token}?lang=en"' in page.content.decode()
    return page


@visit
def unknown_order(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.get(f"/paytm/{make.paytm_token(False)}/callback")


@visit
def report(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.get(f"/p/report/{make.link().token}")


@visit
def report_with_errors(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    wrong = {"reason": "बेतुका", "words": "ब" * 1001}
    return client.post(f"/p/report/{make.link().token}", wrong)


@visit
def empty_report(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.post(f"/p/report/{make.link().token}", {"words": "x"})


@visit
def reported(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.post(f"/p/report/{make.link().token}", {"reason": "fraud"})


@visit
def too_many_reports(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    address = f"/p/report/{make.link().token}"
    answers = [client.post(address, {"reason": "fraud"}) for _ in range(2 * REPORTS + 1)]
    return next(each for each in answers if each.status_code == 429)


@visit
def terms(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    Profile.objects.update(terms="चाय वापस नहीं ली जाती।")
    return client.get(f"/p/terms/{make.link().token}")


@visit
def not_found(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.get("/p/x")


@visit
def not_allowed(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    address = f"/p/report/{make.link().token}"
    return client.post(address, {"reason": "fraud"}, headers={"Origin": "https://evil.example"})


@visit
def not_understood(client: Client, paytm: Simulator, acme: Tenant) -> Any:
    return client.get(f"/p/{make.link().token}?x=%00")


@pytest.mark.parametrize("name", VISITS)
def test_in_hindi_no_english_is_left(
    client: Client, paytm: Simulator, acme: Tenant, name: str
) -> None:
    Profile.objects.update(support_phone="+91 80 1234 5678")
    client.cookies["lang"] = "hi"
    page = VISITS[name](client, paytm, acme)
    assert language_said(page) == "hi"
    assert english_in(page.content.decode()) == []
    assert page.content.decode().count('hreflang="en"') == 1


def test_every_address_of_payers_is_visited_above() -> None:
    """A new one: make a visit of each of its states, then name it here."""
    named = {pattern.name for route, pattern in patterns() if route.startswith(("p/", "paytm/"))}
    pages = {"pay", "pay_go", "pay_status", "pay_report", "pay_terms", "paytm_callback"}
    assert named == pages | {
        "pay_logo",
        "pay_brand",
        "pay_receipt",
        "paytm_webhook",
    }  # which say nothing


def test_the_reader_of_pages_hears_english(client: Client) -> None:
    heard = english_in(client.get(f"/p/{make.link().token}").content.decode())
    assert {"Report this page", "Pay ₹500.00", "Skip to content", "Test mode"} <= set(heard)


def test_months_are_hindi_and_figures_as_everywhere_in_india(client: Client) -> None:
    link = make.link(amount_paise=1_23_456_50, expires_at=datetime(2031, 11, 5, 12, tzinfo=UTC))
    client.cookies["lang"] = "hi"
    page = client.get(f"/p/{link.token}").content.decode()
    assert "₹1,23,456.50 का भुगतान करें" in page
    assert re.search(r"5 नव॰ 2031, 17:30 IST तक खुला है।", page)
    assert not re.search("[०-९]", page)
