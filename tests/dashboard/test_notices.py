"""The bell: what one person is told, once, in their language, for 90 days."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django_tenants.utils import tenant_context

from merchants import noticing, team
from merchants.models import Notice
from payments import batching
from tenants.jobs import run_due
from tenants.models import Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import SignIn
from tests.dashboard.conftest import Url, text

pytestmark = pytest.mark.django_db

HERE = "/m/acme/notices"
DAY = 24 * 3600


def bell(page: Any) -> str:
    """What the bell in the side bar counts."""
    return text(page).partition('class="icon-button bell"')[2].partition("</a>")[0]


def test_a_notice_is_counted_opened_and_leads_on(
    at_acme: Client, alice: User, in_acme: Tenant
) -> None:
    assert 'class="count"' not in bell(at_acme.get(HERE))
    notice = make.notice(alice)
    page = at_acme.get(HERE)
    assert '<span class="count">1<' in bell(page)
    assert "“invoices.csv” is done: links made: 3 of 4" in text(page)
    assert at_acme.get(f"{HERE}/{notice.pk}").status_code == 405
    assert at_acme.post(f"{HERE}/{notice.pk}").url == notice.url
    read_at = Notice.objects.get().read_at
    assert read_at
    at_acme.post(f"{HERE}/{notice.pk}")
    assert Notice.objects.get().read_at == read_at
    assert 'class="count"' not in bell(at_acme.get(HERE))


def test_all_are_read_at_once(at_acme: Client, alice: User, bob: User, in_acme: Tenant) -> None:
    for person in (alice, alice, bob):
        make.notice(person)
    assert at_acme.post(f"{HERE}/read").url == HERE
    assert (noticing.unread(alice.pk), noticing.unread(bob.pk)) == (0, 1)


def test_nobody_sees_or_opens_another_persons(
    at_acme: Client, bob: User, charlie: User, globex: Tenant, in_acme: Tenant, sign_in: SignIn
) -> None:
    notice = make.notice(bob)
    assert "invoices.csv" not in text(at_acme.get(HERE))
    assert at_acme.post(f"{HERE}/{notice.pk}").status_code == 404
    assert sign_in(charlie).post(f"/m/globex/notices/{notice.pk}").status_code == 404
    assert Notice.objects.get().read_at is None


def test_the_bell_stops_at_ninety_nine(at_acme: Client, alice: User, in_acme: Tenant) -> None:
    for _ in range(noticing.MOST_COUNTED + 5):
        make.notice(alice)
    assert ">99+<" in bell(at_acme.get(HERE))


def test_the_count_is_one_small_query_of_a_page_and_of_a_poll(
    at_acme: Client, alice: User, acme: Tenant, url: Url
) -> None:
    def counted(**headers: str) -> list[str]:
        connection.prepared.doubt()  # so that statements are spelled out, not named
        with CaptureQueriesContext(connection) as asked:
            at_acme.get(url("payments"), **headers)
        return [q["sql"] for q in asked if "merchants_notice" in q["sql"]]

    [query] = counted()
    assert "LIMIT 100" in query
    assert counted(HTTP_HX_REQUEST="true") == [query]


def test_the_bell_rings_on_a_page_that_stands_open(
    at_acme: Client, alice: User, in_acme: Tenant, url: Url
) -> None:
    seen = at_acme.get(url("payments")).context["seen"]
    poll = {"headers": {"HX-Request": "true"}}
    assert at_acme.get(url("payments"), {"seen": seen}, **poll).status_code == 204
    make.notice(alice)
    part = text(at_acme.get(url("payments"), {"seen": seen}, **poll))
    [bell] = re.findall(r'<div hx-swap-oob="innerHTML:.bell-count">(.*?)</div>', part)
    assert bell == '<span class="count">1<span class="sr-only"> new</span></span>'


def test_a_page_that_is_refused_before_its_merchant_is_entered_has_a_quiet_bell(
    at_acme: Client, url: Url
) -> None:
    answer = at_acme.get(url("dashboard", live=True))
    assert answer.status_code == 403
    assert "bell" in text(answer)


@pytest.mark.parametrize(
    ("kind", "args", "where", "error"),
    [
        ("weather", {}, "/m/", KeyError),
        ("team.joined", {}, "/m/", KeyError),
        ("team.joined", {"person": "Dora"}, "https://evil.example/", ValueError),
        ("team.joined", {"person": "Dora"}, "//evil.example/", ValueError),
    ],
)
def test_what_cannot_be_told_is_a_bug(
    in_acme: Tenant, alice: User, kind: str, args: Any, where: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        noticing.notify(alice.pk, kind, args, where)


def test_words_of_a_newer_kind_do_not_break_the_list(
    at_acme: Client, alice: User, in_acme: Tenant
) -> None:
    Notice.objects.create(user_id=alice.pk, kind="of.tomorrow", url="/m/acme/")
    assert "of.tomorrow" in text(at_acme.get(HERE))


def test_they_are_kept_for_ninety_days(
    alice: User, acme: Tenant, clock: Callable[[float], None]
) -> None:
    def told_and_left() -> int:
        with tenant_context(acme):
            make.notice(alice)
        noticing.sweep()
        run_due()
        with tenant_context(acme):
            return Notice.objects.count()

    assert told_and_left() == 1
    clock(90 * DAY - 60)
    assert told_and_left() == 2
    clock(90 * DAY + 60)
    assert told_and_left() == 2


def test_who_uploads_a_file_hears_when_its_links_are_made(in_acme: Tenant, alice: User) -> None:
    batch = make.batch("Chai,20,1", "Nonsense,a lot,2", by=alice)
    batching.start(batch, alice)
    run_due()
    [notice] = Notice.objects.all()
    assert (notice.user_id, notice.url) == (alice.pk, f"/m/acme/test/links/batches/{batch.pk}")
    assert noticing.told(notice.kind, notice.args)[1].endswith("links made: 1 of 2")


def test_who_invites_hears_of_it_when_they_join(acme: Tenant, alice: User) -> None:
    with tenant_context(acme):
        mine = Membership.objects.get(user=alice, tenant=acme)
        offer = team.invite(mine, "dora@example.com", Role.VIEWER)
        team.accept(cast.person("Dora"), offer)
        assert noticing.unread(alice.pk) == 1
        with translation.override("en"):
            assert noticing.told(**_of(Notice.objects.get()))[1] == "Dora has joined the team"


def _of(notice: Notice) -> dict[str, Any]:
    return {"kind": notice.kind, "args": notice.args}
