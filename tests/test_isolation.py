"""T1: every address × method × person × own, foreign, other-world and absent things.

Made from the URL resolver: an address with an id that has no maker here fails, and so does a
view that declares no access. Each thing exists in both merchants, and its owner is shown to
succeed before anybody else is shown to fail.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.utils import is_mfa_enabled
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context

from dashboard import report_mails
from merchants import roles
from merchants.models import Profile
from payments import receipting
from payments.models import Payment, Refund, ReportSchedule, SavedView
from payments.settling import settle
from tenants.checks import every_view_declares_its_access, patterns
from tenants.models import (
    CaughtMail,
    DeadJob,
    Invitation,
    Membership,
    PageReport,
    Role,
    Tenant,
    User,
)
from tests import cast, make
from tests.conftest import SignIn, browser
from tests.payments.test_settling import answer

Maker = Callable[[Tenant, bool], Any]
ROUTES = [(route, pattern) for route, pattern in patterns() if hasattr(pattern.callback, "access")]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
FORM = "application/x-www-form-urlencoded"
# What a POST must say to succeed, by the end of its address.
BODIES = {
    "/receipt": "email=payer@example.com",
    "/state": "state=disabled",
    "/act": "act=take",
    "/tags": "tag=vip",
    "/notes": "words=Called.",
    "/views": "name=Failed&query=status%3Dfailed",
    "/reject": "words=No",
}
# Addresses that do not exist in the live world.
TEST_ONLY = {"paytm_simulator"}
WELL = {200, 301, 302, 303, 409, 422}


def inside(make_thing: Callable[[bool], Any]) -> Maker:
    def made(tenant: Tenant, live: bool) -> Any:
        with tenant_context(tenant):
            return make_thing(live)

    return made


def paid(live: bool) -> Any:
    order = make.payment(make.link(live=live))
    return settle(order, answer(order)).pk


def numbered(live: bool) -> Any:
    payment = Payment.objects.get(pk=paid(live))
    receipting.number(payment)
    return payment.token


def surplus(live: bool) -> Any:
    order = make.payment(make.link(live=live))
    return settle(order, answer(order, amount_paise=600_00)).pk


def waiting_refund(live: bool) -> Any:
    payment = Payment.objects.get(pk=paid(live))
    return Refund.objects.create(live=live, payment=payment, amount_paise=100_00).pk


def held_refund(live: bool) -> Any:
    """Asked for by somebody who is nobody here, so that everybody else may decide."""
    payment = Payment.objects.get(pk=paid(live))
    Payment.objects.filter(pk=payment.pk).update(reserved_paise=100_00)
    facts = {"state": "held", "held_above_paise": 1, "asked_by_id": uuid.uuid4()}
    return Refund.objects.create(live=live, payment=payment, amount_paise=100_00, **facts).pk


def upload(live: bool) -> Any:
    return make.upload(live, User.objects.get(name="Alice")).pk


def file_of_links(live: bool) -> Any:
    return make.batch(by=User.objects.get(name="Alice"), live=live).pk


def view(live: bool) -> Any:
    """Alice's own: even her team does not find it."""
    own = {"owner_id": User.objects.get(name="Alice").pk, "name": uuid.uuid4().hex}
    return SavedView.objects.create(live=live, **own).pk


def export(live: bool) -> Any:
    return make.export(User.objects.get(name="Alice"), live=live).pk


def colleague(tenant: Tenant, live: bool) -> int:
    user = cast.person(f"Colleague{uuid.uuid4().hex[:8]}")
    return Membership.objects.create(tenant=tenant, user=user, role=Role.VIEWER).pk


def offer(tenant: Tenant) -> Invitation:
    owner = tenant.memberships.get(role=Role.OWNER).user
    return make.invitation(tenant, owner)


def complaint(tenant: Tenant, live: bool) -> Any:
    return PageReport.objects.create(tenant=tenant, link_token="x", reason="fraud").pk


def dead_job(tenant: Tenant, live: bool) -> int:
    return DeadJob.objects.create(
        kind="tenants.upkeep.keep_schemas_ready",
        lane=2,
        tenant_id=uuid.UUID(int=0),
        attempts=1,
        error="x",
    ).pk


def report_mail(live: bool) -> Any:
    alice = User.objects.get(name="Alice")
    ReportSchedule.objects.filter(person_id=alice.pk, live=live).delete()
    return report_mails.subscribe(alice, live, "day", "week", "csv").pk


ENDPOINT = inside(lambda live: make.endpoint(live=live).pk)
DELIVERY = inside(lambda live: make.delivery(live).pk)
IDS: dict[str, Maker] = {
    "event": inside(lambda live: make.delivery(live).event_id),
    "delivery": DELIVERY,
    "delivery_send": DELIVERY,
    "endpoint": ENDPOINT,
    "endpoint_edit": ENDPOINT,
    "endpoint_state": ENDPOINT,
    "endpoint_secret": ENDPOINT,
    "endpoint_test": ENDPOINT,
    "endpoint_replay": ENDPOINT,
    "payment": inside(paid),
    "payment_ask": inside(paid),
    "payment_receipt": inside(paid),
    "payment_tag": inside(paid),
    "payment_note": inside(paid),
    "view_default": inside(view),
    "view_remove": inside(view),
    "refund_new": inside(paid),
    "refund": inside(waiting_refund),
    "refund_approve": inside(held_refund),
    "refund_reject": inside(held_refund),
    "refund_withdraw": inside(held_refund),
    "refund_try": inside(waiting_refund),
    "refund_stop": inside(waiting_refund),
    "surplus_keep": inside(surplus),
    "link": inside(lambda live: make.link(live=live).pk),
    "link_state": inside(lambda live: make.link(live=live).pk),
    "link_edit": inside(lambda live: make.link(live=live).pk),
    "link_print": inside(lambda live: make.link(live=live).pk),
    "link_payments_csv": inside(lambda live: make.link(live=live).pk),
    "link_batch": inside(file_of_links),
    "link_batch_start": inside(file_of_links),
    "link_batch_cancel": inside(file_of_links),
    "link_batch_result": inside(file_of_links),
    "export": inside(export),
    "export_cancel": inside(export),
    "export_file": inside(export),
    "report_mail_stop": inside(report_mail),
    "settlement": inside(lambda live: make.payout(live).pk),
    "settlement_csv": inside(lambda live: make.payout(live).pk),
    "settlement_preview": inside(upload),
    "exception": inside(lambda live: make.payout(live).discrepancies.get().pk),
    "exception_act": inside(lambda live: make.payout(live).discrepancies.get().pk),
    "team_role": colleague,
    "team_remove": colleague,
    "team_revoke": lambda tenant, live: offer(tenant).pk,
    "team_resend": lambda tenant, live: offer(tenant).pk,
    "notice_open": inside(lambda live: make.notice(User.objects.get(name="Alice")).pk),
    "platform_merchant": lambda tenant, live: tenant.pk,
    "platform_approve": lambda tenant, live: tenant.pk,
    "platform_suspend": lambda tenant, live: tenant.pk,
    "platform_resume": lambda tenant, live: tenant.pk,
    "platform_report_handle": complaint,
    "platform_job_retry": dead_job,
    "caught_mail": lambda tenant, live: CaughtMail.objects.create(to="a", subject="b", text="c").pk,
}
TOKENS: dict[str, Maker] = {
    "pay": inside(lambda live: make.link(live=live).token),
    "pay_go": inside(lambda live: make.payment(make.link(live=live)).token),
    "pay_status": inside(lambda live: make.payment(make.link(live=live)).token),
    "pay_receipt": inside(numbered),
    "pay_report": inside(lambda live: make.link(live=live).token),
    "pay_logo": inside(lambda live: make.link(live=live).token),
    "pay_brand": inside(lambda live: make.link(live=live).token),
    "pay_terms": inside(lambda live: make.link(live=live).token),
    "paytm_callback": inside(lambda live: make.paytm_token(live)),
    "paytm_webhook": inside(lambda live: make.paytm_token(live)),
}
ABSENT = {"uuid": uuid.UUID(int=7), "int": 2_000_000_000}


def kind_of(route: str) -> str:
    return next((kind for kind in ABSENT if f"<{kind}:id>" in route), "")


def named(start: str) -> list[Any]:
    found = [(route, p) for route, p in ROUTES if route.startswith(start)]
    return [pytest.param(route, p, id=p.name) for route, p in found]


def in_worlds() -> list[Any]:
    """Every address of a merchant, in both worlds where it has one."""
    return [
        pytest.param(*p.values, live, id=f"{p.id}-{'live' if live else 'test'}")
        for p in named("m/")
        for live in ((False, True) if "<world:live>" in p.values[0] else (False,))
    ]


@pytest.fixture
def both(acme: Tenant, globex: Tenant, paytm: Any) -> tuple[Tenant, Tenant]:
    """Two merchants whose test and live worlds are open, with a payment account in each."""
    for tenant in (acme, globex):
        Tenant.objects.filter(pk=tenant.pk).update(live_state="approved")
        with tenant_context(tenant):
            make.paytm_account("LIVEMID0000000000001", "live0000merchant", live=True)
            Profile.objects.update(legal_name="x", support_email="a@b.example")
    return acme, globex


def with_second_factor(user: User) -> User:
    if not is_mfa_enabled(user):
        TOTP.activate(user, generate_totp_secret())
    return user


def address(route: str, pattern: Any, slug: str, live: bool, **ids: Any) -> str:
    worlds = {"live": live} if "<world:live>" in route else {}
    return reverse(pattern.name, kwargs={"slug": slug, **worlds, **ids})


def ask(client: Client, method: str, url: str) -> int:
    body = next((body for end, body in BODIES.items() if url.endswith(end)), "")
    return int(client.generic(method, url, body, FORM).status_code)


def succeeding(client: Client, url: str) -> str:
    """The method that its owner succeeds with; fails where there is none."""
    codes = {method: ask(client, method, url) for method in ("GET", "POST")}
    assert set(codes.values()) <= WELL | {405, 410}, (url, codes)
    good = [method for method, code in codes.items() if code in WELL]
    assert good, (url, codes)
    return good[0]


def test_every_view_declares_its_access() -> None:
    assert every_view_declares_its_access() == []


def test_every_address_with_an_id_has_a_maker() -> None:
    for route, pattern in ROUTES:
        if "id>" in route:
            assert pattern.name in IDS, route
        if "<token:" in route:
            assert pattern.name in TOKENS, route


@pytest.mark.parametrize(("route", "pattern", "live"), in_worlds())
def test_a_merchants_address_opens_to_its_team_alone(
    route: str,
    pattern: Any,
    live: bool,
    both: tuple[Tenant, Tenant],
    sign_in: SignIn,
    alice: User,
    charlie: User,
) -> None:
    acme, globex = both
    maker = IDS.get(pattern.name)
    ids = {"id": maker(acme, live)} if maker else {}
    url = address(route, pattern, "acme", live, **ids)
    owner = sign_in(with_second_factor(alice))
    if live and pattern.name in TEST_ONLY:
        assert {ask(owner, m, url) for m in ("GET", "POST")} <= {404, 405}
        return
    method = succeeding(owner, url)

    assert ask(browser(), "GET", url) == 302
    strangers = [
        with_second_factor(charlie),
        with_second_factor(cast.person("Sam", staff_role="support")),
        with_second_factor(cast.person("Ada", staff_role="admin")),
        cast.person("Nobody"),
    ]
    for stranger in strangers:
        client = sign_in(stranger)
        assert {ask(client, m, url) for m in METHODS} == {404}, stranger
    permission = pattern.callback.access
    for role in Role:
        member = with_second_factor(cast.person(f"New{role}"))
        Membership.objects.create(tenant=acme, user=member, role=role)
        code = ask(sign_in(member), method, url)
        assert (code == 403) is (not roles.may(role, permission)), (role, code)
        if not roles.may(role, permission):
            assert {ask(sign_in(member), m, url) for m in ("GET", "POST")} == {403}
    if maker:
        foreign, absent = maker(globex, live), ABSENT[kind_of(route)]
        for id in (foreign, absent):
            other = address(route, pattern, "acme", live, id=id)
            assert ask(owner, method, other) == 404
        if "<world:live>" in route:
            twisted = address(route, pattern, "acme", not live, **ids)
            assert ask(owner, method, twisted) == 404
    absent_slug = address(route, pattern, "initech", live, **ids)
    assert ask(owner, method, absent_slug) == 404
    Tenant.objects.filter(pk=acme.pk).update(state="suspended")
    assert ask(owner, method, url) == 403


@pytest.mark.parametrize(
    ("route", "pattern"), [p for p in named("m/") if "<world:live>" in p.values[0]]
)
def test_the_live_world_is_closed_until_staff_open_it(
    route: str, pattern: Any, acme: Tenant, paytm: Any, sign_in: SignIn, alice: User
) -> None:
    ids = {"id": ABSENT[kind_of(route)]} if "id>" in route else {}
    url = address(route, pattern, "acme", True, **ids)
    client = sign_in(with_second_factor(alice))
    assert {ask(client, m, url) for m in METHODS} == {403}


@pytest.mark.parametrize(
    ("route", "pattern"),
    [
        p
        for p in named("m/")
        if "<world:live>" in p.values[0] and p.values[1].callback.access in roles.SECOND_FACTOR
    ],
)
def test_live_acts_want_a_second_factor(
    route: str, pattern: Any, both: tuple[Tenant, Tenant], sign_in: SignIn, alice: User
) -> None:
    maker = IDS.get(pattern.name)
    ids = {"id": maker(both[0], True)} if maker else {}
    url = address(route, pattern, "acme", True, **ids)
    client = sign_in(alice)
    assert ask(client, "GET", url) == 302
    assert ask(client, "POST", url) == 403


@pytest.mark.parametrize(("route", "pattern"), named("platform/"))
def test_the_platforms_addresses_open_to_staff_with_a_second_factor(
    route: str, pattern: Any, both: tuple[Tenant, Tenant], sign_in: SignIn, alice: User
) -> None:
    maker = IDS.get(pattern.name)
    url = reverse(pattern.name, kwargs={"id": maker(both[0], False)} if maker else {})
    admin = cast.person("Ada", staff_role="admin")
    assert ask(sign_in(admin), "GET", url) == 302
    succeeding(sign_in(with_second_factor(admin)), url)
    assert ask(browser(), "GET", url) == 302
    assert {ask(sign_in(with_second_factor(alice)), m, url) for m in METHODS} == {404}
    support = sign_in(with_second_factor(cast.person("Sam", staff_role="support")))
    codes = {ask(support, m, url) for m in METHODS}
    assert codes == {403} if pattern.callback.access == "staff:admin" else 403 not in codes
    if maker and pattern.name != "platform_merchant":
        url = reverse(pattern.name, kwargs={"id": ABSENT[kind_of(route)]})
        assert ask(
            sign_in(with_second_factor(cast.person("Eve", staff_role="admin"))), "POST", url
        ) in (404, 302)


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_opens_its_own_tenants_thing_alone(name: str, both: tuple[Tenant, Tenant]) -> None:
    acme, globex = both
    with tenant_context(acme):
        Profile.objects.update(logo_png=b"\x89PNG", colour="#b3261e", terms="No returns.")
    own = TOKENS[name](acme, False)
    client = browser()
    url = reverse(name, kwargs={"token": own})
    if not name.startswith("paytm_"):
        succeeding(client, url)
    foreign_secret = TOKENS[name](globex, False)[10:]
    for token in (acme.key + foreign_secret, acme.key + "A" * 22, "zzzzzzzzzz" + own[10:]):
        other = reverse(name, kwargs={"token": token})
        assert ask(client, "POST" if name.startswith("paytm_") else "GET", other) == 404
    for wrong in (own.upper(), own[:-1], own + "A", own.replace(own[3], "%00")):
        assert ask(client, "GET", url.replace(own, wrong)) in (400, 404)
