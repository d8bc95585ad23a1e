"""The team's page: invitations by mail, roles, and who may touch whom."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from merchants import roles
from tenants.jobs import run_due
from tenants.models import CaughtMail, Invitation, Membership, Role, Tenant, User
from tests import cast
from tests.conftest import SignIn
from tests.dashboard.conftest import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def caught(settings: Any) -> None:
    settings.EMAIL_BACKEND = "tenants.mail.CatchingBackend"


def at(name: str, **where: object) -> str:
    return reverse(name, kwargs={"slug": "acme", **where})


def join(tenant: Tenant, name: str, role: Role) -> Membership:
    return Membership.objects.create(tenant=tenant, user=cast.person(name), role=role)


def invite(client: Client, email: str = "dora@example.com", role: str = "viewer") -> Any:
    return client.post(at("team_invite"), {"email": email, "role": role})


@pytest.fixture
def owner(acme: Tenant, alice: User, sign_in: SignIn) -> Client:
    return sign_in(alice)


def test_an_invited_person_joins_by_the_mail_s_link(owner: Client, sign_in: SignIn) -> None:
    assert invite(owner, "Dora@Example.com", "finance").url == at("team")
    run_due()
    mail = CaughtMail.objects.get(to="dora@example.com")
    assert "Acme" in mail.subject
    [path] = re.findall(r"http://localhost:8000(/invitations/\S+)", mail.text)
    dora = sign_in(cast.person("Dora"))
    assert dora.post(path).url == "/m/acme/"
    page = owner.get(at("team")).content.decode()
    assert "Dora" in page
    assert dora.get(at("team")).status_code == 200


def test_inviting_again_voids_the_earlier_link(owner: Client) -> None:
    invite(owner)
    first = Invitation.objects.get().token
    invite(owner, role="admin")
    assert Invitation.objects.get().role == "admin"
    assert owner.get(reverse("invitation", args=[first])).status_code == 404


@pytest.mark.parametrize(
    ("email", "role"),
    [("", "viewer"), ("nobody", "viewer"), ("a@b.example", ""), ("a@b.example", "king"),
     ("bob@example.com", "viewer")],
)  # fmt: skip
def test_a_bad_invitation_is_refused(owner: Client, email: str, role: str) -> None:
    assert invite(owner, email, role).status_code == 422
    assert not Invitation.objects.exists()


def test_fifty_invitations_a_day_are_enough(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.views.team.INVITATIONS_A_DAY", 1)
    assert invite(owner).status_code == 302
    refused = invite(owner)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0


def test_a_revoked_invitation_is_void(owner: Client) -> None:
    invite(owner)
    offer = Invitation.objects.get()
    assert owner.post(at("team_revoke", id=offer.pk)).url == at("team")
    assert owner.get(reverse("invitation", args=[offer.token])).status_code == 404


def test_a_new_role_holds_at_once_and_ends_the_sessions(
    owner: Client, acme: Tenant, sign_in: SignIn
) -> None:
    dora = join(acme, "Dora", Role.VIEWER)
    hers = sign_in(dora.user)
    assert owner.post(at("team_role", id=dora.pk), {"role": "admin"}).url == at("team")
    assert hers.get(at("team")).url.startswith("/accounts/login/")
    dora.user.refresh_from_db()
    assert sign_in(dora.user).get(at("team_invite")).status_code == 200


def test_a_removed_member_is_out_at_once(owner: Client, acme: Tenant, sign_in: SignIn) -> None:
    dora = join(acme, "Dora", Role.ADMIN)
    hers = sign_in(dora.user)
    assert owner.post(at("team_remove", id=dora.pk)).url == at("team")
    assert hers.get(at("team")).url.startswith("/accounts/login/")
    dora.user.refresh_from_db()
    assert sign_in(dora.user).get(at("team")).status_code == 404


@pytest.mark.parametrize(("act", "body"), [("team_role", {"role": "viewer"}), ("team_remove", {})])
def test_the_last_owner_stays(
    owner: Client, acme: Tenant, alice: User, act: str, body: dict[str, str]
) -> None:
    mine = Membership.objects.get(user=alice, tenant=acme)
    answer = owner.post(at(act, id=mine.pk), body)
    assert answer.status_code == 422
    assert "keeps at least one owner" in answer.content.decode()
    assert Membership.objects.get(pk=mine.pk).role == Role.OWNER


def test_an_owner_who_leaves_goes_to_their_merchants(
    owner: Client, acme: Tenant, alice: User
) -> None:
    join(acme, "Dora", Role.OWNER)
    mine = Membership.objects.get(user=alice, tenant=acme)
    assert owner.post(at("team_remove", id=mine.pk)).url == reverse("my_merchants")


@pytest.mark.parametrize("role", ["", "king", "owner\0"])
def test_a_role_that_is_none_is_refused(owner: Client, acme: Tenant, role: str) -> None:
    dora = join(acme, "Dora", Role.VIEWER)
    assert owner.post(at("team_role", id=dora.pk), {"role": role}).status_code in (400, 422)


class TestAdmin:
    """An admin manages the team, except for owners."""

    @pytest.fixture
    def admin(self, acme: Tenant, sign_in: SignIn) -> Client:
        return sign_in(join(acme, "Dora", Role.ADMIN).user)

    def test_an_owner_is_out_of_reach(self, admin: Client, acme: Tenant, alice: User) -> None:
        mine = Membership.objects.get(user=alice, tenant=acme)
        assert admin.post(at("team_role", id=mine.pk), {"role": "viewer"}).status_code == 403
        assert admin.post(at("team_remove", id=mine.pk)).status_code == 403
        assert at("team_remove", id=mine.pk) not in admin.get(at("team")).content.decode()

    def test_nobody_is_made_an_owner(self, admin: Client, acme: Tenant, bob: User) -> None:
        his = Membership.objects.get(user=bob, tenant=acme)
        assert admin.post(at("team_role", id=his.pk), {"role": "owner"}).status_code == 403
        assert invite(admin, role="owner").status_code == 403
        assert 'value="owner"' not in admin.get(at("team_invite")).content.decode()


@pytest.mark.parametrize("role", [Role.FINANCE, Role.VIEWER])
def test_the_others_look_and_touch_nothing(acme: Tenant, sign_in: SignIn, role: Role) -> None:
    dora, eve = join(acme, "Dora", role), join(acme, "Eve", Role.VIEWER)
    client = sign_in(dora.user)
    page = client.get(at("team"))
    assert page.status_code == 200
    assert "<form" not in page.content.decode().partition("<main")[2].partition("</main>")[0]
    assert client.get(at("team_invite")).status_code == 403
    assert invite(client).status_code == 403
    assert client.post(at("team_role", id=eve.pk), {"role": "admin"}).status_code == 403
    assert client.post(at("team_remove", id=dora.pk)).status_code == 403


def test_another_merchant_s_people_are_not_found(
    owner: Client, acme: Tenant, globex: Tenant, charlie: User
) -> None:
    his = Membership.objects.get(user=charlie, tenant=globex)
    offer = Invitation.objects.create(
        tenant=globex, email="x@example.com", role="viewer", invited_by=charlie,
        expires_at=his.created_at,
    )  # fmt: skip
    assert owner.post(at("team_role", id=his.pk), {"role": "viewer"}).status_code == 404
    assert owner.post(at("team_remove", id=his.pk)).status_code == 404
    assert owner.post(at("team_revoke", id=offer.pk)).status_code == 404


def test_a_change_of_the_team_wants_proof_and_returns_to_the_team(
    acme: Tenant, alice: User, bob: User, sign_in: SignIn
) -> None:
    client = sign_in(alice, ago=301)
    his = Membership.objects.get(user=bob, tenant=acme)
    asked = client.post(at("team_remove", id=his.pk))
    assert asked.url == "/accounts/reauthenticate/?next=%2Fm%2Facme%2Fteam"
    assert b"press the button again" in client.get(asked.url).content
    back = client.post(asked.url, {"password": cast.PASSWORD})
    assert client.get(back.url).status_code == 200
    assert client.post(at("team_remove", id=his.pk)).url == at("team")
    assert not Membership.objects.filter(pk=his.pk).exists()


def test_the_team_page_says_how_safe_and_how_lately_each_was_here(
    owner: Client, acme: Tenant, sign_in: SignIn
) -> None:
    dora = join(acme, "Dora", Role.VIEWER)
    cast.second_step(dora.user)
    page = text(owner.get(at("team")))
    row = page.partition(f'id="member-{dora.pk}"')[2].partition("</li>")[0]
    assert "Second step on" in row
    assert "not yet" in row
    sign_in(dora.user).get(at("team"))
    row = text(owner.get(at("team"))).partition(f'id="member-{dora.pk}"')[2].partition("</li>")[0]
    assert "not yet" not in row


def test_who_may_change_nothing_learns_of_no_others_second_step(
    acme: Tenant, sign_in: SignIn
) -> None:
    dora = join(acme, "Dora", Role.VIEWER)
    page = text(sign_in(dora.user).get(at("team")))
    assert page.count("second step") + page.count("Second step") == 1  # her own


def test_a_member_says_who_invited_them(owner: Client, sign_in: SignIn) -> None:
    invite(owner)
    page = text(owner.get(at("team")))
    assert "Invited by Alice" in page
    assert "Good until" in page
    offer = Invitation.objects.get()
    sign_in(cast.person("Dora")).post(reverse("invitation", args=[offer.token]))
    assert "Invited by Alice, joined" in text(owner.get(at("team")))


def test_an_invitation_sent_again_has_another_link_and_seven_more_days(owner: Client) -> None:
    invite(owner)
    first = Invitation.objects.get()
    Invitation.objects.update(expires_at=first.created_at)
    assert owner.post(at("team_resend", id=first.pk)).url == at("team")
    second = Invitation.objects.get()
    assert second.token != first.token
    assert second.expires_at >= first.expires_at
    run_due()
    assert CaughtMail.objects.filter(to=first.email).count() == 2
    assert owner.post(at("team_resend", id=first.pk)).status_code == 404


def test_sending_again_counts_among_the_days_invitations(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.views.team.INVITATIONS_A_DAY", 1)
    invite(owner)
    assert owner.post(at("team_resend", id=Invitation.objects.get().pk)).status_code == 429


def test_what_each_role_may_do_is_what_the_table_of_roles_says(owner: Client) -> None:
    page = owner.get(at("team"))
    powers = {str(each["words"]): dict(each["held"]) for each in page.context["powers"]}
    assert len(powers) == len(roles.PERMISSIONS)
    assert powers["Refund payments"] == {
        "Owner": True, "Admin": True, "Finance": True, "Viewer": False,
    }  # fmt: skip
    assert powers["See who did what"]["Finance"] is False
    assert "Refund payments" in text(page)
