"""The stage: the cast, their merchants, and a real Paytm simulator on the other side of a wire."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.http import HttpResponse, HttpResponseBase
from django.template import Context, RequestContext, Template
from django.test import Client
from django.test.client import ClientHandler
from django.test.signals import template_rendered
from django.test.utils import setup_databases, teardown_databases
from django.utils import translation
from django.utils.safestring import SafeString
from django_tenants.utils import tenant_context

from config import remembered
from payments import hearing, shown
from payments.clients import breaker_of
from tenants import provisioning, unchanged
from tenants.models import CaughtMail, Job, Tenant, User
from tests import cast, make
from tests.paytm.server import FakePaytm as Receiver
from tests.wire import Simulator, start_simulator

SignIn = Callable[..., Client]
READY = 4  # schemas that wait to be claimed by a test


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """A database of its own with ready schemas waiting; dropped at the end."""
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False, aliases={"default": True})
        provisioning.prepare()
        provisioning.keep_ready(READY)
    yield
    with django_db_blocker.unblock():
        teardown_databases(databases, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def _only_pages_are_kept(django_test_environment: None) -> None:
    """`answer.context` is the page's. Django's client would copy those of all that pages include
    as well, down to each field of a form: hundreds, and a tenth of the time of a request."""

    def render(template: Template, context: Context) -> SafeString:
        if isinstance(context, RequestContext) and context.template is template:
            template_rendered.send(sender=template, template=template, context=context)
        return template.nodelist.render(context)

    Template._render = render


@pytest.fixture(autouse=True)
def _in_public() -> Iterator[None]:
    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Nor the language of the last answer: a request speaks its own, a test begins in English."""
    shown.forget_all()
    unchanged.forget_all()
    remembered.forget_all()
    translation.deactivate()


@pytest.fixture
def alice(db: None) -> User:
    return cast.person("Alice")


@pytest.fixture
def bob(db: None) -> User:
    return cast.person("Bob")


@pytest.fixture
def charlie(db: None) -> User:
    return cast.person("Charlie")


@pytest.fixture
def acme(alice: User, bob: User) -> Tenant:
    """Alice owns it, Bob is its finance."""
    return cast.merchant("acme", alice, finance=bob)


@pytest.fixture
def globex(charlie: User) -> Tenant:
    return cast.merchant("globex", charlie)


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[Tenant]:
    with tenant_context(acme):
        yield acme


class Handler(ClientHandler):
    """Django, behind what our WSGI application answers before it."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        heard = list[Any]()

        def start_response(*said: Any) -> Any:
            heard[:] = said

        body = shown.again(hearing.first(unchanged.again(self._django)))(environ, start_response)
        if isinstance(body, HttpResponseBase):
            return body
        status, headers = heard
        answer = HttpResponse(b"".join(body), status=int(status[:3]), headers=dict(headers))
        answer.wsgi_request = WSGIRequest(environ)  # type: ignore[attr-defined]  # Client asks it
        return answer

    def _django(self, environ: dict[str, Any], start_response: Any) -> Any:
        answer = super().__call__(environ)
        cookies = [("Set-Cookie", morsel.output(header="")) for morsel in answer.cookies.values()]
        status = f"{answer.status_code} {answer.reason_phrase}"
        start_response(status, [*answer.headers.items(), *cookies])
        return answer


class Browser(Client):
    """A browser at the platform's own address. A request leaves the test's schema as it was."""

    def __init__(self) -> None:
        super().__init__(headers={"host": urlsplit(settings.BASE_URL).netloc})
        self.handler = Handler(enforce_csrf_checks=False)

    def request(self, **request: Any) -> Any:
        tenant = connection.tenant
        try:
            return super().request(**request)
        finally:
            connection.set_tenant(tenant)


def browser() -> Client:
    return Browser()


@pytest.fixture
def client() -> Client:
    return browser()


@pytest.fixture
def sign_in() -> SignIn:
    """A browser of this person, who signed in `ago` seconds before."""

    def signed_in(user: User, ago: int = 0) -> Client:
        client = browser()
        client.force_login(User.objects.get(pk=user.pk))
        session = client.session
        session["account_authentication_methods_user"] = str(user.pk)
        session["account_authentication_methods"] = [
            {"method": "password", "at": time.time() - ago}
        ]
        session.save()
        return client

    return signed_in


MIDS = {"acme": ("ACMETEST000000000001", "acme0000merchant"),
        "globex": ("GLOBEXTEST0000000002", "globex00merchant")}  # fmt: skip


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Paytm, for the whole run. Its clock and the product's are one file."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    merchants = [f"--merchant={mid}:{key}" for mid, key in MIDS.values()]
    log = tmp_path_factory.mktemp("simulator") / "log"
    running = start_simulator(port, log, "--clock-file", str(settings.CLOCK_FILE), *merchants)
    yield running
    running.stop()


@pytest.fixture
def paytm(simulator: Simulator, acme: Tenant, globex: Tenant, settings: Any) -> Simulator:
    """Acme and globex are connected to the simulator, each with its own keys."""
    settings.SIMULATOR_URL, settings.PAYTM_PATIENCE = simulator.url, 1
    for tenant in (acme, globex):
        with tenant_context(tenant):
            make.paytm_account(*MIDS[str(tenant.slug)])
    simulator.control("reset")
    breaker_of.cache_clear()
    return simulator


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A merchant's own system, that accepts what it is sent."""
    settings.WEBHOOK_PATIENCE = 1
    with Receiver() as receiving:
        receiving.says("thanks")
        yield receiving


@pytest.fixture
def clock() -> Iterator[Callable[[float], None]]:
    """Move the product's and Paytm's clock this many seconds ahead of real time."""
    path: Path = settings.CLOCK_FILE  # type: ignore[assignment]

    def move(seconds: float) -> None:
        path.write_text(str(seconds))

    yield move
    path.unlink(missing_ok=True)


@pytest.fixture
def open_acme(
    django_db_setup: None, django_db_blocker: Any, simulator: Simulator, settings: Any
) -> Iterator[Tenant]:
    """Acme with its rows committed, for tests with threads; nothing of it stays."""
    settings.SIMULATOR_URL = simulator.url
    with django_db_blocker.unblock():
        alice, bob = cast.person("Alice"), cast.person("Bob")
        tenant = cast.merchant("acme", alice, finance=bob)
        with tenant_context(tenant):
            make.paytm_account(*MIDS["acme"])
            yield tenant
        tenant.delete(force_drop=True)
        for user in (alice, bob):
            user.delete()
        provisioning.keep_ready(READY)
        Job.objects.all().delete()
        CaughtMail.objects.all().delete()
