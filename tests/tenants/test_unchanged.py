"""A page that was given is given again, until anything that it was made of is another."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tenants.utils import get_public_schema_name, tenant_context

from config import rows
from payments.models import Listed, Payment, PaymentTag, SavedView
from payments.settling import settle
from tenants import unchanged
from tenants.models import Membership, Tenant, User
from tests import cast, make
from tests.conftest import SignIn
from tests.payments.test_settling import answer
from tests.wire import Simulator

YESTERDAY = timezone.now() - timedelta(days=1)
TOKEN = re.compile(rb"[A-Za-z0-9]{64}")
Seen = tuple[int, bytes]


class Stage:
    """Bob looks at the payments of acme's test world, of which there is one."""

    def __init__(self, bob: User, acme: Tenant, sign_in: SignIn) -> None:
        self.bob, self.acme, self.browser = bob, acme, sign_in(bob)
        self.link = make.link()
        self.payment = make.payment(self.link)
        self.address = reverse("payments", kwargs={"slug": "acme", "live": False})

    def look(self, **headers: str) -> Seen:
        """What he sees, but for the form's key: that is another in each page that is made."""
        seen = self.browser.get(f"{self.address}?columns=state,tags", headers=headers)
        return seen.status_code, TOKEN.sub(b"", seen.content)

    def look_again(self) -> tuple[Seen, int]:
        """The same, and how many questions it took."""
        with CaptureQueriesContext(connection) as asked:
            seen = self.look()
        return seen, len(asked)

    def of_acme(self, **fields: object) -> None:
        Tenant.objects.filter(pk=self.acme.pk).update(**fields)

    def of_bob(self, **fields: object) -> None:
        User.objects.filter(pk=self.bob.pk).update(**fields)

    @property
    def membership(self) -> Any:
        return Membership.objects.filter(user=self.bob, tenant=self.acme)

    @property
    def session(self) -> Any:
        return Session.objects.filter(pk=self.browser.session.session_key)


@pytest.fixture
def stage(bob: User, in_acme: Tenant, paytm: Simulator, sign_in: SignIn) -> Stage:
    return Stage(bob, in_acme, sign_in)


def remembered(stage: Stage) -> Seen:
    """What Bob sees from memory. The first page of a day notes that he is here."""
    for _ in range(3):
        stage.look()
    seen, questions = stage.look_again()
    assert questions == 1
    return seen


def view_of(stage: Stage, **fields: Any) -> SavedView:
    return SavedView.objects.create(
        live=False, of=Listed.PAYMENTS, owner_id=stage.bob.pk, owner_name="Bob",
        name="Mine", query="status=failed", **fields,
    )  # fmt: skip


def tag(stage: Stage) -> None:
    at = stage.payment.created_at
    PaymentTag.objects.create(payment=stage.payment, name="vip", live=False, created_at=at)


CHANGES: dict[str, Callable[[Stage], object]] = {
    "a payment comes": lambda stage: make.payment(stage.link),
    "a payment is paid": lambda stage: settle(stage.payment, answer(stage.payment)),
    "a payment is renamed": lambda stage: Payment.objects.update(description="Another"),
    "a payment is tagged": tag,
    "a view is saved": view_of,
    "the bell rings": lambda stage: make.notice(stage.bob),
    "his role": lambda stage: stage.membership.update(role="viewer"),
    "his role is gone": lambda stage: stage.membership.delete(),
    "his address": lambda stage: stage.of_bob(email="robert@example.com"),
    "his language": lambda stage: stage.of_bob(language="hi"),
    "he is staff": lambda stage: stage.of_bob(staff_role="support"),
    "he is locked out": lambda stage: stage.of_bob(is_active=False),
    "his sessions are ended": lambda stage: stage.of_bob(session_epoch=7),
    "his session is gone": lambda stage: stage.session.delete(),
    "his session is over": lambda stage: stage.session.update(expire_date=YESTERDAY),
    "acme is renamed": lambda stage: stage.of_acme(name="Acme Stores"),
    "acme moves": lambda stage: stage.of_acme(slug="acme-stores"),
    "acme is suspended": lambda stage: stage.of_acme(state=Tenant.State.SUSPENDED),
    "acme goes live": lambda stage: cast.go_live(stage.acme),
    "acme is of other code": lambda stage: stage.of_acme(schema_version=1),
    "another merchant is his": lambda stage: cast.merchant("bobs", stage.bob),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_seen_at_once(stage: Stage, change: str) -> None:
    before = remembered(stage)
    CHANGES[change](stage)
    seen = stage.look()
    assert seen != before
    unchanged.forget_all()
    assert seen == stage.look()


def test_a_page_given_again_has_the_signs_of_an_answer_of_its_own(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    remembered(stage)
    capsys.readouterr()
    first, second = (stage.browser.get(f"{stage.address}?columns=state,tags") for _ in range(2))
    assert first.content == second.content
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert first["Cache-Control"] == "no-store, private"
    for line in capsys.readouterr().out.splitlines():
        assert f'"user_id": "{stage.bob.pk}"' in line
        assert f'"tenant": "{stage.acme.key}"' in line
        assert '"route": "/m/<slug:slug>/<world:live>/payments"' in line


def test_its_form_still_posts(stage: Stage, bob: User) -> None:
    stage.browser.handler.enforce_csrf_checks = True  # type: ignore[attr-defined]
    for _ in range(4):
        page = stage.browser.get(stage.address).content
    [key, *_] = TOKEN.findall(page)
    told = {"id": stage.payment.pk, "tag": "vip", "csrfmiddlewaretoken": key.decode()}
    tagged = reverse("payments_tagged", kwargs={"slug": "acme", "live": False})
    assert stage.browser.post(tagged, told).status_code == 302
    assert PaymentTag.objects.get().name == "vip"


def test_another_request_is_answered_for_itself(stage: Stage) -> None:
    before = remembered(stage)
    part = stage.look(**{"HX-Request": "true"})
    assert len(part[1]) < len(before[1])
    stage.browser.cookies["theme"] = "ink"
    assert b'data-theme="ink"' in stage.look()[1]


def test_another_person_is_somebody_else(stage: Stage, alice: User, sign_in: SignIn) -> None:
    remembered(stage)
    page = sign_in(alice).get(f"{stage.address}?columns=state,tags").content
    assert b"alice@" in page
    assert b"bob@" not in page


def test_a_stranger_with_the_same_address_bar_gets_nothing(stage: Stage, client: Client) -> None:
    remembered(stage)
    assert client.get(f"{stage.address}?columns=state,tags").status_code == 302


# --- What is kept at all


class Answers:
    """An application whose pages may be given again. `reads` is what it does for each."""

    def __init__(self, tenant: Tenant, reads: Callable[[], object]) -> None:
        self.tenant, self.reads, self.made = tenant, reads, 0

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        self.made += 1
        with tenant_context(self.tenant):
            self.reads()
        environ[unchanged.OFFER] = unchanged.Offer(self.tenant, self.tenant.pk, "/x")
        start("200 OK", self.headers)
        return HttpResponse(str(self.made))

    headers: list[tuple[str, str]] = []

    def asked(self, times: int = 4, path: str = "/m/x") -> int:
        """How many pages were made when it was asked so often."""
        application = unchanged.again(self)
        for _ in range(times):
            environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_COOKIE": "a=1; b=2"}
            [*application(environ, lambda *_: lambda _: None)]
        return self.made


def count() -> object:
    return rows.ask("SELECT count(*) FROM payments_payment", [])


def by_orm() -> object:
    return [*Payment.objects.filter(live=False).order_by("-created_at")[:51]]


@pytest.mark.parametrize("reads", [count, by_orm])
def test_what_only_asks_is_made_twice(acme: Tenant, reads: Callable[[], object]) -> None:
    assert Answers(acme, reads).asked() == 2


def write() -> object:
    return rows.ask("INSERT INTO payments_linkviews SELECT WHERE false RETURNING 1", [])


def lock() -> object:
    return rows.ask("SELECT id FROM payments_payment FOR UPDATE", [])


def two() -> object:
    return rows.ask("SELECT 1; SELECT 2", [])


def write_by_orm() -> object:
    return Payment.objects.update(description="Another")


def lock_by_orm() -> object:
    return [*Payment.objects.select_for_update()]


def act() -> object:
    return rows.ask("SELECT pg_notify ('x', '')", [])


def nothing() -> object:
    return None


@pytest.mark.parametrize("reads", [write, lock, two, act, nothing, write_by_orm, lock_by_orm])
def test_what_does_more_or_less_is_made_each_time(
    acme: Tenant, reads: Callable[[], object]
) -> None:
    assert Answers(acme, reads).asked() == 4


def test_what_asks_in_another_merchants_schema_is_made_each_time(
    acme: Tenant, globex: Tenant
) -> None:
    def elsewhere() -> None:
        with tenant_context(globex):
            count()

    assert Answers(acme, elsewhere).asked() == 4


def test_what_was_learnt_first_gives_way(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(acme, count)
    answers.asked(2, "/m/0")
    [known] = unchanged._memory._known.values()
    monkeypatch.setattr(unchanged, "MOST", known.size * 5 // 2)  # two, not three
    unchanged.forget_all()
    answers.made = 0
    for path, made in (
        ("/m/1", 2),
        ("/m/2", 4),
        ("/m/2", 4),
        ("/m/3", 6),
        ("/m/2", 6),
        ("/m/1", 8),
    ):
        assert answers.asked(2, path) == made


def test_what_asks_something_else_each_time_is_made_each_time(acme: Tenant) -> None:
    values = iter(range(9))
    assert Answers(acme, lambda: rows.ask("SELECT %s::int", [next(values)])).asked() == 4


@pytest.mark.parametrize(("cookie", "made"), [("b=2", 2), ("b=3", 4), ("c=2", 4), ("b=", 4)])
def test_what_sets_a_cookie_anew_is_made_each_time(acme: Tenant, cookie: str, made: int) -> None:
    answers = Answers(acme, count)
    answers.headers = [("Set-Cookie", f" {cookie}; Path=/")]
    assert answers.asked() == made


def test_what_changes_while_a_page_is_made_is_not_taken_for_true(acme: Tenant) -> None:
    """The second page would be kept, but it is made of what was true before that."""

    def meanwhile() -> None:
        rows.ask("SELECT name FROM tenant WHERE id = %s", [acme.pk])
        if answers.made == 2:
            with connection.connection.cursor() as elsewhere:
                elsewhere.execute("UPDATE tenant SET name = 'Acme Stores'")

    answers = Answers(acme, meanwhile)
    assert answers.asked(3) == 3
    assert answers.asked(3) == 3


def test_a_day_ends_for_every_page(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first second of a day in Kathmandu, too, is the first of a quarter of an hour. What was
    begun before it and done after it is of the day before."""
    at = datetime(2026, 11, 26, 18, 14, 59, tzinfo=UTC)
    monkeypatch.setattr(unchanged, "now", lambda: at)
    answers = Answers(acme, count)
    assert answers.asked(5) == 2
    at += timedelta(seconds=0.9)
    assert answers.asked(1) == 2
    at += timedelta(seconds=0.2)
    assert answers.asked(1) == 3

    def crossing() -> None:
        nonlocal at
        count()
        at += timedelta(minutes=15) if answers.made == 2 else timedelta()

    answers = Answers(acme, crossing)
    assert answers.asked(3, "/m/y") == 3


def test_what_changes_and_changes_back_is_not_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob was locked out but for the moment in which the second page was made."""
    stage.look()  # which notes that he is here
    stage.look()
    stage.of_bob(is_active=False)
    asked, times = unchanged.Known.asked, list[unchanged.Known]()

    def then_let_in(known: unchanged.Known) -> Any:
        facts = asked(known)
        times.append(known)
        stage.of_bob(is_active=len(times) == 1)
        return facts

    monkeypatch.setattr(unchanged.Known, "asked", then_let_in)
    assert stage.look()[0] == 200
    stage.of_bob(is_active=False)
    assert stage.look()[0] == 302


def test_how_the_address_is_to_be_read_is_part_of_the_request(stage: Stage) -> None:
    def look(charset: str) -> bytes:
        address = f"{stage.address}?q=%C3%A9%C3%A9%C3%A9"
        seen = stage.browser.get(address, CONTENT_TYPE=f"text/plain; charset={charset}")
        return TOKEN.sub(b"", seen.content)

    for _ in range(4):
        latin = look("latin-1")
    assert look("utf-8") != latin


def test_the_same_question_of_another_merchant_is_another(acme: Tenant, globex: Tenant) -> None:
    answers = Answers(acme, count)
    assert answers.asked(1) == 1
    answers.tenant = globex
    assert answers.asked(3) == 3


def test_a_column_of_any_name_is_compared(acme: Tenant) -> None:
    answers = Answers(
        acme, lambda: rows.ask("SELECT 1 AS a, name FROM tenant WHERE id = %s", [acme.pk])
    )
    assert answers.asked() == 2
    with connection.connection.cursor() as elsewhere:
        elsewhere.execute("UPDATE tenant SET name = 'Acme Stores'")
    assert answers.asked(1) == 3


def test_what_is_kept_is_counted_with_what_was_asked(stage: Stage) -> None:
    stage.browser.get(f"{stage.address}?{'&'.join(['status=paid', 'method=upi'] * 60)}")
    stage.browser.get(f"{stage.address}?{'&'.join(['status=paid', 'method=upi'] * 60)}")
    [known] = unchanged._memory._known.values()
    assert len(known.question.sql) < 10_000  # each state and method is asked for once
    assert known.size > unchanged.OVERHEAD + len(known.question.sql)


def test_no_table_of_a_merchants_has_the_name_of_one_in_public(in_acme: Tenant) -> None:
    """What is asked in public is asked again where the merchant's own tables come first."""
    found = rows.ask_all(
        "SELECT relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
        " WHERE nspname IN (%s, %s) AND relkind IN ('r', 'v', 'p', 'm')"
        " GROUP BY relname HAVING count(*) > 1",
        [in_acme.schema_name, get_public_schema_name()],
    )
    assert {name for (name,) in found} <= {"django_migrations"}
