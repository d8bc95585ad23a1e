"""Attacks on allauth's addresses: what a stolen or old session may do to its person."""

# ruff: noqa: E501, PT018  (acts run before the loop goes on)
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client

from tenants.models import Tenant, User
from tests import cast, make
from tests.conftest import SignIn, browser

OLD = 3600


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/accounts/2fa/totp/deactivate/", {}),
        ("/accounts/2fa/totp/activate/", {"code": "123456"}),
        ("/accounts/2fa/recovery-codes/generate/", {}),
        ("/accounts/email/", {"action_add": "", "email": "thief@example.com"}),
        ("/accounts/email/", {"action_primary": "", "email": "second@example.com"}),
        ("/accounts/email/", {"action_remove": "", "email": "second@example.com"}),
    ],
)
def test_an_old_session_changes_nothing_of_the_person(
    alice: User, sign_in: SignIn, path: str, fields: dict[str, str]
) -> None:
    cast.second_step(alice)
    EmailAddress.objects.create(user=alice, email="second@example.com", verified=True)
    client = sign_in(alice, ago=OLD)
    answer = client.post(path, fields)
    assert answer.status_code in (302, 403, 404, 405), (path, answer.status_code)
    assert "reauthenticate" in answer.headers.get("Location", "reauthenticate")
    assert Authenticator.objects.filter(user=alice, type="totp").exists()
    assert not Authenticator.objects.filter(user=alice, type="recovery_codes").exists()
    assert EmailAddress.objects.get(user=alice, primary=True).email == "alice@example.com"
    assert EmailAddress.objects.filter(user=alice).count() == 2


def test_a_changed_primary_address_ends_other_sessions(alice: User, sign_in: SignIn) -> None:
    EmailAddress.objects.create(user=alice, email="second@example.com", verified=True)
    other, mine = sign_in(alice), sign_in(alice)
    mine.post("/accounts/email/", {"action_primary": "", "email": "second@example.com"})
    alice.refresh_from_db()
    assert alice.email == "second@example.com"
    assert other.get("/merchants/").status_code == 302


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)",
     "http:///evil.example", "https://localhost:8000@evil.example/", "\x09//evil.example"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(alice: User, target: str) -> None:
    client = browser()
    fields = {"login": "alice@example.com", "password": cast.PASSWORD, "next": target}
    answer = client.post("/accounts/login/", fields)
    assert answer.status_code in (302, 400)
    if answer.status_code == 302:
        place = answer["Location"]
        assert place.startswith("/") and not place.startswith(("//", "/\\"))


def test_signing_in_needs_the_second_step_once_there_is_one(acme: Tenant, alice: User) -> None:
    cast.second_step(alice)
    client = browser()
    client.post("/accounts/login/", {"login": "alice@example.com", "password": cast.PASSWORD})
    assert client.get("/m/acme/test/").status_code == 302


def test_a_code_of_a_dead_links_world_is_not_taken_in_the_other(
    in_acme: Tenant, paytm, client: Client
) -> None:
    """A callback to the live world's address about a test order changes nothing."""
    from tests.wire import go_to_paytm, send

    link = make.link()
    callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    wrong = f"/paytm/{make.paytm_token(True)}/callback"
    assert send(client, wrong, callback.fields).status_code == 404


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "0000-00-00", "99999-01-01"])
def test_odd_days_in_a_report(acme: Tenant, alice: User, sign_in: SignIn, day: str) -> None:
    client = sign_in(alice)
    client.raise_request_exception = False
    for query in (f"from={day}&to={day}", f"to={day}", f"from={day}", f"to={day}&by=x"):
        for page in ("reports", "reports.csv"):
            assert client.get(f"/m/acme/test/{page}?{query}").status_code < 500


@pytest.mark.parametrize(
    "query",
    ["before=9999999999999999-" + "f" * 32, "after=0-" + "0" * 32, "after=9999999999999999-" + "0" * 32,
     "before=٣-" + "0" * 32, "seen=" + "x" * 5000, "state=%ED%A0%80", "q=%00", "q=%", "state=paid&state=x"],
)  # fmt: skip
def test_odd_lists(acme: Tenant, alice: User, sign_in: SignIn, query: str) -> None:
    client = sign_in(alice)
    client.raise_request_exception = False
    for page in ("payments", "links", "refunds"):
        assert client.get(f"/m/acme/test/{page}?{query}").status_code < 500


@pytest.mark.parametrize(
    "path",
    ["/m/acme/team/99999999999999999999999/role", "/platform/jobs/99999999999999999999999/retry",
     "/demo/mail/99999999999999999999999", "/m/acme/team/" + "9" * 5000 + "/role",
     "/accounts/password/reset/key/1-" + "x" * 3000 + "/", "/accounts/password/reset/key/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-set-password/",
     "/invitations/" + "x" * 3000, "/accounts/2fa/webauthn/keys/99999999999999999999999/edit/",
     "/accounts/2fa/webauthn/keys/99999999999999999999999/remove/"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_odd_ids(acme: Tenant, alice: User, sign_in: SignIn, path: str, method: str) -> None:
    cast.second_step(alice)
    User.objects.filter(pk=alice.pk).update(staff_role="admin")
    client = sign_in(alice)
    client.raise_request_exception = False
    assert getattr(client, method)(path).status_code < 500


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/accounts/login/", {"login": "a" * 5000 + "@example.com", "password": "x" * 100000}),
        ("/accounts/signup/", {"email": "ü@ü.example", "name": "\u202eevil", "password1": "a long enough one"}),
        ("/accounts/signup/", {"email": ("a" * 300) + "@example.com", "name": "x", "password1": "a long enough one"}),
        ("/accounts/signup/", {"email": "a@" + "b" * 60 + ".example", "name": "x" * 80, "password1": "a long enough one"}),
        ("/accounts/password/reset/", {"email": "ⓐlice@example.com"}),
        ("/accounts/2fa/authenticate/", {"code": "١٢٣٤٥٦"}),
        ("/accounts/confirm-email/", {"code": "x" * 1000}),
        ("/accounts/reauthenticate/", {"password": "\ufffe"}),
        ("/accounts/2fa/reauthenticate/", {"code": "x" * 5000}),
        ("/accounts/2fa/webauthn/login/", {"credential": "[" * 3000}),
        ("/accounts/2fa/webauthn/login/", {"credential": "{}"}),
        ("/accounts/2fa/webauthn/login/", {"credential": '{"id":1}'}),
        ("/accounts/2fa/webauthn/reauthenticate/", {"credential": "null"}),
        ("/accounts/2fa/webauthn/add/", {"credential": '{"id":"AA","rawId":"AA","type":"public-key","response":{}}', "name": "x"}),
        ("/accounts/sessions/", {"x": "y"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("who", ["stranger", "alice"])
def test_odd_forms_of_accounts(
    alice: User, sign_in: SignIn, path: str, fields: dict[str, str], who: str
) -> None:
    """Library addresses too: any input gets a 4xx or a page, never a 5xx."""
    client = sign_in(alice) if who == "alice" else browser()
    client.raise_request_exception = False
    client.get(path)
    assert client.post(path, fields).status_code < 500
