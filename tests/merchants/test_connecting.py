"""Paytm accounts: stored whole or not at all, one in use per world, checked in words."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from django.db import connection
from django_tenants.utils import tenant_context

from merchants import connecting, diagnosing
from merchants.models import AuditEvent, PaytmAccount
from merchants.sealing import open_sealed
from payments.collecting import callback_url, webhook_url
from payments.paytm import Diagnosis
from tenants.models import Tenant, User
from tests import cast, make
from tests.wire import Simulator

pytestmark = pytest.mark.django_db


def known_to(simulator: Simulator) -> list[dict[str, str]]:
    answer = requests.get(f"{simulator.url}/_control/merchants", timeout=10)
    merchants: list[dict[str, str]] = answer.json()["merchants"]
    return merchants


KEYS: dict[str, Any] = {
    "mid": "STAGINGMID0000000001",
    "key": "Canary#Key&12345",
    "website": "WEBSTAGING",
}
State = PaytmAccount.State


def test_an_account_is_sealed_and_known_by_its_last_four(in_acme: Tenant, alice: User) -> None:
    account = connecting.store(environment="staging", by=alice, **KEYS)
    assert (account.live, account.state, account.key_last4) == (False, State.ACTIVE, "2345")
    assert account.key_fingerprint == connecting.fingerprint(KEYS["key"])
    assert len(account.key_fingerprint) == 8
    assert account.created_by_name == "Alice"


def test_an_earlier_account_retires_in_its_own_world_alone(in_acme: Tenant, alice: User) -> None:
    first = connecting.store(environment="staging", by=alice, **KEYS)
    live = connecting.store(environment="production", by=alice, **KEYS)
    second = connecting.store(environment="staging", by=alice, **KEYS)
    states = dict(PaytmAccount.objects.values_list("pk", "state"))
    assert states == {first.pk: State.RETIRED, live.pk: State.ACTIVE, second.pk: State.ACTIVE}
    assert connecting.current_account(live=True) == live
    assert open_sealed(PaytmAccount.objects.get(pk=first.pk), "sealed_key") == KEYS["key"]


def test_the_record_tells_of_the_change_and_not_of_the_key(in_acme: Tenant, alice: User) -> None:
    connecting.store(environment="staging", by=alice, **KEYS)
    connecting.store(environment="staging", by=alice, **KEYS | {"mid": "OTHERMID000000000002"})
    event = AuditEvent.objects.latest("id")
    assert (event.act, event.by_name) == ("paytm.connected", "Alice")
    assert event.before["mid"] == KEYS["mid"]
    assert event.after["mid"] == "OTHERMID000000000002"
    assert KEYS["key"] not in str(event.before) + str(event.after)


@pytest.mark.django_db(transaction=True)
def test_two_people_connecting_at_once_leave_one_account_in_use() -> None:
    alice = cast.person("Alice")
    acme = cast.merchant("acme", alice)
    gate = threading.Barrier(8)

    def connect(number: int) -> None:
        with tenant_context(acme):
            gate.wait()
            connecting.store(environment="staging", by=alice, **KEYS | {"mid": f"MID{number}"})
        connection.close()

    threads = [threading.Thread(target=connect, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tenant_context(acme):
        assert PaytmAccount.objects.count() == 8
        assert PaytmAccount.objects.filter(state=State.ACTIVE).count() == 1


class TestSimulator:
    def test_one_press_makes_keys_that_work(
        self, simulator: Simulator, in_acme: Tenant, alice: User, settings: Any
    ) -> None:
        settings.SIMULATOR_URL = simulator.url
        account = connecting.connect_simulator(alice)
        assert (account.environment, account.live) == ("simulator", False)
        assert diagnosing.diagnose(account) is Diagnosis.RIGHT
        [known] = [m for m in known_to(simulator) if m["mid"] == account.mid]
        assert known["webhook_url"] == webhook_url(live=False)
        assert known["callback_url"] == callback_url(live=False)

    @pytest.mark.parametrize("status", [0, 302, 401, 500])
    def test_a_simulator_that_fails_changes_nothing(
        self, in_acme: Tenant, alice: User, settings: Any, answering: Any, status: int
    ) -> None:
        settings.SIMULATOR_URL = answering(status) if status else "http://127.0.0.1:9"
        with pytest.raises(connecting.SimulatorAway):
            connecting.connect_simulator(alice)
        assert not PaytmAccount.objects.exists()


class TestDiagnosis:
    @pytest.mark.parametrize(
        ("mid", "key", "found"),
        [
            ("ACMETEST000000000001", "acme0000merchant", Diagnosis.RIGHT),
            ("ACMETEST000000000001", "globex00merchant", Diagnosis.WRONG_KEY),
            ("NOBODYKNOWS000000001", "acme0000merchant", Diagnosis.UNKNOWN_MID),
        ],
    )
    def test_the_simulator_s_word(
        self, simulator: Simulator, in_acme: Tenant, settings: Any,
        mid: str, key: str, found: Diagnosis,
    ) -> None:  # fmt: skip
        settings.SIMULATOR_URL = simulator.url
        account = make.paytm_account(mid, key)
        assert diagnosing.diagnose(account) is found
        account.refresh_from_db()
        assert account.diagnosis == found.value
        assert account.checked_at is not None
        assert diagnosing.words_of(account) == diagnosing.WORDS[found]

    def test_nobody_there(self, in_acme: Tenant, settings: Any) -> None:
        settings.SIMULATOR_URL = "http://127.0.0.1:9"
        account = make.paytm_account("ACMETEST000000000001", "acme0000merchant")
        assert diagnosing.diagnose(account) is Diagnosis.UNREACHABLE

    @pytest.mark.parametrize("status", [200, 302, 404, 503])
    def test_something_else_there(
        self, in_acme: Tenant, settings: Any, answering: Any, status: int
    ) -> None:
        settings.SIMULATOR_URL = answering(status)
        account = make.paytm_account("ACMETEST000000000001", "acme0000merchant")
        assert diagnosing.diagnose(account) is Diagnosis.UNREACHABLE

    def test_an_account_never_checked_has_no_words(self, in_acme: Tenant) -> None:
        assert diagnosing.words_of(make.paytm_account("MID", "acme0000merchant")) is None

    def test_every_diagnosis_has_words(self) -> None:
        assert set(diagnosing.WORDS) == set(Diagnosis)


@pytest.fixture
def answering() -> Iterator[Any]:
    """Starts a server that answers every POST with one status; returns its base URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
