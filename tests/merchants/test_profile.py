"""Opening a merchant, and what it says of itself."""

import threading
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django_tenants.utils import tenant_context

from merchants import profile
from merchants.models import AuditEvent, Profile
from merchants.profile import Facts
from tenants.models import Membership, Role, Tenant, User
from tenants.provisioning import BadSlug, check_slug
from tests import cast

pytestmark = pytest.mark.django_db

FACTS = Facts(name="Chai & Co", time_zone="Asia/Kolkata", legal_name="Chai and Company")


def test_opening_makes_owner_profile_and_record(alice: User) -> None:
    tenant = profile.open_merchant(alice, "chai", FACTS, b"png")
    assert Membership.objects.get(tenant=tenant).role == Role.OWNER
    with tenant_context(tenant):
        kept = Profile.objects.get()
        assert (kept.legal_name, bytes(kept.logo_png or b"")) == ("Chai and Company", b"png")
        assert AuditEvent.objects.get().act == "merchant.opened"


def test_a_taken_address_leaves_nothing(alice: User, acme: Tenant) -> None:
    before = Tenant.objects.count()
    with pytest.raises(BadSlug, match="taken"):
        profile.open_merchant(alice, "acme", FACTS)
    assert Tenant.objects.filter(state=Tenant.State.ACTIVE).count() == 1
    assert Tenant.objects.count() == before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_people_asking_for_one_address_at_once_get_one_merchant(several: list[User]) -> None:
    gate = threading.Barrier(len(several))
    outcomes: list[str] = []

    def claim(person: User) -> None:
        gate.wait()
        try:
            profile.open_merchant(person, "chai", FACTS)
            outcomes.append("opened")
        except BadSlug as error:
            outcomes.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(person,)) for person in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["opened", "taken", "taken", "taken"]
    assert Tenant.objects.filter(slug="chai").count() == 1
    assert Membership.objects.count() == 1


@pytest.fixture
def several() -> list[User]:
    return [cast.person(f"person{number}") for number in range(4)]


def test_a_change_records_only_what_changed(in_acme: Tenant, alice: User) -> None:
    facts = Facts(name="Acme", time_zone="Asia/Kolkata", support_email="help@acme.example")
    profile.describe(in_acme, facts, alice)
    event = AuditEvent.objects.get()
    assert event.before == {"support_email": ""}
    assert event.after == {"support_email": "help@acme.example"}
    assert profile.facts_of(in_acme) == facts


def test_saving_without_a_change_records_nothing(in_acme: Tenant, alice: User) -> None:
    profile.describe(in_acme, profile.facts_of(in_acme), alice)
    assert not AuditEvent.objects.exists()


def test_a_logo_comes_and_goes(in_acme: Tenant, alice: User) -> None:
    profile.change_logo(b"png", alice)
    assert Profile.objects.get().logo_version
    profile.change_logo(None, alice)
    kept = Profile.objects.get()
    assert (kept.logo_png, kept.logo_version) == (None, "")
    assert [event.act for event in AuditEvent.objects.all()] == ["merchant.logo"] * 2


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Chai & Co", "chai-co"),
        ("  Chai   Point ", "chai-point"),
        ("chai_point", "chai-point"),
        ("7 Eleven", "shop-7-eleven"),
        ("A", "shop-a"),
        ("Café Zoë", "cafe-zoe"),
        ("acme", "acme-2"),
        ("Admin", "admin-2"),
    ],
)
def test_an_address_is_suggested_from_the_name(acme: Tenant, name: str, slug: str) -> None:
    assert profile.suggest_slug(name) == slug


@pytest.mark.parametrize("name", ["चाय की दुकान", "₹₹₹", "", "-" * 80, "x" * 80])
def test_what_is_suggested_is_always_free_and_well_formed(name: str) -> None:
    check_slug(profile.suggest_slug(name))


def test_a_crowded_name_still_gets_an_address(alice: User, acme: Tenant) -> None:
    for number in range(2, 10):
        Tenant.objects.create(
            slug=f"acme-{number}", schema_name=f"t_x{number}", state=Tenant.State.ACTIVE
        )
    check_slug(profile.suggest_slug("acme"))


def test_every_offered_time_zone_exists() -> None:
    zones = profile.time_zones()
    assert {"UTC", "Asia/Kolkata"} <= set(zones)
    assert all(ZoneInfo(zone) for zone in zones)


@pytest.mark.parametrize("text", ["a\nb", "a\x7fb", "\u202eevil", "a\u200bb", "\ufeffa"])
def test_invisible_characters_are_refused_in_names(text: str) -> None:
    with pytest.raises(ValidationError):
        profile.refuse_invisible(text)


@pytest.mark.parametrize("text", ["Chai & Co", "चाय", "क्\u200dष", "L'Été №1"])
def test_names_of_every_script_are_welcome(text: str) -> None:
    profile.refuse_invisible(text)
