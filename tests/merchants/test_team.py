"""The rules of a team: who may change whom, and that an owner stays."""

import threading
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django_tenants.utils import tenant_context

from merchants import team
from merchants.models import AuditEvent
from tenants.models import Invitation, Membership, Role, Tenant, User
from tests import cast

pytestmark = pytest.mark.django_db

OWNER, ADMIN, FINANCE, VIEWER = Role.OWNER, Role.ADMIN, Role.FINANCE, Role.VIEWER


def place(tenant: Tenant, user: User) -> Membership:
    return Membership.objects.select_related("tenant", "user").get(tenant=tenant, user=user)


def join(tenant: Tenant, name: str, role: Role) -> Membership:
    return Membership.objects.create(tenant=tenant, user=cast.person(name), role=role)


def test_an_invitation_is_good_for_seven_days(in_acme: Tenant, alice: User) -> None:
    invitation = team.invite(place(in_acme, alice), "dora@example.com", VIEWER)
    life = invitation.expires_at - invitation.created_at
    assert abs(life - timedelta(days=7)) < timedelta(seconds=1)
    assert AuditEvent.objects.get().act == "team.invited"


def test_inviting_again_replaces(in_acme: Tenant, alice: User) -> None:
    first = team.invite(place(in_acme, alice), "dora@example.com", VIEWER)
    second = team.invite(place(in_acme, alice), "dora@example.com", FINANCE)
    assert list(Invitation.objects.all()) == [second]
    assert first.token != second.token


def test_a_member_is_not_invited(in_acme: Tenant, alice: User) -> None:
    with pytest.raises(team.AlreadyThere):
        team.invite(place(in_acme, alice), "bob@example.com", VIEWER)


@pytest.mark.parametrize(
    ("actor", "target", "new", "allowed"),
    [
        (OWNER, OWNER, VIEWER, True),
        (OWNER, VIEWER, OWNER, True),
        (OWNER, ADMIN, FINANCE, True),
        (ADMIN, FINANCE, ADMIN, True),
        (ADMIN, VIEWER, OWNER, False),
        (ADMIN, OWNER, VIEWER, False),
        (FINANCE, VIEWER, FINANCE, False),
        (VIEWER, VIEWER, VIEWER, False),
    ],
)
def test_who_may_give_which_role_to_whom(
    in_acme: Tenant, actor: Role, target: Role, new: Role, allowed: bool
) -> None:
    doer, other = join(in_acme, "Dora", actor), join(in_acme, "Eve", target)
    with nullcontext() if allowed else pytest.raises(PermissionDenied):
        team.change_role(doer, other, new)
    other.refresh_from_db()
    assert other.role == (new if allowed else target)


@pytest.mark.parametrize(
    ("actor", "given", "allowed"),
    [
        (OWNER, OWNER, True),
        (ADMIN, ADMIN, True),
        (ADMIN, OWNER, False),
        (FINANCE, VIEWER, False),
        (VIEWER, VIEWER, False),
    ],
)
def test_who_may_invite_as_what(in_acme: Tenant, actor: Role, given: Role, allowed: bool) -> None:
    doer = join(in_acme, "Dora", actor)
    with nullcontext() if allowed else pytest.raises(PermissionDenied):
        team.invite(doer, "new@example.com", given)
    assert Invitation.objects.filter(role=given).exists() == allowed


@pytest.mark.parametrize("role", [OWNER, ADMIN])
def test_only_owners_touch_an_owner_s_place_or_invitation(in_acme: Tenant, role: Role) -> None:
    doer, other = join(in_acme, "Dora", role), join(in_acme, "Eve", OWNER)
    invitation = Invitation.objects.create(
        tenant=in_acme, email="f@example.com", role=OWNER, invited_by=other.user,
        expires_at=other.created_at + timedelta(days=7),
    )  # fmt: skip
    for act in (
        lambda: team.invite(doer, "f@example.com", VIEWER),
        lambda: team.revoke(doer, Invitation.objects.get()),
        lambda: team.remove(doer, other),
    ):
        if role == OWNER:
            act()
        else:
            with pytest.raises(PermissionDenied):
                act()
    left = Invitation.objects.filter(pk=invitation.pk).exists()
    assert left == (role != OWNER)


def test_the_last_owner_stays(in_acme: Tenant, alice: User) -> None:
    mine = place(in_acme, alice)
    with pytest.raises(team.LastOwner):
        team.change_role(mine, mine, ADMIN)
    with pytest.raises(team.LastOwner):
        team.remove(mine, mine)
    assert place(in_acme, alice).role == OWNER


def test_an_owner_leaves_once_there_is_another(in_acme: Tenant, alice: User) -> None:
    join(in_acme, "Dora", OWNER)
    mine = place(in_acme, alice)
    team.remove(mine, mine)
    assert not Membership.objects.filter(tenant=in_acme, user=alice).exists()


@pytest.mark.parametrize("act", ["change_role", "remove"])
def test_a_change_ends_the_person_s_sessions(
    in_acme: Tenant, alice: User, bob: User, act: str
) -> None:
    his = place(in_acme, bob)
    if act == "remove":
        team.remove(place(in_acme, alice), his)
    else:
        team.change_role(place(in_acme, alice), his, VIEWER)
    before = bob.session_epoch
    bob.refresh_from_db()
    assert bob.session_epoch == before + 1


def test_the_same_role_again_ends_no_session(in_acme: Tenant, alice: User, bob: User) -> None:
    team.change_role(place(in_acme, alice), place(in_acme, bob), FINANCE)
    bob.refresh_from_db()
    assert bob.session_epoch == 0


def test_whoever_was_taken_off_meanwhile_changes_nothing(in_acme: Tenant, alice: User) -> None:
    former = join(in_acme, "Dora", ADMIN)
    Membership.objects.filter(pk=former.pk).delete()
    with pytest.raises(PermissionDenied):
        team.invite(former, "new@example.com", VIEWER)


def test_accepting_uses_the_invitation_up(acme: Tenant, alice: User) -> None:
    dora = cast.person("Dora")
    with tenant_context(acme):
        invitation = team.invite(place(acme, alice), "dora@example.com", VIEWER)
    team.accept(dora, invitation)
    assert place(acme, dora).role == VIEWER
    assert not Invitation.objects.exists()


def test_accepting_needs_the_invited_address(acme: Tenant, alice: User, charlie: User) -> None:
    with tenant_context(acme):
        invitation = team.invite(place(acme, alice), "dora@example.com", VIEWER)
    with pytest.raises(team.NotYours):
        team.accept(charlie, invitation)
    assert Membership.objects.filter(tenant=acme).count() == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["demote", "remove"])
def test_owners_who_turn_on_each_other_at_once_leave_one(act: str) -> None:
    people = [cast.person(f"person{number}") for number in range(4)]
    tenant = cast.merchant("acme", people[0])
    for person in people[1:]:
        Membership.objects.create(tenant=tenant, user=person, role=OWNER)
    gate = threading.Barrier(len(people))

    def turn(number: int) -> None:
        mine, other = place(tenant, people[number]), place(tenant, people[(number + 1) % 4])
        gate.wait()
        try:
            with tenant_context(tenant):
                if act == "demote":
                    team.change_role(mine, other, VIEWER)
                else:
                    team.remove(mine, other)
        except (PermissionDenied, team.LastOwner, Membership.DoesNotExist):
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=turn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Membership.objects.filter(tenant=tenant, role=OWNER).count() >= 1
