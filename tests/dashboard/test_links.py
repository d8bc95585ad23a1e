"""The team makes payment links, shares them, closes and opens them."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils.html import escape

from config.clock import now
from merchants.models import AuditEvent, Profile
from payments import questions
from payments.linking import terms_of
from payments.models import Link, LinkViews, Payment
from payments.money import MAX_PAISE
from payments.questions import Question
from payments.settling import settle
from tenants.models import Membership, Tenant, User
from tests import make
from tests.conftest import SignIn
from tests.dashboard.conftest import Pay, Url, text
from tests.forms import read_form
from tests.payments.test_settling import answer
from tests.wire import Simulator

IST = ZoneInfo("Asia/Kolkata")
TOMORROW = (datetime.now(IST) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
NEXT_WEEK = (datetime.now(IST) + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M")
QUESTIONS = {
    "ask0-label": "Size",
    "ask0-kind": "choice",
    "ask0-choices": "S\r\n M \r\n\r\n",
    "ask0-required": "on",
    "ask1-label": "Batch",
}


def send(client: Client, address: str, **fields: Any) -> Any:
    """Fill the form of a link and send it; the answer is not followed."""
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
    assert (link.ask_name, link.ask_email, link.ask_phone) == ("no", "optional", "no")
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
        ({"amount": "1,5"}, "plain digits"),
        ({"amount": "NaN"}, "plain digits"),
        ({"amount_is": "open", "least": "20", "most": "10"}, "This is less than the least"),
        ({"amount_is": "guess"}, "guess is not one of the available choices"),
        ({"payments": "0"}, "0 is not one of the available choices"),
        ({"payments": "some", "times": ""}, "This field is required."),
        ({"payments": "some", "times": "0"}, "greater than or equal to 1"),
        ({"payments": "some", "times": "2.5"}, "Enter a whole number."),
        ({"amount_is": "open", "suggestions": "100; 200"}, "with commas between"),
        ({"amount_is": "open", "suggestions": "1,2,3,4,5,6,7"}, "Suggest at most 6 amounts."),
        ({"amount_is": "open", "most": "50", "suggestions": "20, 99"}, "from ₹1.00 to ₹50.00"),
        ({"starts_at": "2099-01-01T10:00"}, "Choose a time from the year 2000 on, within ten"),
        ({"starts_at": "0001-01-01T00:00"}, "Choose a time from the year 2000 on, within ten"),
        ({"expires_at": "9999-12-31T23:59"}, "Choose a time from the year 2000 on, within ten"),
        ({"starts_at": TOMORROW, "expires_at": TOMORROW}, "not after the time from which"),
        ({"ask_name": "perhaps"}, "perhaps is not one of the available choices"),
        ({"methods": "cheque"}, "cheque is not one of the available choices"),
        ({"reference": "x" * 61}, "at most 60 characters"),
        ({"notes": "x" * 1001}, "at most 1000 characters"),
        ({"thanks": "x" * 301}, "at most 300 characters"),
        ({"ask0-label": "Size", "ask0-kind": "choice", "ask0-choices": "S"}, "from 2 to 20"),
        ({"ask0-label": "Size", "ask0-kind": "choice", "ask0-choices": "S\nS"}, "are the same"),
        ({"ask0-label": "Size", "ask0-kind": "shape"}, "shape is not one of the available"),
        ({"ask0-label": "x" * 61}, "at most 60 characters"),
        ({"ask0-label": "Size", "ask1-label": "size"}, "Another question has these words."),
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
    seats = make.link(description="Two seats", max_payments=2)
    for link_paid in (once, seats, seats):
        pay(link_paid)
    assert "Full</span>" in text(at_acme.get(url("link", id=seats.pk)))
    page = at_acme.get(url("links"))
    closed = {row["description"]: row["closed"] for row in page.context["page"].rows}
    assert closed == {
        "Masala chai": "", "Invoice 7": "used", "Old offer": "expired", "Closed shop": "disabled",
        "Two seats": "full",
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


def test_all_terms_are_kept_and_shown(at_acme: Client, new: str) -> None:
    answer = send(
        at_acme, new, description="Workshop", amount_is="open", least="100", most="5000",
        suggestions="500, 100,250, 500", payments="some", times="12", starts_at=TOMORROW,
        expires_at=NEXT_WEEK, ask_name="required", ask_email="no", ask_phone="optional",
        methods=["wallet", "upi"], reference="PO-7", notes="Ours\nalone", thanks="Bring an apron.",
        surplus_policy="accept", **QUESTIONS,
    )  # fmt: skip
    link = Link.objects.get()
    assert (link.suggestions, link.max_payments) == ([100_00, 250_00, 500_00], 12)
    assert (link.ask_name, link.ask_email, link.ask_phone) == ("required", "no", "optional")
    assert (link.methods, link.surplus_policy) == (["upi", "wallet"], "accept")
    assert (link.reference, link.notes, link.thanks) == ("PO-7", "Ours\nalone", "Bring an apron.")
    assert link.questions == [
        {"label": "Size", "kind": "choice", "required": True, "choices": ["S", "M"]},
        {"label": "Batch", "kind": "text", "required": False, "choices": []},
    ]
    assert link.starts_at
    assert link.starts_at.astimezone(IST).strftime("%Y-%m-%dT%H:%M") == TOMORROW
    page = text(at_acme.get(answer["Location"]))
    for words in (
        "Not open yet", "₹100.00 to ₹5,000.00", "₹250.00", "12 payments", "UPI, Wallet", "PO-7",
        "Ours<br>alone", "Bring an apron.", "Keep it as a sale",
        'Name <span class="muted">Must be given', 'Size <span class="muted">Must be given: S, M',
        'Batch <span class="muted">Asked',
    ):  # fmt: skip
        assert words in page, words
    assert "E-mail <span" not in page
    assert "Not open yet" in text(at_acme.get(new.removesuffix("/new")))


def test_of_the_choice_not_taken_nothing_counts(at_acme: Client, new: str) -> None:
    send(at_acme, new, description="Chai", amount="20", suggestions="5, 10", times="7")
    link = Link.objects.get()
    assert (link.suggestions, link.max_payments) == ([], 1)


def test_a_link_is_changed_and_the_audit_says_how(at_acme: Client, url: Url, link: Link) -> None:
    Link.objects.update(questions=questions.stored([Question("Size", required=True)]))
    edit = url("link_edit", id=link.pk)
    assert send(at_acme, edit)["Location"] == url("link", id=link.pk)
    assert not AuditEvent.objects.exists()  # the form as it was
    send(at_acme, edit, amount="750", methods=["upi"], expires_at=TOMORROW, **{"ask0-label": ""})
    link.refresh_from_db()
    assert (link.amount_paise, link.methods, link.questions) == (750_00, ["upi"], [])
    event = AuditEvent.objects.get()
    assert (event.act, event.by_name, event.subject) == ("link.changed", "Alice", "Masala chai")
    assert (event.before["amount_paise"], event.after["amount_paise"]) == (500_00, 750_00)
    assert (event.before["expires_at"], event.after["methods"]) == (None, '["upi"]')
    assert set(event.after) == {"amount_paise", "methods", "expires_at", "questions"}


def test_who_saves_last_is_told_what_somebody_else_changed(
    acme: Tenant, at_acme: Client, bob: User, sign_in: SignIn, url: Url, link: Link
) -> None:
    edit, at_bobs = url("link_edit", id=link.pk), sign_in(bob)
    form = read_form(at_acme.get(edit).content.decode(), "link").fields
    send(at_bobs, edit, amount="600", methods=["upi"], ask_email="optional", payments="some",
         times="9", **QUESTIONS)  # fmt: skip
    at = AuditEvent.objects.get().at.astimezone(ZoneInfo(acme.time_zone))
    answer = at_acme.post(edit, form | {"description": "Masala chai, large", "amount": "750"})
    assert answer.status_code == 409
    page = text(answer)
    for words in ("Somebody changed this link meanwhile", "The last change: Bob, ",
                  f"{at:%H:%M}</time></p>", "<dd>₹600.00</dd>", "<dd>UPI</dd>",
                  "<dd>9</dd>", "<dd>Size, Batch</dd>", "<dd>Asked</dd>",
                  'value="Masala chai, large"', 'value="750"'):  # fmt: skip
        assert words in page, words
    link.refresh_from_db()
    assert (link.description, link.amount_paise) == ("Masala chai", 600_00)
    again = read_form(page, "link").fields
    assert at_acme.post(edit, again).status_code == 302
    link.refresh_from_db()
    assert (link.description, link.amount_paise) == ("Masala chai, large", 750_00)


def test_the_same_change_by_two_is_no_quarrel(
    at_acme: Client, bob: User, sign_in: SignIn, url: Url, link: Link
) -> None:
    edit = url("link_edit", id=link.pk)
    form = read_form(at_acme.get(edit).content.decode(), "link").fields
    send(sign_in(bob), edit, amount="600")
    assert at_acme.post(edit, form | {"amount": "600"}).status_code == 302


@pytest.mark.parametrize("opened", ["", "x", "[]", "7", '{"amount_paise": 7}'])
def test_what_a_form_was_opened_with_is_not_the_persons_to_write(
    at_acme: Client, url: Url, link: Link, opened: str
) -> None:
    answer = send(at_acme, url("link_edit", id=link.pk), amount="600", opened=opened)
    assert answer.status_code in (409, 422)
    link.refresh_from_db()
    assert link.amount_paise == 500_00


def test_what_is_wrong_with_a_change_is_told(at_acme: Client, url: Url, link: Link) -> None:
    answer = send(at_acme, url("link_edit", id=link.pk), amount="0", **{"ask0-kind": "x"})
    assert answer.status_code == 422
    assert "Enter an amount from" in text(answer)
    assert "Look at what payers are asked" in text(answer)


def test_an_expired_link_keeps_its_end_through_a_change(
    at_acme: Client, url: Url, in_acme: Tenant
) -> None:
    ended = datetime(2020, 1, 1, 10, 0, 7, tzinfo=UTC)
    link = make.link(expires_at=ended)
    assert send(at_acme, url("link_edit", id=link.pk), notes="x").status_code == 302
    link.refresh_from_db()
    assert (link.expires_at, link.notes) == (ended, "x")


def test_a_limit_counts_what_was_paid_before_it(
    at_acme: Client, url: Url, link: Link, pay: Pay
) -> None:
    first, second = pay(link), pay(link)
    edit = url("link_edit", id=link.pk)
    answer = send(at_acme, edit, payments="one")
    assert answer.status_code == 422
    assert "It has taken 2 payments already" in text(answer)
    send(at_acme, edit, payments="some", times="3")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.slot, second.slot) == (1, 2)
    third = pay(link)
    assert (third.state, third.slot) == ("paid", 3)
    assert "Paid" in text(at_acme.get(url("link", id=link.pk)))
    assert send(at_acme, edit, payments="some", times="2").status_code == 422
    send(at_acme, edit, payments="many")
    assert pay(link).slot is None


def test_a_copy_begins_with_the_same_terms(at_acme: Client, url: Url, new: str) -> None:
    over = datetime(2020, 1, 1, tzinfo=UTC)
    old = make.link(max_payments=5, reference="R1", methods=["emi"], expires_at=over)
    answer = send(at_acme, f"{new}?from={old.pk}", methods=["emi"])
    made = Link.objects.exclude(pk=old.pk).get()
    assert answer["Location"] == url("link", id=made.pk)
    assert terms_of(made) == replace(terms_of(old), expires_at=None)
    for other in (uuid4(), "x"):
        assert at_acme.get(f"{new}?from={other}").status_code == 404


def test_a_message_to_payers_stays_while_the_link_is_closed(
    at_acme: Client, url: Url, link: Link
) -> None:
    state = url("link_state", id=link.pk)
    refused = at_acme.post(state, {"state": "disabled", "closed_words": "x" * 301})
    assert refused.status_code == 422
    assert "at most 300 characters" in text(refused)
    at_acme.post(state, {"state": "disabled", "closed_words": "Sold out."})
    link.refresh_from_db()
    assert (link.state, link.closed_words) == ("disabled", "Sold out.")
    assert "“Sold out.”" in text(at_acme.get(url("link", id=link.pk)))
    saved = at_acme.post(state, {"state": "disabled", "closed_words": "Back soon."}, follow=True)
    assert "Saved." in text(saved)
    assert "“Back soon.”" in text(saved)
    at_acme.post(state, {"state": "active"})
    link.refresh_from_db()
    assert (link.state, link.closed_words, link.disabled_at) == ("active", "", None)
    acts = AuditEvent.objects.order_by("id").values_list("act", "after__closed_words")
    assert [*acts] == [
        ("link.disabled", "Sold out."),
        ("link.disabled", "Back soon."),
        ("link.active", ""),
    ]


def test_an_archived_link_leaves_the_list_and_comes_back_closed(
    at_acme: Client, client: Client, url: Url, link: Link
) -> None:
    state, archive = url("link_state", id=link.pk), f"{url('links')}?archived=1"
    assert "Nothing is archived" in text(at_acme.get(archive))
    at_acme.post(state, {"state": "archived"})
    link.refresh_from_db()
    closed_since = link.disabled_at
    assert closed_since
    assert client.get(f"/p/{link.token}").status_code == 410
    assert "Masala chai" not in text(at_acme.get(url("links")))
    assert "Masala chai" in text(at_acme.get(archive))
    assert "Restore the link" in text(at_acme.get(url("link", id=link.pk)))
    page = at_acme.post(state, {"state": "disabled"}, follow=True)
    assert "The link is back in the list." in text(page)
    link.refresh_from_db()
    assert (link.state, link.disabled_at) == ("disabled", closed_since)
    assert "Masala chai" in text(at_acme.get(url("links")))


def test_the_funnel_counts_who_came_began_and_paid(
    at_acme: Client, url: Url, link: Link, pay: Pay
) -> None:
    address = url("link", id=link.pk)
    assert at_acme.get(address).context["funnel"].started_share is None
    LinkViews.objects.update_or_create(link=link, defaults={"seen": 8})
    pay(link)
    pay(link, "failure")
    funnel = at_acme.get(address).context["funnel"]
    assert (funnel.seen, funnel.started, funnel.paid) == (8, 2, 1)
    page = text(at_acme.get(address))
    assert "25 % of those who opened it" in page
    assert "50 % of those begun" in page


def test_surplus_that_was_kept_counts_as_paid(at_acme: Client, url: Url, link: Link) -> None:
    order = make.payment(link)
    settle(order, answer(order, amount_paise=600_00))
    address = url("link", id=link.pk)
    assert at_acme.get(address).context["funnel"].paid == 0
    at_acme.post(url("surplus_keep", id=order.pk))
    assert at_acme.get(address).context["funnel"].paid == 1


def test_the_payments_of_a_link_as_a_file(
    at_acme: Client, url: Url, paytm: Simulator, pay: Pay
) -> None:
    pay(make.link(description="Samosa"))
    link = make.link(questions=questions.stored([Question("=Size")]))
    paid = make.payment(
        link, payer_name="=HYPERLINK(1)", payer_email="ravi@example.com",
        payer_phone="+919812345678", answers=[["=Size", "M"], ["Batch", "-2"], ["I agree", True]],
    )  # fmt: skip
    settle(paid, answer(paid))
    file = at_acme.get(url("link_payments_csv", id=link.pk))
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert str(link.pk) in file["Content-Disposition"]
    head, row = csv.reader(io.StringIO(file.content.decode("utf-8-sig")))
    assert head[10:13] == ["'=Size", "Batch", "I agree"]
    assert row[1:6] == [paid.order_id, "Paid", "500.00", "500.00", "0.00"]
    assert row[7:13] == ["'=HYPERLINK(1)", "ravi@example.com", "'+919812345678", "M", "'-2", "Yes"]
    assert row[-1] == Payment.objects.get(pk=paid.pk).paytm_txn_id


def test_a_preview_draws_what_is_right_so_far(at_acme: Client, url: Url, new: str) -> None:
    fields = read_form(at_acme.get(new).content.decode(), "link").fields
    told = {"description": "<b>Chai</b>", "amount": "20", "thanks": "Come again", **QUESTIONS}
    shown = text(at_acme.post(url("link_preview"), fields | told))
    for words in ("&lt;b&gt;Chai&lt;/b&gt;", "Pay ₹20.00", "Come again", "Your e-mail", "Size"):
        assert words in shown
    assert "<html" not in shown
    broken = {"amount_is": "open", "least": "x", "most": "90", "expires_at": "soon"}
    broken |= {"suggestions": "20, 50"}
    answer = at_acme.post(url("link_preview"), fields | told | broken | {"ask1-kind": "odd"})
    assert answer.status_code == 200
    assert "From ₹1.00 to ₹90.00." in text(answer)
    assert "Or another amount" in text(answer)
    assert "Batch" not in text(answer)
    assert at_acme.post(url("link_preview")).status_code == 200
    assert not Link.objects.exists()


def test_the_preview_wears_the_merchants_colour(at_acme: Client, url: Url, new: str) -> None:
    sheet = url("link_preview_colour")
    assert f'href="{sheet}"' not in text(at_acme.get(new))
    assert at_acme.get(sheet).content == b""
    Profile.objects.update(colour="#b3261e")
    link = make.link()
    for address in (new, url("link_edit", id=link.pk)):
        assert f'href="{sheet}"' in text(at_acme.get(address))
    answer = at_acme.get(sheet)
    assert answer["Content-Type"] == "text/css"
    of_page = at_acme.get(f"/p/brand/{link.token}").content
    assert answer.content == of_page.replace(b":root", b".preview")


def test_without_scripts_a_button_previews(at_acme: Client, url: Url, new: str) -> None:
    link = make.link()
    for address in (new, url("link_edit", id=link.pk)):
        answer = send(at_acme, address, description="Halwa", amount="20", preview="1")
        assert answer.status_code == 200
        assert '<p class="pay-what">Halwa</p>' in text(answer)
    assert Link.objects.get().description == "Masala chai"


def test_a_link_is_handed_on_in_many_ways(at_acme: Client, url: Url, in_acme: Tenant) -> None:
    link = make.link(description='Tea & "cake"')
    page = text(at_acme.get(url("link", id=link.pk)))
    address = f"http://localhost:8000/p/{link.token}"
    assert "https://wa.me/?text=Pay%20Acme%20%E2%82%B9500.00%20for%20Tea%20%26%20%22cake%22" in page
    assert "mailto:?subject=Tea%20%26%20%22cake%22%3A%20pay%20Acme&amp;body=Pay%20Acme" in page
    plain = f'<a href="{address}">Pay ₹500.00</a>'
    assert escape(plain) in page
    sheet = text(at_acme.get(url("link_print", id=link.pk)))
    for words in ("Acme", "Tea &amp; &quot;cake&quot;", "₹500.00", address, "<svg"):
        assert words in sheet


def test_a_viewer_may_not_change_links(
    acme: Tenant, charlie: User, sign_in: SignIn, url: Url, link: Link
) -> None:
    Membership.objects.create(tenant=acme, user=charlie, role="viewer")
    viewer = sign_in(charlie)
    page = text(viewer.get(url("link", id=link.pk)))
    assert not [word for word in ("Duplicate", "Archive…", "Disable…") if word in page]
    assert viewer.get(url("link_edit", id=link.pk)).status_code == 403
    assert viewer.post(url("link_preview")).status_code == 403
    assert viewer.get(url("link_print", id=link.pk)).status_code == 200
    assert viewer.get(url("link_payments_csv", id=link.pk)).status_code == 200


def test_a_payment_says_who_paid_and_what_they_answered(
    at_acme: Client, url: Url, paytm: Simulator
) -> None:
    link = make.link(reference="PO-9")
    silent = make.payment(link)
    assert "<h2>Payer</h2>" not in text(at_acme.get(url("payment", id=silent.pk)))
    told = make.payment(
        link, payer_name="Ravi", payer_email="ravi@example.com", payer_phone="+91 98123",
        answers=[["Size", "<M>"]],
    )  # fmt: skip
    page = text(at_acme.get(url("payment", id=told.pk)))
    for words in ("Ravi", "mailto:ravi@example.com", "tel:+9198123", "PO-9",
                  "<dt>Size</dt><dd>&lt;M&gt;</dd>"):  # fmt: skip
        assert words in page, words
