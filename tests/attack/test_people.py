"""Attacks through people: sign-up, teams, cookies, and odd dates."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.test import Client
from django_tenants.utils import tenant_context

from merchants import team
from tenants.models import Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import SignIn, browser

HARD = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


def seconds_of_sign_up(email: str) -> float:
    client = browser()
    fields = {"name": "Eve", "email": email, "password1": "a long enough pass phrase"}
    began = time.perf_counter()
    answer = client.post("/accounts/signup/", fields)
    assert answer.status_code == 302, answer.content
    return time.perf_counter() - began


def test_signing_up_does_not_tell_by_time_who_has_an_account(alice: User, settings) -> None:
    """A new address costs a password hash (a third of a second as in production), one that has an
    account costs none. Lost: who has an account here, at twenty addresses a minute."""
    settings.PASSWORD_HASHERS = HARD
    for n in range(3):
        cast.person(f"Known{n}")
    seconds_of_sign_up("warm@example.com")
    new = min(seconds_of_sign_up(f"new{n}@example.com") for n in range(3))
    known = min(seconds_of_sign_up(f"known{n}@example.com") for n in range(3))
    assert known > new / 2, f"new {new:.3f} s, known {known:.3f} s"


@pytest.mark.parametrize("name", ["session", "csrf", "messages", "django_language"])
@pytest.mark.parametrize(
    "value", [r'"abcdefghijklmnop\000"', '"\\355\\240\\200abcdefgh"', "\udced"]
)
@pytest.mark.parametrize("path", ["/", "/merchants/", "/accounts/login/"])
def test_an_odd_cookie_is_no_500(db: None, name: str, value: str, path: str) -> None:
    r"""Django undoes octal escapes in a quoted cookie, so `session="…\000"` is a NUL in a query.
    Lost: any address answers 500 to anybody, and the error budget and logs are theirs."""
    client = browser()
    client.raise_request_exception = False
    raw = f"{name}={value}".encode("utf-8", "surrogateescape").decode("latin-1")
    answer = client.get(path, headers={"cookie": raw})
    assert answer.status_code < 500


def test_a_link_open_to_the_end_of_time_does_not_break_the_list(
    acme: Tenant, alice: User, sign_in: SignIn
) -> None:
    """West of Greenwich, 9999-12-31T23:59 is in the year 10000 in UTC: PostgreSQL keeps it, Python
    cannot read it. Every screen that shows links, the pay page and the link itself answer 500
    until somebody repairs the row by SQL."""
    Tenant.objects.filter(pk=acme.pk).update(time_zone="America/New_York")
    client = sign_in(alice)
    client.raise_request_exception = False
    import uuid

    fields = {
        "description": "For ever", "amount_is": "fixed", "amount": "10", "payments": "many",
        "expires_at": "9999-12-31T23:59", "key": str(uuid.uuid4()),
    }  # fmt: skip
    made = client.post("/m/acme/test/links/new", fields)
    assert made.status_code in (302, 422)
    assert client.get("/m/acme/test/links").status_code == 200


def test_taking_off_a_member_twice_is_no_500(open_acme: Tenant) -> None:
    """Two owners press 'remove' for the same person: the second waits for the team's lock and then
    finds nobody (Membership.DoesNotExist)."""
    alice, bob = User.objects.get(name="Alice"), User.objects.get(name="Bob")
    place = Membership.objects.get(user=bob, tenant=open_acme)
    client = signed_in(alice)
    assert (
        while_the_team_is_locked(
            open_acme,
            lambda: Membership.objects.filter(pk=place.pk).delete(),
            lambda: client.post(f"/m/acme/team/{place.pk}/remove"),
        )
        < 500
    )


def test_accepting_an_invitation_twice_is_no_500(open_acme: Tenant) -> None:
    """A double click on 'Accept' (or a revocation at that moment): Invitation.DoesNotExist."""
    alice = User.objects.get(name="Alice")
    eve = cast.person("Eve")
    offer = make.invitation(open_acme, alice, email="eve@example.com")
    client = signed_in(eve)
    try:
        assert (
            while_the_team_is_locked(
                open_acme,
                offer.delete,
                lambda: client.post(f"/invitations/{offer.token}"),
            )
            < 500
        )
    finally:
        Membership.objects.filter(user=eve).delete()
        eve.delete()


def while_the_team_is_locked(tenant: Tenant, change, request) -> int:
    """The status of a request that begins before and goes on after `change` is committed."""
    found: list[int] = []

    def ask() -> None:
        try:
            found.append(request().status_code)
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        change()
        thread.start()
        wait_until_blocked()
    thread.join(20)
    return found[0]


def wait_until_blocked() -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise TimeoutError


def signed_in(user: User) -> Client:
    client = browser()
    client.raise_request_exception = False
    client.force_login(user)
    session = client.session
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session.save()
    return client


def test_an_owner_who_was_taken_off_cannot_come_back_by_an_invitation_of_theirs(
    acme: Tenant, alice: User, bob: User
) -> None:
    """A dismissed owner (or a thief of their session) has invited an address of theirs as owner.
    Their place is removed; the offer stays good for seven days and makes them owner again,
    who then takes off everybody else."""
    Membership.objects.filter(user=bob, tenant=acme).update(role=Role.OWNER)
    place = {m.user_id: m for m in Membership.objects.filter(tenant=acme)}
    eve = cast.person("Eve")
    with tenant_context(acme):
        offer = team.invite(place[bob.pk], "eve@example.com", Role.OWNER)
        team.remove(place[alice.pk], place[bob.pk])
    signed_in(eve).post(f"/invitations/{offer.token}")
    assert not Membership.objects.filter(user=eve, tenant=acme).exists()


def test_changing_the_live_team_needs_the_second_step(
    acme: Tenant, alice: User, bob: User, sign_in: SignIn
) -> None:
    """Live mode is open and Alice has two steps. Bob, an admin with a password alone, may not look
    at live keys himself, but may give whoever he likes the role that may."""
    cast.go_live(acme, alice)
    Membership.objects.filter(user=bob, tenant=acme).update(role=Role.ADMIN)
    client = sign_in(bob)
    answer = client.post("/m/acme/team/invitations", {"email": "eve@example.com", "role": "admin"})
    assert answer.status_code == 403


def test_platform_admins_prove_who_they_are_before_they_open_live_mode(
    acme: Tenant, alice: User, sign_in: SignIn
) -> None:
    """A session of an admin, two weeks old and left open, approves merchants for live money,
    suspends and resumes them without a new proof; a merchant's own refund asks for one."""
    User.objects.filter(pk=alice.pk).update(staff_role=User.StaffRole.ADMIN)
    cast.second_step(alice)
    Tenant.objects.filter(pk=acme.pk).update(live_state=Tenant.LiveState.ASKED)
    client = sign_in(alice, ago=3600)
    client.post(f"/platform/merchants/{acme.pk}/approve", {"words": "fine"})
    acme.refresh_from_db()
    assert acme.live_state == Tenant.LiveState.ASKED


def test_signing_up_in_two_tabs_is_no_500(open_acme: Tenant) -> None:
    """A double click on 'Sign up': both find the address free, the second insert meets the first
    (IntegrityError from allauth's sign-up)."""
    email = "eve@example.com"
    fields = {"name": "Eve", "email": email, "password1": "a long enough pass phrase"}
    client = browser()
    client.raise_request_exception = False
    try:
        assert (
            while_the_team_is_locked(
                open_acme,
                lambda: User.objects.create_user(email, "a long enough pass phrase"),
                lambda: client.post("/accounts/signup/", fields),
            )
            < 500
        )
    finally:
        User.objects.filter(email=email).delete()
