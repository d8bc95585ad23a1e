"""The dashboard in Hindi for who chose it; all others read English, whatever their browser says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from merchants import roles
from payments.models import Payment
from tenants.checks import patterns
from tenants.jobs import run_due
from tenants.models import CaughtMail, Membership, Role, Tenant, User
from tests import cast
from tests.conftest import SignIn
from tests.dashboard.conftest import Url, text
from tests.payments.test_languages import english_in

pytestmark = pytest.mark.django_db

HINDI = "hi-IN,hi;q=0.9"
# Two words of English that follow each other; but for names of places, examples of code, and what
# is told of English in Hindi.
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
NAMES = re.compile("[\u0900-\u097f]|/|import ")
PLAIN = [p.name for route, p in patterns() if route.startswith("m/") and "id>" not in route]


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    translation.activate("en")


def language(page: Any) -> str:
    said = re.findall(r'<html lang="(\w+)"', page.content.decode())
    assert said == [page["Content-Language"]]
    return str(said[0])


def test_english_until_hindi_is_chosen_and_then_hindi_until_english_is(
    at_acme: Client, url: Url
) -> None:
    page = at_acme.get(url("payments"), headers={"accept-language": HINDI})
    assert language(page) == "en"
    assert 'href="?lang=hi"' in text(page)
    chosen = at_acme.get(url("payments"), {"lang": "hi"})
    assert language(chosen) == "hi"
    assert "अभी कोई भुगतान नहीं" in text(chosen)
    assert chosen.cookies[settings.LANGUAGE_COOKIE_NAME].value == "hi"
    assert language(at_acme.get(url("links"))) == "hi"
    assert language(at_acme.get("/merchants/new")) == "hi"
    assert 'href="?lang=en"' in text(at_acme.get(url("links")))
    at_acme.get(url("links"), {"lang": "en"})
    assert language(at_acme.get(url("payments"))) == "en"


@pytest.mark.parametrize("nonsense", ["de", "xx", "hi-IN", "../hi"])
def test_what_is_no_language_of_ours_is_english(at_acme: Client, url: Url, nonsense: str) -> None:
    at_acme.cookies[settings.LANGUAGE_COOKIE_NAME] = nonsense
    assert language(at_acme.get(url("payments"))) == "en"
    assert language(at_acme.get(url("payments"), {"lang": nonsense})) == "en"


def test_a_persons_account_and_the_platform_are_english(at_acme: Client, url: Url) -> None:
    at_acme.get(url("payments"), {"lang": "hi"})
    for page in ("/", "/accounts/email/", "/accounts/2fa/"):
        answer = at_acme.get(page, follow=True)
        assert language(answer) == "en"


@pytest.mark.parametrize("name", PLAIN)
def test_every_page_opens_in_hindi(at_acme: Client, paid: Payment, name: str) -> None:
    match = next(route for route, p in patterns() if p.name == name)
    where = {"slug": "acme"} | ({"live": False} if "<world:live>" in match else {})
    at_acme.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    answer = at_acme.get(reverse(name, kwargs=where))
    assert answer.status_code in (200, 302, 405)
    if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
        assert language(answer) == "hi"
        left = english_in(answer.content.decode())
        assert [words for words in left if ENGLISH.search(words) and not NAMES.search(words)] == []


def test_a_choice_is_kept_with_the_person_and_holds_on_their_other_devices(
    at_acme: Client, url: Url, alice: User, bob: User, sign_in: SignIn
) -> None:
    at_acme.get(url("payments"), {"lang": "hi"})
    alice.refresh_from_db()
    bob.refresh_from_db()
    assert (alice.language, bob.language) == ("hi", "")
    phone = sign_in(alice)
    assert language(phone.get(url("payments"))) == "hi"
    assert language(phone.get("/merchants/new")) == "hi"
    assert language(sign_in(bob).get(url("payments"))) == "en"
    phone.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert language(phone.get(url("payments"))) == "en", "the device says otherwise"
    assert language(sign_in(alice).get(url("payments"))) == "hi"


def test_what_a_browser_was_told_before_is_kept_at_the_first_visit(
    at_acme: Client, url: Url, alice: User
) -> None:
    at_acme.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    at_acme.get(url("payments"))
    alice.refresh_from_db()
    assert alice.language == "hi"


def test_a_choice_is_written_once_and_asked_for_by_no_query(
    at_acme: Client, url: Url, alice: User, sign_in: SignIn
) -> None:
    def queries(client: Client, **asked: str) -> int:
        with CaptureQueriesContext(connection) as made:
            client.get(url("endpoints"), asked)
        return len(made)

    queries(at_acme)
    before = queries(at_acme)
    assert queries(at_acme, lang="hi") == before + 1
    assert queries(at_acme, lang="hi") == queries(at_acme) == queries(sign_in(alice)) == before


def test_strangers_choose_for_nobody(
    globex: Tenant, client: Client, url: Url, alice: User, charlie: User, sign_in: SignIn
) -> None:
    client.get(url("payments"), {"lang": "hi"})
    assert sign_in(charlie).get(url("payments"), {"lang": "hi"}).status_code == 404
    alice.refresh_from_db()
    charlie.refresh_from_db()
    assert (alice.language, charlie.language) == ("", "hi")


def test_it_is_chosen_on_a_page_of_the_persons_account(at_acme: Client, client: Client) -> None:
    page = at_acme.get("/accounts/language")
    assert language(page) == "en"
    assert '<a href="?lang=en" lang="en" hreflang="en" aria-current="true">' in text(page)
    assert '<a href="/accounts/language">' in text(at_acme.get("/accounts/email/"))
    chosen = at_acme.get("/accounts/language", {"lang": "hi"})
    assert "आपकी भाषा" in text(chosen)
    assert language(at_acme.get("/accounts/language")) == "hi"
    assert client.get("/accounts/language").status_code == 302


def test_a_payments_story_is_told_in_hindi(at_acme: Client, url: Url, paid: Payment) -> None:
    at_acme.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    page = text(at_acme.get(url("payment", id=paid.pk)))
    for words in ("₹500.00 का भुगतान", "Paytm का जवाब", "भुगतानकर्ता", "भुगतान हो गया"):
        assert words in page


def test_who_reads_hindi_invites_in_english(
    acme: Tenant, alice: User, sign_in: SignIn, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tenants.mail.CatchingBackend"
    client = sign_in(alice)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    client.post(
        reverse("team_invite", args=["acme"]), {"email": "dora@example.com", "role": "viewer"}
    )
    run_due()
    mail = CaughtMail.objects.get(to="dora@example.com")
    assert not re.search("[\u0900-\u097f]", mail.subject + mail.text + mail.html)
    assert "Viewer" in mail.text


def test_what_each_role_may_do_reads_in_hindi(acme: Tenant, sign_in: SignIn) -> None:
    dora = cast.person("Dora")
    Membership.objects.create(tenant=acme, user=dora, role=Role.VIEWER)
    client = sign_in(dora)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    page = text(client.get("/m/acme/team"))
    with translation.override("hi"):
        assert all(str(words) in page for words in roles.WORDS.values())
