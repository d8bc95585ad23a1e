"""Becoming somebody: sign-up, sign-in, a forgotten password, a second step, a session's end."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tenants import people, provisioning
from tenants.jobs import run_due
from tenants.models import CaughtMail, Tenant, User
from tests import cast
from tests.conftest import SignIn, browser

pytestmark = pytest.mark.django_db

DORA = {"name": "Dora", "email": "dora@example.com", "password1": "a quiet green kettle"}


@pytest.fixture(autouse=True)
def caught(settings: Any) -> None:
    settings.EMAIL_BACKEND = "tenants.mail.CatchingBackend"


def last_mail(to: str) -> CaughtMail:
    run_due()
    return CaughtMail.objects.filter(to=to).latest("id")


def code_in(mail: CaughtMail) -> str:
    [code] = re.findall(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", mail.text, re.MULTILINE)
    return str(code)


def sign_up(client: Client, **more: str) -> Any:
    """Through sign-up and the mailed code; returns where that leads."""
    answer = client.post("/accounts/signup/", DORA | more)
    assert answer.status_code == 302
    code = code_in(last_mail(DORA["email"]))
    return client.post(answer.url, {"code": code} | more)


def sign_in_with_password(client: Client, email: str, password: str) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password})


def test_a_stranger_signs_up_and_lands_in_a_dashboard_of_their_own(client: Client) -> None:
    answer = sign_up(client)
    assert answer.url == reverse("my_merchants")
    assert b"Create your first merchant" in client.get(answer.url).content
    facts = {"name": "Dora's Bakery", "slug": "", "time_zone": "Asia/Kolkata"}
    made = client.post(reverse("new_merchant"), facts)
    assert made.url == "/m/doras-bakery/test/"
    assert client.get(made.url).status_code == 200
    assert User.objects.get().name == "Dora"


def test_a_wrong_code_confirms_nothing(client: Client) -> None:
    answer = client.post("/accounts/signup/", DORA)
    right = code_in(last_mail(DORA["email"]))
    assert client.post(answer.url, {"code": "WRNGCD"}).status_code in (200, 302)
    assert client.get(reverse("my_merchants")).status_code == 302
    assert client.post(answer.url, {"code": right}).url == reverse("my_merchants")


def test_sign_up_with_a_known_address_tells_a_stranger_nothing(alice: User) -> None:
    fresh, known = browser(), browser()
    new = fresh.post("/accounts/signup/", DORA)
    old = known.post("/accounts/signup/", DORA | {"email": alice.email})
    assert (new.status_code, new.url) == (old.status_code, old.url)
    pages = [client.get(new.url).content.decode() for client in (fresh, known)]
    blank = [
        re.sub(r"(dora|alice)@example.com|value=\"[^\"]*\"|\"x-csrftoken\": \"[^\"]*\"", "", page)
        for page in pages
    ]
    assert blank[0] == blank[1]
    assert "sign" in last_mail(alice.email).text.lower()


@pytest.mark.parametrize("password", ["short", "password123", "0123456789", "dora@example.com"])
def test_a_weak_password_is_refused(client: Client, password: str) -> None:
    answer = client.post("/accounts/signup/", DORA | {"password1": password})
    assert answer.status_code == 200
    assert not User.objects.exists()


def test_a_forgotten_password_is_replaced_by_mail(client: Client, alice: User) -> None:
    asked = client.post("/accounts/password/reset/", {"email": alice.email})
    assert asked.status_code == 302
    [url] = re.findall(
        r"http://localhost:8000(/accounts/password/reset/key/\S+)", last_mail(alice.email).text
    )
    form = client.get(url, follow=True)
    words = {"password1": "a new long secret", "password2": "a new long secret"}
    done = client.post(urlsplit(form.redirect_chain[-1][0]).path, words)
    assert done.status_code == 302
    assert sign_in_with_password(browser(), alice.email, cast.PASSWORD).status_code == 200
    assert sign_in_with_password(browser(), alice.email, "a new long secret").status_code == 302
    again = client.get(url, follow=True)
    assert b"password1" not in again.content


def test_a_reset_for_an_unknown_address_looks_the_same(client: Client, alice: User) -> None:
    answers = [
        client.post("/accounts/password/reset/", {"email": email})
        for email in (alice.email, "nobody@example.com")
    ]
    assert {(answer.status_code, answer.url) for answer in answers} == {
        (302, "/accounts/password/reset/done/")
    }


def test_an_invited_person_signs_up_and_comes_back_to_the_invitation(client: Client) -> None:
    answer = sign_up(client, next="/invitations/some-code")
    assert answer.url == "/invitations/some-code"


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_sign_in_leads_to_no_other_site(client: Client, alice: User, url: str) -> None:
    credentials = {"login": alice.email, "password": cast.PASSWORD, "next": url}
    assert client.post("/accounts/login/", credentials).url == reverse("my_merchants")


class TestSessions:
    """What ends every session of a person, or all but the one that did it."""

    def test_a_changed_password_ends_the_others(self, alice: User, sign_in: SignIn) -> None:
        here, there = sign_in(alice), sign_in(alice)
        assert change_password(here).status_code == 302
        assert is_in(here)
        assert not is_in(there)

    def test_the_mail_about_it_says_when_and_in_which_zone(
        self, alice: User, sign_in: SignIn
    ) -> None:
        change_password(sign_in(alice))
        mail = last_mail(alice.email).text
        assert re.search(
            r"^  Time: \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC$", mail, re.MULTILINE
        )

    def test_suspension_ends_the_whole_team_s(
        self, acme: Tenant, alice: User, bob: User, sign_in: SignIn
    ) -> None:
        browsers = [sign_in(alice), sign_in(bob)]
        provisioning.suspend(acme)
        assert [is_in(each) for each in browsers] == [False, False]
        again = sign_in(User.objects.get(pk=alice.pk))
        assert again.get("/m/acme/test/").status_code == 403

    def test_ending_them_by_hand(self, alice: User, sign_in: SignIn) -> None:
        mine = sign_in(alice)
        people.end_sessions(alice)
        assert not is_in(mine)


class TestSecondStep:
    """An authenticator app: its seed is sealed, its codes work once."""

    @pytest.mark.django_db(transaction=True)
    def test_enrolment_seals_the_seed_and_ends_other_sessions(self, sign_in: SignIn) -> None:
        alice = cast.person("Alice")
        here, there = sign_in(alice), sign_in(alice)
        secret = enrol(here)
        kept = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert secret not in kept
        assert "m1.k1." in kept
        assert is_in(here)
        assert not is_in(there)

    def test_recovery_codes_are_sealed(self, alice: User, sign_in: SignIn) -> None:
        client = sign_in(alice)
        enrol(client)
        page = client.get("/accounts/2fa/recovery-codes/").content.decode()
        codes = re.findall(r"\b[0-9a-f]{8}\b", page) or re.findall(r"\b[0-9]{8}\b", page)
        assert codes
        kept = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert not any(code in kept for code in codes)

    def test_sign_in_asks_for_a_code_and_takes_it_once(self, alice: User, sign_in: SignIn) -> None:
        secret = enrol(sign_in(alice))
        cache.clear()  # as if the code of the enrolment were long past
        code = code_of(secret)
        first, second = browser(), browser()
        for client in (first, second):
            asked = sign_in_with_password(client, alice.email, cast.PASSWORD)
            assert asked.url.startswith("/accounts/2fa/authenticate/")
            assert not is_in(client)
        first.post("/accounts/2fa/authenticate/", {"code": code})
        second.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_in(first)
        assert not is_in(second)

    def test_the_code_that_switched_it_on_signs_nobody_in(
        self, alice: User, sign_in: SignIn
    ) -> None:
        secret, code = enrol_with_code(sign_in(alice))
        client = browser()
        sign_in_with_password(client, alice.email, cast.PASSWORD)
        for spelled in (code, f"{code[:3]} {code[3:]}"):
            client.post("/accounts/2fa/authenticate/", {"code": spelled})
            assert not is_in(client)
        cache.clear()  # as if the code of the enrolment were long past
        client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
        assert is_in(client)

    def test_a_used_code_proves_nothing_again(self, alice: User, sign_in: SignIn) -> None:
        client = sign_in(alice)
        secret, code = enrol_with_code(client)
        assert prove_by_code(client, code).status_code == 200
        cache.clear()  # as if the code of the enrolment were long past
        code = code_of(secret)
        assert prove_by_code(client, code).status_code == 302
        assert prove_by_code(client, code).status_code == 200
        other = browser()
        sign_in_with_password(other, alice.email, cast.PASSWORD)
        other.post("/accounts/2fa/authenticate/", {"code": code})
        assert not is_in(other)


class TestRecentProof:
    """A merchant's delicate pages and the account's own ask again at the same times."""

    def test_a_sign_in_is_a_proof(self, acme: Tenant, alice: User) -> None:
        client = browser()
        sign_in_with_password(client, alice.email, cast.PASSWORD)
        assert not asked_again(client)

    def test_a_password_alone_is_none_where_there_is_a_second_step(
        self, acme: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        secret = enrol(sign_in(alice))
        cache.clear()  # as if the code of the enrolment were long past
        client = browser()
        sign_in_with_password(client, alice.email, cast.PASSWORD)
        for page in DELICATE:
            assert client.get(page).url.startswith("/accounts/login/")
        client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
        assert not asked_again(client)

    def test_another_person_s_proof_is_none(
        self, acme: Tenant, alice: User, bob: User, sign_in: SignIn
    ) -> None:
        client = sign_in(alice, ago=301)
        add_record(client, method="password", user=bob)
        assert asked_again(client)

    @pytest.mark.parametrize(
        ("record", "asked"),
        [
            ({"method": "password", "ago": 299}, False),
            ({"method": "password", "ago": 301}, True),
            ({"method": "password", "ago": 3 * 24 * 3600}, True),
            ({"method": "mfa", "type": "totp", "ago": 299}, False),
            ({"method": "mfa", "type": "webauthn", "passwordless": True, "ago": 299}, False),
            ({"method": "mfa", "type": "webauthn", "passwordless": True, "ago": 301}, True),
            ({"method": "password_reset", "ago": 0}, True),
        ],
    )
    def test_how_and_when_decide(
        self, acme: Tenant, alice: User, sign_in: SignIn, record: dict[str, Any], asked: bool
    ) -> None:
        client = sign_in(alice, ago=14 * 24 * 3600)
        add_record(client, **record)
        assert asked_again(client) is asked

    def test_a_proof_opens_both(self, acme: Tenant, alice: User, sign_in: SignIn) -> None:
        client = sign_in(alice, ago=301)
        assert asked_again(client)
        client.post("/accounts/reauthenticate/", {"password": cast.PASSWORD})
        assert not asked_again(client)


DELICATE = (
    "/m/acme/test/paytm/keys",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/webauthn/add/",
)


def asked_again(client: Client) -> bool:
    """Whether the delicate pages ask who it is: all of them or none."""
    answers = [client.get(page) for page in DELICATE]
    asked = {"/reauthenticate/" in answer.headers.get("Location", "") for answer in answers}
    assert len(asked) == 1, [answer.headers.get("Location", "") for answer in answers]
    return asked.pop()


def add_record(client: Client, ago: float = 0, user: User | None = None, **record: Any) -> None:
    """What a session remembers of another way its person showed who they are."""
    session = client.session
    if user:
        session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] += [record | {"at": time.time() - ago}]
    session.save()


def prove_by_code(client: Client, code: str) -> Any:
    return client.post("/accounts/2fa/reauthenticate/", {"code": code})


def change_password(client: Client) -> Any:
    new = "a new long secret"
    words = {"oldpassword": cast.PASSWORD, "password1": new, "password2": new}
    return client.post("/accounts/password/change/", words)


def is_in(client: Client) -> bool:
    return client.get(reverse("new_merchant")).status_code == 200


def enrol(client: Client) -> str:
    """Switch on an authenticator app; returns its seed."""
    return enrol_with_code(client)[0]


def enrol_with_code(client: Client) -> tuple[str, str]:
    """Switch on an authenticator app; returns its seed and the code that did it."""
    page = client.get("/accounts/2fa/totp/activate/")
    secret: str = page.context["form"].secret
    code = code_of(secret)
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert answer.status_code == 302, answer.content.decode()
    return secret, code


def code_of(secret: str) -> str:
    code: str = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    return code
