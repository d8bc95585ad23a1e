"""The dashboard in Hindi for who chose it; all others read English, whatever their browser says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
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
