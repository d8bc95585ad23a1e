"""The team makes payment links, shares them, closes and opens them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from config.clock import now
from merchants.models import AuditEvent
from payments.models import Link
from payments.money import MAX_PAISE
from tenants.models import Membership, Tenant, User
from tests import make
from tests.conftest import SignIn
from tests.dashboard.conftest import Pay, Url, text
from tests.forms import read_form
from tests.wire import Simulator

TOMORROW = (datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")


def send(client: Client, address: str, **fields: str) -> Any:
    """Fill the form for a new link and send it; the answer is not followed."""
    form = read_form(client.get(address).content.decode(), "link")
    return client.post(address, form.fields | fields)


@pytest.fixture
def new(paytm: Simulator, url: Url) -> str:
    return url("link_new")


@pytest.fixture(autouse=True)
def _inside(in_acme: Tenant) -> None:
    pass


def test_a_fixed_link_for_one_payment(at_acme: Client, url: Url, new: str, alice: User) -> None:
    answer = send(
        at_acme, new, description="Invoice 1042", amount="499.50", expires_at=TOMORROW,
        return_url="https://shop.example/thanks",
    )  # fmt: skip
    link = Link.objects.get()
    assert answer["Location"] == url("link", id=link.pk)
    assert (link.amount_paise, link.max_payments, link.live) == (499_50, 1, False)
    assert (link.description, link.return_url) == ("Invoice 1042", "https://shop.example/thanks")
    assert link.expires_at
    local = link.expires_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert local.strftime("%Y-%m-%dT%H:%M") == TOMORROW
    assert (link.created_by_id, link.created_by_name) == (alice.pk, "Alice")
    event = AuditEvent.objects.get()
    assert (event.act, event.by_name, event.subject) == ("link.created", "Alice", "Invoice 1042")


def test_an_open_link_for_many_payments(at_acme: Client, new: str) -> None:
    send(
        at_acme, new, description="Donation", amount_is="open", payments="many",
        least="10", most="5000", amount="77",
    )  # fmt: skip
    link = Link.objects.get()
    assert (link.amount_paise, link.min_paise, link.max_paise) == (None, 10_00, 5000_00)
    assert (link.max_payments, link.expires_at) == (None, None)


def test_an_open_link_without_limits_takes_what_paytm_takes(at_acme: Client, new: str) -> None:
    send(at_acme, new, description="Anything", amount_is="open")
    link = Link.objects.get()
    assert (link.min_paise, link.max_paise) == (1_00, MAX_PAISE)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"description": ""}, "This field is required."),
        ({"description": "x" * 121}, "at most 120 characters"),
        ({"amount": ""}, "This field is required."),
        ({"amount": "0"}, "Enter an amount from ₹1.00 to ₹10,00,000.00."),
        ({"amount": "0.99"}, "Enter an amount from ₹1.00"),
        ({"amount": "1000000.01"}, "Enter an amount from ₹1.00"),
        ({"amount": "-1"}, "plain digits"),
        ({"amount": "1.005"}, "plain digits"),
        ({"amount": "1e5"}, "plain digits"),
        ({"amount": "१००"}, "plain digits"),
        ({"amount": "1,000"}, "plain digits"),
        ({"amount": "NaN"}, "plain digits"),
        ({"amount_is": "open", "least": "20", "most": "10"}, "This is less than the least"),
        ({"amount_is": "guess"}, "guess is not one of the available choices"),
        ({"payments": "0"}, "0 is not one of the available choices"),
        ({"expires_at": "2020-01-01T10:00"}, "Choose a time that is still to come."),
        ({"expires_at": "tomorrow"}, "Enter a valid date/time."),
        ({"return_url": "javascript:alert(1)"}, "Enter a web address that begins with https://."),
        ({"return_url": "ftp://shop.example/"}, "Enter a web address that begins with https://."),
        ({"return_url": "//shop.example"}, "Enter a web address that begins with https://."),
        ({"return_url": "https://shop.example/" + "x" * 400}, "at most 400 characters"),
        ({"key": "x"}, "Enter a valid UUID."),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(
    at_acme: Client, new: str, fields: dict[str, str], words: str
) -> None:
    answer = send(at_acme, new, **({"description": "Chai", "amount": "20"} | fields))
    assert answer.status_code == 422
    assert words in text(answer)
    assert not Link.objects.exists()
    assert not AuditEvent.objects.exists()


def test_the_same_form_sent_twice_is_one_link(at_acme: Client, url: Url, new: str) -> None:
    terms = {"description": "Chai", "amount": "20", "key": str(uuid4())}
    answers = [send(at_acme, new, **terms) for _ in range(2)]
    assert [a["Location"] for a in answers] == [url("link", id=Link.objects.get().pk)] * 2
    other = send(at_acme, new, **(terms | {"amount": "21"}))
    assert other.status_code == 422
    assert "This form has made a link with other terms." in text(other)
    assert Link.objects.get().amount_paise == 20_00
    again = read_form(other.content.decode(), "link")
    assert at_acme.post(new, again.fields).status_code == 302
    assert Link.objects.count() == 2


def test_a_link_is_shown_to_be_shared(at_acme: Client, url: Url, link: Link) -> None:
    page = text(at_acme.get(url("link", id=link.pk)))
    assert f'value="http://localhost:8000/p/{link.token}"' in page
    assert 'role="img" aria-label="QR code of the payment link"' in page
    assert "Nobody has paid here yet." in page


def test_a_link_shows_its_own_payments(at_acme: Client, url: Url, link: Link, pay: Pay) -> None:
    mine, other = pay(link), pay(make.link(description="Samosa"))
    page = text(at_acme.get(url("link", id=link.pk)))
    assert mine.order_id in page
    assert other.order_id not in page


def test_links_are_listed_with_their_state(at_acme: Client, url: Url, link: Link, pay: Pay) -> None:
    once = make.link(description="Invoice 7", max_payments=1)
    make.link(description="Old offer", expires_at=datetime(2020, 1, 1, tzinfo=ZoneInfo("UTC")))
    make.link(description="Closed shop", state="disabled", disabled_at=now())
    pay(once)
    page = at_acme.get(url("links"))
    closed = {row["description"]: row["closed"] for row in page.context["page"].rows}
    assert closed == {
        "Masala chai": "", "Invoice 7": "used", "Old offer": "expired", "Closed shop": "disabled",
    }  # fmt: skip
    assert text(page).count("data-copy-text") == 1
    assert f'data-copy-text="http://localhost:8000/p/{link.token}"' in text(page)


def test_a_disabled_link_takes_no_payment_until_it_is_enabled(
    at_acme: Client, client: Client, url: Url, link: Link
) -> None:
    for state, status in (("disabled", 410), ("disabled", 410), ("active", 200)):
        at_acme.post(url("link_state", id=link.pk), {"state": state})
        assert client.get(f"/p/{link.token}").status_code == status
    acts = AuditEvent.objects.order_by("id").values_list("act", "before__state", "after__state")
    assert [*acts] == [
        ("link.disabled", "active", "disabled"),
        ("link.active", "disabled", "active"),
    ]


@pytest.mark.parametrize("state", ["", "paid", "ACTIVE"])
def test_an_unknown_state_changes_nothing(
    at_acme: Client, url: Url, link: Link, state: str
) -> None:
    assert at_acme.post(url("link_state", id=link.pk), {"state": state}).status_code == 400
    assert not AuditEvent.objects.exists()


def test_a_viewer_may_look_but_not_touch(
    acme: Tenant, charlie: User, sign_in: SignIn, url: Url, link: Link, new: str
) -> None:
    Membership.objects.create(tenant=acme, user=charlie, role="viewer")
    viewer = sign_in(charlie)
    page = text(viewer.get(url("link", id=link.pk)))
    assert "Disable" not in page
    assert "New link" not in text(viewer.get(url("links")))
    assert viewer.get(new).status_code == 403
    assert viewer.post(new).status_code == 403
    assert viewer.post(url("link_state", id=link.pk), {"state": "disabled"}).status_code == 403


def test_strangers_and_the_other_world_find_nothing(
    acme: Tenant, at_acme: Client, charlie: User, sign_in: SignIn, url: Url, link: Link
) -> None:
    stranger = sign_in(charlie)
    for address in (url("links"), url("link_new"), url("link", id=link.pk)):
        assert stranger.get(address).status_code == 404
    assert stranger.get(url("link", slug="globex", id=link.pk)).status_code == 404
    acme.live_state = Tenant.LiveState.APPROVED
    acme.save()
    assert at_acme.get(url("link", live=True, id=link.pk)).status_code == 404
    assert "No links yet" in text(at_acme.get(url("links", live=True)))


def test_a_link_can_be_made_before_paytm_is_connected(
    at_acme: Client, acme: Tenant, url: Url
) -> None:
    answer = send(at_acme, url("link_new"), description="Chai", amount="20")
    assert "Paytm is not connected" in text(at_acme.get(url("link_new")))
    assert "This link takes no payments yet" in text(at_acme.get(answer["Location"]))
