"""Ctrl-K and its page: one finds what one may see, in this world, of this merchant."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dashboard import palette
from dashboard.reports import REPORTS
from payments import refunding, searching
from payments.models import Link, Payment, Refund
from tenants.checks import patterns
from tenants.models import Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import SignIn
from tests.dashboard.conftest import Url, text

pytestmark = pytest.mark.django_db


def found(client: Client, q: str = "", at: str = "/m/acme/test/go") -> dict[str, str]:
    """Label → address of all that is found."""
    groups = client.get(at, {"q": q}).context["groups"]
    return {each.label: each.url for group in groups for each in group.found}


def test_without_a_word_it_shows_where_one_may_go(at_acme: Client, url: Url) -> None:
    places = found(at_acme)
    assert places["Payments"] == url("payments")
    assert places["Activity"] == "/m/acme/activity"
    assert "Switch to live" not in places
    assert "Invite someone" not in places  # only when looked for


@pytest.mark.parametrize(
    ("q", "label"),
    [
        ("new link", "New link"),
        ("LINK new", "New link"),
        ("webhook", "Endpoints for webhooks"),
        ("gstin", "Settings: for your books, GSTIN and time zone"),
        ("invite", "Invite someone"),
        ("second step", "Your account: second step"),
        ("reports mail", "Reports by mail"),
        ("limits", "Reasons and limits of refunds"),
    ],
)
def test_pages_are_found_by_any_of_their_words(at_acme: Client, q: str, label: str) -> None:
    assert label in found(at_acme, q)


def test_every_report_is_found_by_its_title(at_acme: Client, url: Url) -> None:
    for report in REPORTS:
        address = found(at_acme, str(report.title))[str(report.title)]
        assert address == f"{url('reports')}?report={report.name}"
        assert at_acme.get(address).context["report"] == report


def test_a_payment_is_found_by_paytms_id_and_the_banks_reference(
    at_acme: Client, url: Url, paid: Payment
) -> None:
    searching.write(paid.pk)  # as the worker does once it is paid
    for q in (paid.paytm_txn_id, paid.bank_txn_id, paid.bank_txn_id[-6:], f" {paid.bank_txn_id} "):
        assert found(at_acme, q).get(paid.description) == url("payment", id=paid.pk), q
    assert paid.description not in found(at_acme, f"{paid.bank_txn_id}9")


def test_a_refund_is_found_by_what_the_bank_calls_it(
    at_acme: Client, url: Url, paid: Payment, alice: User
) -> None:
    refund = refunding.ask_refund(paid, 100_00, "", alice, "a-form-key")
    names = {
        "bank_reference": "RRN602211223344",
        "arn": "ARN7788990011",
        "paytm_refund_id": "P1X2Y3",
    }
    Refund.objects.filter(pk=refund.pk).update(**names)
    for q in (*names.values(), "rrn6022"):
        groups = at_acme.get("/m/acme/test/go", {"q": q}).context["groups"]
        [refunds] = [group for group in groups if group.title == "Refunds"]
        assert [each.url for each in refunds.found] == [url("payment", id=paid.pk)]


@pytest.mark.parametrize("q", ["kumar", "status:failed amount:>5000", "qqqq", "50%&more"])
def test_the_list_of_payments_is_the_last_that_is_offered(
    at_acme: Client, url: Url, in_acme: Tenant, q: str
) -> None:
    label, address = [*found(at_acme, q).items()][-1]
    assert label == f"Search payments for “{q}”"
    assert address.startswith(f"{url('payments')}?q=")
    answer = at_acme.get(address)
    assert answer.status_code == 200
    assert answer.wsgi_request.GET["q"] == q


@pytest.mark.parametrize("q", ["", "x", "nonsense:yes"])
def test_what_the_list_refuses_is_not_offered(at_acme: Client, q: str) -> None:
    assert not [label for label in found(at_acme, q) if label.startswith("Search payments")]


def test_a_payment_is_found_by_its_order_id_whole_or_begun(
    at_acme: Client, url: Url, paid: Payment
) -> None:
    page = url("payment", id=paid.pk)
    for q in (paid.order_id, paid.order_id[:9], paid.order_id[4:], f"  {paid.order_id.upper()} "):
        assert page in found(at_acme, q).values()
    assert page not in found(at_acme, paid.order_id[6:12]).values()
    assert page not in found(at_acme, "pay_").values()


def test_a_refund_is_found_by_its_reference(
    at_acme: Client, url: Url, paid: Payment, alice: User
) -> None:
    refund = refunding.ask_refund(paid, 100_00, "", alice, "a-form-key")
    for q in (refund.ref_id, refund.ref_id[:10], refund.ref_id[4:]):
        assert url("payment", id=paid.pk) in found(at_acme, q).values()


def test_links_are_found_by_what_they_are_for(at_acme: Client, url: Url, in_acme: Tenant) -> None:
    tea, coffee = make.link(reference="INV-77"), make.link(description="Filter 100% coffee")
    assert found(at_acme, "MASALA")["Masala chai"] == url("link", id=tea.pk)
    assert found(at_acme, "inv-77")["Masala chai"] == url("link", id=tea.pk)
    assert url("link", id=coffee.pk) in found(at_acme, "100% c").values()
    assert url("link", id=tea.pk) not in found(at_acme, "%").values()


def test_people_of_the_team_are_found(at_acme: Client, acme: Tenant, bob: User) -> None:
    his = Membership.objects.get(user=bob)
    assert found(at_acme, "bob@")["Bob"] == f"/m/acme/team#member-{his.pk}"


def test_ones_own_other_merchants_are_found_and_nobody_elses(
    at_acme: Client, globex: Tenant, alice: User
) -> None:
    assert "Globex" not in found(at_acme, "globex")
    Membership.objects.create(tenant=globex, user=alice, role=Role.VIEWER)
    assert found(at_acme, "glob")["Globex"] == "/m/globex/"


def test_charlie_finds_nothing_of_acmes(
    paid: Payment, bob: User, charlie: User, sign_in: SignIn, globex: Tenant
) -> None:
    client = sign_in(charlie)
    assert client.get("/m/acme/test/go", {"q": "masala"}).status_code == 404
    for q in (paid.order_id, "masala", "bob", "acme", "alice"):
        urls = found(client, q, "/m/globex/test/go").values()
        addresses = [url.partition("?q=")[0] for url in urls]
        assert not [a for a in addresses if "acme" in a or str(paid.pk) in a]
        assert "Bob" not in found(client, q, "/m/globex/test/go")


def test_the_other_world_is_found_by_its_switch_alone(
    at_acme: Client, acme: Tenant, alice: User, link: Link, paid: Payment
) -> None:
    cast.go_live(acme, alice)
    live = "/m/acme/live/go"
    assert found(at_acme)["Switch to live"] == "/m/acme/live/"
    assert found(at_acme, at=live)["Switch to test"] == "/m/acme/test/"
    for q in (paid.order_id, "masala"):
        assert not [a for a in found(at_acme, q, live).values() if "/test/" in a]


@pytest.mark.parametrize("role", Role)
def test_a_role_finds_no_page_that_it_may_not_open(
    acme: Tenant, sign_in: SignIn, role: Role
) -> None:
    dora = cast.person("Dora")
    Membership.objects.create(tenant=acme, user=dora, role=role)
    client = sign_in(dora)
    shown: dict[str, str] = {}
    for q in ("", *"abcdefghijklmnopqrstuvwxyz"):
        shown |= {address.partition("#")[0]: label for label, address in found(client, q).items()}
    assert shown
    for address, label in shown.items():
        assert client.get(address).status_code in (200, 302), label


def test_every_part_of_a_page_that_is_named_is_there(at_acme: Client) -> None:
    for each in palette.SHORTCUTS:
        if each.part:
            page = at_acme.get(reverse(each.page, args=["acme"])).content.decode()
            assert f'id="{each.part}"' in page
    assert {each.page for each in palette.SHORTCUTS} <= {p.name for _, p in patterns()}


@pytest.mark.parametrize("q", ["x" * 5000, "<script>", "'; --", "\\", "_%", "₹५"])
def test_odd_words_are_looked_for_and_shown_as_text(at_acme: Client, q: str) -> None:
    answer = at_acme.get("/m/acme/test/go", {"q": q})
    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode().partition("<main")[2].partition("</main>")[0]


def test_the_dialog_is_filled_from_the_same_page(at_acme: Client) -> None:
    part: Any = at_acme.get("/m/acme/test/go", {"q": "pay"}, HTTP_HX_REQUEST="true")
    assert "<html" not in text(part)
    assert 'role="listbox"' in text(part)
    none = at_acme.get("/m/acme/test/go", {"q": "~"}, HTTP_HX_REQUEST="true")
    assert "Nothing fits" in text(none)
