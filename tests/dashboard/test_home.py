"""What a merchant's people see first, and what stands around every page."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from config.clock import now
from dashboard.context import everywhere
from merchants.models import PaytmAccount
from payments.models import Link, Payment, Transfer
from payments.settling import settle
from tenants.current import today
from tenants.models import Membership, Tenant, User
from tests import make
from tests.conftest import SignIn
from tests.dashboard.conftest import Pay, Url, text
from tests.payments.test_settling import answer


def titles(page: Any) -> dict[str, bool]:
    return {step.title: step.done for step in page.context["steps"]}


def test_the_door_leads_to_the_test_world_until_live_is_open(
    at_acme: Client, acme: Tenant, url: Url
) -> None:
    assert at_acme.get("/m/acme/")["Location"] == url("dashboard")
    acme.live_state = Tenant.LiveState.APPROVED
    acme.save()
    assert at_acme.get("/m/acme/")["Location"] == url("dashboard", live=True)


def test_the_first_steps_are_ticked_as_they_are_done(
    at_acme: Client, acme: Tenant, url: Url
) -> None:
    steps = titles(at_acme.get(url("dashboard")))
    assert [*steps.values()] == [False, False, False, True, False, False], "Bob is on the team"


def test_paying_once_ticks_paytm_link_and_payment(at_acme: Client, url: Url, paid: Payment) -> None:
    steps = titles(at_acme.get(url("dashboard")))
    assert [done for title, done in steps.items()][:3] == [True, True, True]


def test_steps_are_for_those_who_can_take_them(sign_in: SignIn, bob: User, url: Url) -> None:
    assert sign_in(bob).get(url("dashboard")).context["steps"] == []


def test_today_is_held_against_the_same_day_last_week(
    at_acme: Client, url: Url, link: Link, pay: Pay
) -> None:
    before = pay(link)
    Transfer.objects.filter(payment=before).update(folded=False)
    sale = Transfer.objects.get(payment=before)
    for minutes_later, paise in ((-1, 120_00), (1, 999_00)):
        Transfer.objects.create(
            live=False, day=today() - timedelta(days=7), payment=before, debit=sale.debit,
            credit=sale.credit, paise=paise, method=sale.method, reverses=sale,
            at=now() - timedelta(days=7, minutes=-minutes_later),
        )  # fmt: skip
    sales = at_acme.get(url("dashboard")).context["stats"][0]
    assert sales["value"] == "₹500.00"
    assert sales["note"].startswith("+316 % · ₹120.00 by "), "what came later in the day waits"
    assert sales["tone"] == "success"


def test_every_figure_leads_to_its_rows(at_acme: Client, url: Url, paid: Payment) -> None:
    page = at_acme.get(url("dashboard"))
    assert [stat["value"] for stat in page.context["stats"]] == [
        "₹500.00", "1", "100.0 %", "₹0.00", "₹500.00",
    ]  # fmt: skip
    behind = [stat["url"] for stat in page.context["stats"]]
    behind += [bar["url"] for bar in page.context["chart"]["bars"]]
    assert len(behind) == 5 + 14
    for address in behind:
        assert at_acme.get(address).status_code == 200
    assert "₹500.00" in text(at_acme.get(behind[0]))
    assert paid.order_id in text(at_acme.get(behind[-1]))


def test_keys_that_paytm_refused_want_a_person(
    at_acme: Client, url: Url, link: Link, sign_in: SignIn, bob: User
) -> None:
    PaytmAccount.objects.update(diagnosis="wrong_key")
    page = text(at_acme.get(url("dashboard")))
    assert "Paytm: The merchant key is wrong" in page
    assert "The merchant key is wrong" not in text(sign_in(bob).get(url("dashboard")))
    PaytmAccount.objects.update(diagnosis="unreachable")
    assert "Paytm: " not in text(at_acme.get(url("dashboard")))


def test_home_reads_figures_and_not_rows(
    at_acme: Client, url: Url, paid: Payment, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(34):
        at_acme.get(url("dashboard"))


def test_surplus_money_wants_a_person(at_acme: Client, url: Url, link: Link) -> None:
    payment = make.payment(link)
    settle(payment, answer(payment, amount_paise=501_00))
    page = text(at_acme.get(url("dashboard")))
    assert "1 payment brought money that nobody asked for" in page
    assert url("surplus") in page


def test_latest_payments_are_there(at_acme: Client, url: Url, paid: Payment) -> None:
    assert paid.order_id in text(at_acme.get(url("dashboard")))


def test_times_are_in_the_merchants_zone(
    at_acme: Client, acme: Tenant, url: Url, paid: Payment
) -> None:
    acme.time_zone = "Asia/Kathmandu"
    acme.save()
    assert "+05:45" in text(at_acme.get(url("payments")))


PLACE = r"<a ([^>]*)><svg[^>]*>.*?</svg><span>([^<]*)</span></a>"
MERCHANT = r'<a (href="/m/[a-z]+/"[^>]*)><svg[^>]*>.*?</svg>([^<]*)</a>'


def places(page: Any) -> list[tuple[str, str]]:
    """What the side's navigation says, and the attributes of each of its links."""
    nav = page.content.decode().partition('<nav class="side-nav"')[2].partition("</nav>")[0]
    return [(label, attributes) for attributes, label in re.findall(PLACE, nav)]


REST = ("Reports", "Exports", "Events", "Paytm", "Team", "Activity", "Settings")


def test_the_navigation_holds_what_the_role_may_see(
    acme: Tenant, at_acme: Client, charlie: User, sign_in: SignIn, url: Url
) -> None:
    Membership.objects.create(tenant=acme, user=charlie, role="viewer")
    owner = [label for label, _ in places(at_acme.get(url("links")))]
    viewer = [label for label, _ in places(sign_in(charlie).get(url("links")))]
    owners = ["Home", "Payments", "Links", "Refunds", "Surplus", "Settlements", *REST]
    assert owner == owners
    not_for_all = {"Paytm", "Exports", "Activity"}
    assert viewer == [label for label in owners if label not in not_for_all]


@pytest.mark.parametrize("name", ["payments", "links", "refunds", "settlements", "reports"])
def test_the_place_one_is_in_is_marked(at_acme: Client, url: Url, name: str) -> None:
    page = at_acme.get(url(name))
    assert [attributes for _, attributes in places(page) if "aria-current" in attributes] == [
        f'href="{url(name)}" aria-current="page"'
    ]


def test_a_person_switches_between_their_merchants(
    at_acme: Client, globex: Tenant, alice: User, url: Url
) -> None:
    Membership.objects.create(tenant=globex, user=alice, role="viewer")
    menu = re.findall(MERCHANT, at_acme.get(url("links")).content.decode())
    assert menu[: len(menu) // 2] == [
        ('href="/m/acme/" aria-current="true"', "Acme"),
        ('href="/m/globex/"', "Globex"),
    ]


def test_strangers_and_payers_cost_no_query(acme: Tenant) -> None:
    anonymous, payer = RequestFactory().get("/"), RequestFactory().get("/p/x")
    payer.tenant = acme
    with CaptureQueriesContext(connection) as queries:
        for request in (anonymous, payer):
            assert everywhere(request) == {"product_name": "Galla", "demo": False}
    assert not queries


def test_test_mode_is_on_every_page(at_acme: Client, url: Url) -> None:
    for name in ("dashboard", "payments", "links", "link_new", "refunds", "reports"):
        assert "TEST MODE" in text(at_acme.get(url(name)))


def test_live_mode_is_explained_while_it_is_closed(at_acme: Client, acme: Tenant, url: Url) -> None:
    answer = at_acme.get(url("dashboard", live=True))
    assert answer.status_code == 403
    assert "Ask for live mode" in text(answer)
    acme.live_state = Tenant.LiveState.ASKED
    acme.save()
    assert "You have asked for live mode" in text(at_acme.get(url("dashboard", live=True)))


def test_a_suspended_merchant_is_told_so(at_acme: Client, acme: Tenant, url: Url) -> None:
    acme.state = Tenant.State.SUSPENDED
    acme.save()
    answer = at_acme.get(url("payments"))
    assert answer.status_code == 403
    assert "Acme is suspended" in text(answer)
