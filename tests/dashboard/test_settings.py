"""The merchant's settings, and its way into live mode."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context

from merchants.models import AuditEvent, Profile
from tenants.models import Membership, Role, Tenant, User
from tests import cast
from tests.conftest import SignIn
from tests.merchants.test_branding import picture

pytestmark = pytest.mark.django_db

FACTS = {
    "name": "Acme Tea",
    "legal_name": "Acme Tea Pvt Ltd",
    "time_zone": "Asia/Kolkata",
    "support_email": "help@acme.example",
}
SETTINGS, LIVE = "/m/acme/settings", "/m/acme/settings/live"


@pytest.fixture
def owner(acme: Tenant, alice: User, sign_in: SignIn) -> Client:
    return sign_in(alice)


def profile_of(tenant: Tenant) -> Profile:
    with tenant_context(tenant):
        return Profile.objects.get()


def acts(tenant: Tenant) -> list[str]:
    with tenant_context(tenant):
        return [event.act for event in AuditEvent.objects.order_by("id")]


def test_facts_are_saved_and_recorded(owner: Client, acme: Tenant) -> None:
    assert owner.post(SETTINGS, FACTS).url == SETTINGS
    acme.refresh_from_db()
    assert acme.name == "Acme Tea"
    assert profile_of(acme).legal_name == "Acme Tea Pvt Ltd"
    assert acts(acme) == ["merchant.described"]
    assert "Acme Tea Pvt Ltd" in owner.get(SETTINGS).content.decode()


def test_bad_facts_change_nothing(owner: Client, acme: Tenant) -> None:
    answer = owner.post(SETTINGS, FACTS | {"gstin": "nonsense"})
    assert answer.status_code == 422
    assert "A GSTIN has 15 characters" in answer.content.decode()
    assert profile_of(acme).legal_name == ""


def test_a_logo_is_shown_replaced_and_removed(owner: Client, acme: Tenant) -> None:
    owner.post(SETTINGS, FACTS | {"logo": SimpleUploadedFile("logo.jpg", picture(form="JPEG"))})
    first = profile_of(acme).logo_version
    assert "data:image/png;base64," in owner.get(SETTINGS).content.decode()
    owner.post(SETTINGS, FACTS)
    assert profile_of(acme).logo_version == first
    owner.post(SETTINGS, FACTS | {"remove_logo": "on"})
    assert profile_of(acme).logo_png is None
    assert acts(acme) == ["merchant.described", "merchant.logo", "merchant.logo"]


def test_a_colour_and_terms_are_saved_recorded_and_shown(owner: Client, acme: Tenant) -> None:
    said = {"colour": " #FFD400", "terms": "No returns.\r\n\tNever."}
    assert owner.post(SETTINGS, FACTS | said).status_code == 302
    kept = profile_of(acme)
    assert (kept.colour, kept.terms) == ("#ffd400", "No returns.\r\n\tNever.")
    page = owner.get(SETTINGS).content.decode()
    assert 'fill="#ffd400"' in page  # on the dark page
    assert "Made lighter or darker" in page
    with tenant_context(acme):
        after = AuditEvent.objects.get().after
    assert after["colour"] == "#ffd400"
    owner.post(SETTINGS, FACTS | {"terms_url": "acme.example/terms"})
    kept = profile_of(acme)
    assert (kept.colour, kept.terms, kept.terms_url) == ("", "", "https://acme.example/terms")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"colour": "red"}, "Write the colour as #"),
        ({"colour": "#12345g"}, "Write the colour as #"),
        ({"colour": "#fff}*{}"}, "Write the colour as #"),
        ({"terms": "x" * 5001}, "at most 5000 characters"),
        ({"terms": "one\ntw\u202eo"}, "Use only letters"),
        ({"terms_url": "http://acme.example"}, "begins with https://"),
        ({"terms_url": "javascript:alert(1)"}, "begins with https://"),
        ({"terms_url": "https://acme.example", "terms": "x"}, "not both"),
    ],
)
def test_what_payers_could_not_read_or_trust_is_refused(
    owner: Client, acme: Tenant, wrong: dict[str, str], words: str
) -> None:
    answer = owner.post(SETTINGS, FACTS | wrong)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert acts(acme) == []


@pytest.mark.parametrize("role", [Role.FINANCE, Role.VIEWER])
def test_the_others_read_and_change_nothing(acme: Tenant, sign_in: SignIn, role: Role) -> None:
    dora = cast.person("Dora")
    Membership.objects.create(tenant=acme, user=dora, role=role)
    client = sign_in(dora)
    page = client.get(SETTINGS)
    assert page.status_code == 200
    assert 'name="legal_name"' not in page.content.decode()
    assert client.post(SETTINGS, FACTS).status_code == 403
    assert client.get(LIVE).status_code == 403


class TestLive:
    @pytest.fixture(autouse=True)
    def complete(self, owner: Client) -> None:
        owner.post(SETTINGS, FACTS)

    def test_an_owner_who_is_ready_asks_once(
        self, owner: Client, acme: Tenant, alice: User
    ) -> None:
        cast.second_step(alice)
        for _ in range(2):
            assert owner.post(LIVE).url == LIVE
        acme.refresh_from_db()
        assert acme.live_state == Tenant.LiveState.ASKED
        assert acts(acme).count("live.asked") == 1
        assert "Being looked at" in owner.get(LIVE).content.decode()

    def test_without_a_second_step_it_is_refused(self, owner: Client, acme: Tenant) -> None:
        answer = owner.post(LIVE)
        assert answer.status_code == 422
        assert reverse("mfa_index") in answer.content.decode()
        acme.refresh_from_db()
        assert acme.live_state == Tenant.LiveState.TEST_ONLY

    def test_without_a_complete_profile_it_is_refused(
        self, owner: Client, acme: Tenant, alice: User
    ) -> None:
        cast.second_step(alice)
        owner.post(SETTINGS, FACTS | {"support_email": ""})
        assert owner.post(LIVE).status_code == 422

    def test_an_admin_does_not_ask(self, acme: Tenant, sign_in: SignIn) -> None:
        dora = cast.person("Dora")
        Membership.objects.create(tenant=acme, user=dora, role=Role.ADMIN)
        assert sign_in(dora).post(LIVE).status_code == 403

    def test_asking_again_never_closes_what_is_open(
        self, owner: Client, acme: Tenant, alice: User
    ) -> None:
        cast.go_live(acme, alice)
        owner.post(LIVE)
        acme.refresh_from_db()
        assert acme.live_state == Tenant.LiveState.APPROVED


def test_the_live_world_is_closed_until_it_is_approved(owner: Client) -> None:
    answer: Any = owner.get("/m/acme/live/paytm")
    assert answer.status_code == 403


def test_sections_have_anchors_and_the_latest_changes(
    owner: Client, acme: Tenant, bob: User, sign_in: SignIn
) -> None:
    assert "Nobody has changed the settings yet" in owner.get(SETTINGS).content.decode()
    owner.post(SETTINGS, FACTS)
    page = " ".join(owner.get(SETTINGS).content.decode().split())
    for part in ("payers", "books", "live", "changes"):
        assert f'href="#{part}"' in page
        assert f'id="{part}"' in page
    assert "<strong>Alice</strong> · Changed the settings" in page
    assert "help@acme.example" in page
    his = sign_in(bob).get(SETTINGS).content.decode()
    assert 'id="changes"' not in his
