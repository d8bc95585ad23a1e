"""A person's merchants: made, found, joined."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context

from config.clock import now
from merchants.models import Profile
from tenants import provisioning
from tenants.models import Invitation, Membership, Role, Tenant, User
from tests import cast
from tests.conftest import SignIn
from tests.merchants.test_branding import picture, raw_png

pytestmark = pytest.mark.django_db

NEW = {"name": "Chai & Co", "slug": "chai", "time_zone": "Asia/Kolkata"}


def create(client: Client, **more: Any) -> Any:
    return client.post(reverse("new_merchant"), NEW | more)


class TestCreating:
    def test_everything_a_merchant_may_say(self, alice: User, sign_in: SignIn) -> None:
        facts = {
            "legal_name": "Chai and Company Pvt Ltd",
            "gstin": "29abcde1234f1z5",
            "support_email": "help@chai.example",
            "support_phone": "+91 98765 43210",
            "time_zone": "Asia/Dubai",
            "logo": SimpleUploadedFile("logo.png", picture(), "image/png"),
        }
        answer = create(sign_in(alice), **facts)
        assert answer.url == "/m/chai/test/"
        tenant = Tenant.objects.get(slug="chai")
        assert (tenant.name, tenant.time_zone) == ("Chai & Co", "Asia/Dubai")
        with tenant_context(tenant):
            kept = Profile.objects.get()
        assert kept.gstin == "29ABCDE1234F1Z5"
        assert kept.support_phone == "+91 98765 43210"
        assert bytes(kept.logo_png or b"").startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("slug", "words"),
        [
            ("ab", "3 to 40"),
            ("x" * 41, "3 to 40"),
            ("9chai", "3 to 40"),
            ("Chai", "3 to 40"),
            ("chai co", "3 to 40"),
            ("chai_co", "3 to 40"),
            ("chai--co", "3 to 40"),
            ("-chai", "3 to 40"),
            ("chai-", "3 to 40"),
            ("चाय", "3 to 40"),
            ("chai/../acme", "3 to 40"),
            ("chai\nco", "3 to 40"),
            ("admin", "kept for the platform"),
            ("paytm", "kept for the platform"),
            ("acme", "is taken"),
        ],
    )
    def test_a_bad_address_is_refused_in_words(
        self, acme: Tenant, alice: User, sign_in: SignIn, slug: str, words: str
    ) -> None:
        before = Membership.objects.count()
        answer = create(sign_in(alice), slug=slug)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert Membership.objects.count() == before

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "x" * 81),
            ("name", "a\u202eb"),
            ("legal_name", "x" * 121),
            ("time_zone", "Mars/Olympus"),
            ("time_zone", "../../etc/passwd"),
            ("time_zone", ""),
            ("gstin", "29ABCDE1234F1X5"),
            ("gstin", "२९ABCDE1234F1Z5"),
            ("support_email", "not an address"),
            ("support_phone", "call me"),
        ],
    )
    def test_bad_facts_are_refused_where_they_stand(
        self, alice: User, sign_in: SignIn, field: str, value: str
    ) -> None:
        answer = create(sign_in(alice), **{field: value})
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [field]
        assert not Membership.objects.exists()

    @pytest.mark.parametrize(
        "data", [b"<svg/>", b"words", picture()[:100], raw_png(60_000, 60_000), b"x" * 1_100_000]
    )
    def test_a_bad_logo_is_refused(self, alice: User, sign_in: SignIn, data: bytes) -> None:
        answer = create(sign_in(alice), logo=SimpleUploadedFile("logo.png", data, "image/png"))
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["logo"]
        assert not Membership.objects.exists()

    def test_a_huge_upload_is_refused_before_it_is_read(self, alice: User, sign_in: SignIn) -> None:
        answer = create(sign_in(alice), logo=SimpleUploadedFile("logo.png", b"x" * 3_000_000))
        assert answer.status_code == 413

    def test_no_address_gets_one_from_the_name(self, alice: User, sign_in: SignIn) -> None:
        assert create(sign_in(alice), slug="").url == "/m/chai-co/test/"

    def test_while_typing_the_address_is_suggested_and_checked(
        self, acme: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        client = sign_in(alice)

        def ask(**typed: str) -> str:
            headers = {"HX-Request": "true"}
            page = client.get(reverse("new_merchant"), typed, headers=headers).content.decode()
            assert "<html" not in page
            return page

        assert 'value="chai-co"' in ask(name="Chai & Co", slug="")
        assert "is taken" in ask(name="Chai & Co", slug="acme")
        assert 'value="mine"' in ask(name="Chai & Co", slug="mine")

    def test_fifty_a_day_are_enough(
        self, alice: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dashboard.views.merchants.NEW_A_DAY", 1)
        client = sign_in(alice)
        assert create(client).status_code == 302
        refused = create(client, slug="other")
        assert refused.status_code == 429
        assert int(refused["Retry-After"]) > 0

    def test_a_stranger_is_asked_to_sign_in(self, client: Client) -> None:
        assert create(client).url.startswith("/accounts/login/")
        assert not Membership.objects.exists()


class TestMine:
    def test_the_only_merchant_opens_at_once(
        self, acme: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        assert sign_in(alice).get(reverse("my_merchants")).url == "/m/acme/"

    def test_several_are_listed(
        self, acme: Tenant, globex: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        Membership.objects.create(user=alice, tenant=globex, role=Role.VIEWER)
        page = sign_in(alice).get(reverse("my_merchants")).content.decode()
        assert "/m/acme/" in page
        assert "/m/globex/" in page

    def test_nobody_else_s_are(
        self, acme: Tenant, globex: Tenant, bob: User, sign_in: SignIn
    ) -> None:
        cast.merchant("initech", bob)
        page = sign_in(bob).get(reverse("my_merchants")).content.decode()
        assert "/m/globex/" not in page

    def test_none_yet_teaches_the_next_step(self, alice: User, sign_in: SignIn) -> None:
        page = sign_in(alice).get(reverse("my_merchants")).content.decode()
        assert reverse("new_merchant") in page

    def test_an_open_invitation_is_offered(
        self, acme: Tenant, alice: User, charlie: User, sign_in: SignIn
    ) -> None:
        offer = invitation(acme, alice, charlie.email)
        page = sign_in(charlie).get(reverse("my_merchants")).content.decode()
        assert reverse("invitation", args=[offer.token]) in page

    def test_the_front_page_leads_whoever_is_signed_in_to_their_merchants(
        self, client: Client, alice: User, sign_in: SignIn
    ) -> None:
        assert reverse("my_merchants") in sign_in(alice).get("/").content.decode()
        assert reverse("account_signup") in client.get("/").content.decode()


def invitation(tenant: Tenant, by: User, email: str, days: float = 7) -> Invitation:
    return Invitation.objects.create(
        tenant=tenant, email=email, role=Role.VIEWER, invited_by=by,
        expires_at=now() + timedelta(days=days),
    )  # fmt: skip


class TestInvitation:
    def test_accepted_by_whom_it_is_for(
        self, acme: Tenant, alice: User, charlie: User, sign_in: SignIn
    ) -> None:
        offer, client = invitation(acme, alice, charlie.email), sign_in(charlie)
        address = reverse("invitation", args=[offer.token])
        assert b"Join the team" in client.get(address).content
        assert client.post(address).url == "/m/acme/"
        assert Membership.objects.get(user=charlie, tenant=acme).role == Role.VIEWER
        assert client.get(address).status_code == 404

    def test_the_address_s_case_does_not_matter(
        self, acme: Tenant, alice: User, charlie: User, sign_in: SignIn
    ) -> None:
        EmailAddress.objects.filter(user=charlie).update(email="Charlie@Example.com")
        offer = invitation(acme, alice, "charlie@example.com")
        assert sign_in(charlie).post(reverse("invitation", args=[offer.token])).status_code == 302

    def test_a_stranger_is_told_to_sign_in_with_that_address(
        self, acme: Tenant, alice: User, client: Client
    ) -> None:
        offer = invitation(acme, alice, "dora@example.com")
        address = reverse("invitation", args=[offer.token])
        page = client.get(address).content.decode()
        assert "dora@example.com" in page
        assert f"{reverse('account_signup')}?next={address}" in page
        assert client.post(address).status_code == 403

    @pytest.mark.parametrize("verified", [True, False])
    def test_another_address_is_not_enough_nor_one_that_was_not_shown(
        self, acme: Tenant, alice: User, charlie: User, sign_in: SignIn, verified: bool
    ) -> None:
        if not verified:
            EmailAddress.objects.create(user=charlie, email="dora@example.com", verified=False)
        offer, client = invitation(acme, alice, "dora@example.com"), sign_in(charlie)
        address = reverse("invitation", args=[offer.token])
        assert b"Not for the address" in client.get(address).content
        assert client.post(address).status_code == 403
        assert not Membership.objects.filter(user=charlie, tenant=acme).exists()

    def test_an_expired_one_says_so(
        self, acme: Tenant, alice: User, charlie: User, sign_in: SignIn
    ) -> None:
        offer, client = invitation(acme, alice, charlie.email, days=-1), sign_in(charlie)
        for ask in (client.get, client.post):
            answer = ask(reverse("invitation", args=[offer.token]))
            assert answer.status_code == 410
            assert b"expired" in answer.content

    def test_an_absent_one_is_not_found(self, client: Client) -> None:
        assert client.get(reverse("invitation", args=["x" * 32])).status_code == 404

    def test_nobody_joins_a_suspended_merchant(
        self, acme: Tenant, alice: User, charlie: User, sign_in: SignIn
    ) -> None:
        offer = invitation(acme, alice, charlie.email)
        provisioning.suspend(acme)
        assert sign_in(charlie).post(reverse("invitation", args=[offer.token])).status_code == 403
        assert not Membership.objects.filter(user=charlie, tenant=acme).exists()

    def test_a_member_keeps_the_role_they_have(
        self, acme: Tenant, alice: User, bob: User, sign_in: SignIn
    ) -> None:
        offer = invitation(acme, alice, bob.email)
        sign_in(bob).post(reverse("invitation", args=[offer.token]))
        assert Membership.objects.get(user=bob, tenant=acme).role == Role.FINANCE
