"""Connecting Paytm from the dashboard."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context

from merchants.models import PaytmAccount
from payments.collecting import callback_url, webhook_url
from tenants.models import Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import SignIn
from tests.wire import Simulator

pytestmark = pytest.mark.django_db

KEYS = {"mid": "STAGINGMID0000000001", "key": "Canary#Key&12345", "website": "WEBSTAGING"}


def at(name: str, live: bool = False) -> str:
    return reverse(name, kwargs={"slug": "acme", "live": live})


def accounts(tenant: Tenant) -> list[PaytmAccount]:
    with tenant_context(tenant):
        return list(PaytmAccount.objects.order_by("created_at"))


@pytest.fixture
def owner(acme: Tenant, alice: User, sign_in: SignIn) -> Client:
    return sign_in(alice)


class TestPage:
    def test_it_shows_the_merchant_s_own_addresses(self, owner: Client, acme: Tenant) -> None:
        page = owner.get(at("paytm")).content.decode()
        with tenant_context(acme):
            assert callback_url(live=False) in page
            assert webhook_url(live=False) in page
            assert webhook_url(live=True) not in page

    def test_the_simulator_is_offered_where_there_is_one(
        self, owner: Client, settings: Any
    ) -> None:
        assert at("paytm_simulator") not in owner.get(at("paytm")).content.decode()
        settings.SIMULATOR_URL = "http://127.0.0.1:9"
        assert at("paytm_simulator") in owner.get(at("paytm")).content.decode()

    def test_a_key_is_never_shown_but_for_its_last_four(self, owner: Client, acme: Tenant) -> None:
        owner.post(at("paytm_keys"), KEYS)
        pages = [owner.get(at(name)).content.decode() for name in ("paytm", "paytm_keys")]
        assert "2345" in pages[0]
        for page in pages:
            assert KEYS["key"] not in page
            assert "12345" not in page
            assert accounts(acme)[0].sealed_key not in page


class TestSimulatorButton:
    def test_one_press_connects_and_the_check_finds_it_right(
        self, owner: Client, acme: Tenant, simulator: Simulator, settings: Any
    ) -> None:
        settings.SIMULATOR_URL = simulator.url
        assert owner.post(at("paytm_simulator")).url == at("paytm")
        [account] = accounts(acme)
        assert account.environment == "simulator"
        page = owner.post(at("paytm_check"), follow=True).content.decode()
        assert "These keys are right" in page

    def test_a_dead_simulator_is_said_in_words(
        self, owner: Client, acme: Tenant, settings: Any
    ) -> None:
        settings.SIMULATOR_URL = "http://127.0.0.1:9"
        page = owner.post(at("paytm_simulator"), follow=True).content.decode()
        assert "does not answer. Nothing was changed" in page
        assert accounts(acme) == []

    def test_where_there_is_none_there_is_nothing_to_press(self, owner: Client) -> None:
        assert owner.post(at("paytm_simulator")).status_code == 404


class TestKeys:
    def test_staging_keys_go_to_the_test_world(self, owner: Client, acme: Tenant) -> None:
        assert owner.post(at("paytm_keys"), KEYS).url == at("paytm")
        [account] = accounts(acme)
        assert (account.environment, account.live) == ("staging", False)
        assert account.base_url == "https://securestage.paytmpayments.com"

    def test_an_older_host_can_be_chosen(self, owner: Client, acme: Tenant) -> None:
        owner.post(at("paytm_keys"), KEYS | {"legacy_host": "on"})
        assert accounts(acme)[0].base_url == "https://securegw-stage.paytm.in"

    def test_production_keys_go_to_the_live_world(
        self, acme: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        cast.go_live(acme, alice)
        client = sign_in(alice)
        assert client.post(at("paytm_keys", live=True), KEYS).url == at("paytm", live=True)
        [account] = accounts(acme)
        assert (account.environment, account.live) == ("production", True)

    def test_the_live_world_wants_a_second_step(
        self, acme: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        Tenant.objects.filter(pk=acme.pk).update(live_state=Tenant.LiveState.APPROVED)
        answer = sign_in(alice).get(at("paytm_keys", live=True))
        assert answer.url == reverse("mfa_index")

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("mid", "STAGING MID 000001", "without spaces"),
            ("mid", " STAGINGMID0000000001", "without spaces"),
            ("mid", "STAGINGMID0000000001\n", "without spaces"),
            ("mid", "X" * 21, "at most 20"),
            ("mid", "MID-1", "letters and digits"),
            ("mid", "", "required"),
            ("key", "short", "exactly 16 characters; this has 5"),
            ("key", "STAGINGMID0000000001", "this has 20"),
            ("key", "Canary#Key&1234 ", "a space"),
            ("key", "Canary#Key&123₹5", "a space or a character"),
            ("key", "", "required"),
            ("website", "WEB STAGING", "letters and digits only"),
            ("website", "https://x", "letters and digits only"),
        ],
    )
    def test_bad_input_is_refused_and_no_key_comes_back(
        self, owner: Client, acme: Tenant, field: str, value: str, words: str
    ) -> None:
        answer = owner.post(at("paytm_keys"), KEYS | {field: value})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert words in page
        assert KEYS["key"] not in page
        assert 'type="password"' in page
        assert accounts(acme) == []

    def test_replacing_keeps_the_earlier_account_for_its_payments(
        self, owner: Client, acme: Tenant
    ) -> None:
        owner.post(at("paytm_keys"), KEYS)
        owner.post(at("paytm_keys"), KEYS | {"mid": "OTHER"})
        assert [account.state for account in accounts(acme)] == ["retired", "active"]


class TestCheck:
    @pytest.mark.parametrize(
        ("mid", "key", "words"),
        [
            ("ACMETEST000000000001", "acme0000merchant", "These keys are right"),
            ("ACMETEST000000000001", "0000000000000000", "The merchant key is wrong"),
            ("UNKNOWN", "acme0000merchant", "Paytm does not know this MID"),
        ],
    )
    def test_it_says_what_paytm_says(
        self, owner: Client, acme: Tenant, simulator: Simulator, settings: Any,
        mid: str, key: str, words: str,
    ) -> None:  # fmt: skip
        settings.SIMULATOR_URL = simulator.url
        with tenant_context(acme):
            make.paytm_account(mid, key)
        assert words in owner.post(at("paytm_check"), follow=True).content.decode()
        assert words in owner.get(at("paytm")).content.decode()

    def test_it_says_when_nobody_answers(self, owner: Client, acme: Tenant, settings: Any) -> None:
        settings.SIMULATOR_URL = "http://127.0.0.1:9"
        with tenant_context(acme):
            make.paytm_account("ACMETEST000000000001", "acme0000merchant")
        page = owner.post(at("paytm_check"), follow=True).content.decode()
        assert "Paytm could not be reached" in page

    def test_a_page_in_paytm_s_place_says_nothing_about_the_keys(
        self, owner: Client, acme: Tenant, simulator: Simulator, settings: Any
    ) -> None:
        settings.SIMULATOR_URL = simulator.url
        with tenant_context(acme):
            make.paytm_account("ACMETEST000000000001", "acme0000merchant")
        for scenario in ("html", "error_before"):
            simulator.plant("status", scenario, mid="ACMETEST000000000001")
            page = owner.post(at("paytm_check"), follow=True).content.decode()
            assert "This says nothing about the keys" in page
            assert "somewhere else" not in page

    def test_without_an_account_there_is_nothing_to_check(self, owner: Client) -> None:
        assert owner.post(at("paytm_check")).status_code == 404


class TestWho:
    @pytest.mark.parametrize(
        ("role", "page", "keys"),
        [
            (Role.OWNER, 200, 200),
            (Role.ADMIN, 200, 200),
            (Role.FINANCE, 403, 403),
            (Role.VIEWER, 403, 403),
        ],
    )
    def test_managers_alone_see_credentials(
        self, acme: Tenant, sign_in: SignIn, role: Role, page: int, keys: int
    ) -> None:
        dora = cast.person("Dora")
        Membership.objects.create(tenant=acme, user=dora, role=role)
        client = sign_in(dora)
        assert client.get(at("paytm")).status_code == page
        assert client.get(at("paytm_keys")).status_code == keys
        assert client.post(at("paytm_check")).status_code == (404 if page == 200 else 403)

    def test_another_merchant_s_owner_finds_nothing(
        self, acme: Tenant, globex: Tenant, charlie: User, sign_in: SignIn
    ) -> None:
        client = sign_in(charlie)
        assert client.get(at("paytm")).status_code == 404
        assert client.post(at("paytm_keys"), KEYS).status_code == 404
        assert accounts(acme) == []


class TestProof:
    """Keys are touched by whoever showed within five minutes who they are."""

    def test_an_old_session_is_asked_first(
        self, acme: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        client = sign_in(alice, ago=301)
        asked = client.get(at("paytm_keys"))
        assert asked.url == "/accounts/reauthenticate/?next=%2Fm%2Facme%2Ftest%2Fpaytm%2Fkeys"
        back = client.post(asked.url, {"password": cast.PASSWORD})
        assert back.url == at("paytm_keys")
        assert client.get(back.url).status_code == 200

    def test_a_key_posted_too_late_is_neither_stored_nor_kept(
        self, acme: Tenant, alice: User, sign_in: SignIn
    ) -> None:
        client = sign_in(alice, ago=301)
        asked = client.post(at("paytm_keys"), KEYS)
        assert asked.status_code == 302
        assert KEYS["key"] not in str(dict(client.session))
        assert client.post(asked.url, {"password": cast.PASSWORD}).url == at("paytm_keys")
        assert accounts(acme) == []

    def test_signing_in_is_proof_enough(self, acme: Tenant, alice: User, client: Client) -> None:
        credentials = {"login": alice.email, "password": cast.PASSWORD}
        client.post("/accounts/login/", credentials)
        assert client.get(at("paytm_keys")).status_code == 200

    def test_a_wrong_password_is_none(self, acme: Tenant, alice: User, sign_in: SignIn) -> None:
        client = sign_in(alice, ago=301)
        asked = client.get(at("paytm_keys"))
        assert client.post(asked.url, {"password": "wrong"}).status_code == 200
        assert client.get(at("paytm_keys")).status_code == 302

    def test_the_simulator_and_the_check_are_free(
        self, acme: Tenant, alice: User, sign_in: SignIn, simulator: Simulator, settings: Any
    ) -> None:
        settings.SIMULATOR_URL = simulator.url
        client = sign_in(alice, ago=301)
        assert client.post(at("paytm_simulator")).url == at("paytm")
        assert client.post(at("paytm_check")).url == at("paytm")
