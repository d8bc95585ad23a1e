"""Two people at their screens: Bob asks for much, and Alice decides; nobody decides alone."""

from typing import Any

import pytest
from django.test import Client

from merchants.models import AuditEvent
from merchants.refund_rules import Rules, change_rules
from payments.models import Payment, Refund
from tenants.models import Membership, Role, Tenant, User
from tests import cast
from tests.conftest import SignIn
from tests.dashboard.conftest import Clock, Url, text
from tests.dashboard.test_refunds import ask, carry_out
from tests.forms import read_form
from tests.wire import Simulator


@pytest.fixture
def at_bobs(bob: User, acme: Tenant, sign_in: SignIn) -> Client:
    """Bob's browser; he is acme's finance."""
    return sign_in(bob)


@pytest.fixture
def held(at_bobs: Client, alice: User, paid: Payment, url: Url) -> Refund:
    """Bob asked for ₹200.00, above what one person may decide."""
    change_rules(Rules(approve_above_paise=100_00), alice)
    answer = ask(at_bobs, url("refund_new", id=paid.pk), "200", reason="Goods returned")
    page = text(at_bobs.get(answer["Location"]))
    assert "it waits until a second person approves it" in page
    return Refund.objects.get()


def act(client: Client, url: Url, what: str, refund: Refund, **more: str) -> Any:
    return client.post(url(f"refund_{what}", id=refund.pk), more)


def test_the_form_says_so_before_anything_is_typed(
    at_bobs: Client, alice: User, paid: Payment, url: Url
) -> None:
    change_rules(Rules(approve_above_paise=100_00), alice)
    page = text(at_bobs.get(url("refund_new", id=paid.pk)))
    assert "Above ₹100.00 for one payment it is reserved and waits" in page


def test_it_is_shown_everywhere_that_it_waits(
    at_acme: Client, at_bobs: Client, url: Url, held: Refund, paid: Payment
) -> None:
    for client in (at_acme, at_bobs):
        for page in (url("refunds"), url("refund", id=held.pk), url("payment", id=paid.pk)):
            assert "Waits for approval" in text(client.get(page)), page
    assert "1 refund waits for your approval" in text(at_acme.get(url("dashboard")))
    assert "for your approval" not in text(at_bobs.get(url("dashboard")))
    assert "refunds?status=held" in at_acme.get(url("dashboard")).content.decode()
    assert "Approve ₹200.00" in text(at_acme.get(url("refund", id=held.pk)))
    assert "Approve ₹200.00" not in text(at_bobs.get(url("refund", id=held.pk)))
    assert "Withdraw ₹200.00" in text(at_bobs.get(url("refund", id=held.pk)))
    assert "Goods returned" in text(at_acme.get(url("refund", id=held.pk)))


def test_a_second_person_approves_and_the_page_tells_the_story(
    at_acme: Client, at_bobs: Client, url: Url, held: Refund, clock: Clock
) -> None:
    answer = act(at_acme, url, "approve", held)
    assert answer["Location"] == url("refund", id=held.pk)
    assert "Approved: ₹200.00 is on its way to Paytm." in text(at_acme.get(answer["Location"]))
    carry_out(clock)
    held.refresh_from_db()
    page = text(at_bobs.get(url("refund", id=held.pk)))
    for words in (
        "Refund of ₹200.00 asked for; a second person must approve it",
        "Reason: Goods returned",
        "Refund of ₹200.00 approved",
        "by Alice",
        "Paytm answered about the refund of ₹200.00: Refunded",
        "The payer should have it by",
        held.ref_id,
        held.paytm_refund_id,
        held.bank_reference,
        "TXN_SUCCESS",
    ):
        assert words in page
    assert held.bank_reference
    again = act(at_acme, url, "approve", held)
    assert "Somebody was quicker. The refund is: Refunded." in text(at_acme.get(again["Location"]))


def test_the_second_of_two_who_decide_is_told_who_was_quicker(
    acme: Tenant, at_acme: Client, sign_in: SignIn, url: Url, held: Refund
) -> None:
    dana = cast.person("Dana")
    Membership.objects.create(tenant=acme, user=dana, role=Role.ADMIN)
    act(at_acme, url, "reject", held, words="Ask for the goods first")
    late = act(sign_in(dana), url, "approve", held)
    page = text(sign_in(dana).get(late["Location"]))
    assert "“Ask for the goods first”" in page
    assert "Alice refused it. No money has left." in page
    assert Refund.objects.get().state == "rejected"


def test_a_rejection_wants_words(at_acme: Client, url: Url, held: Refund, paid: Payment) -> None:
    answer = act(at_acme, url, "reject", held, words=" ")
    assert answer.status_code == 422
    assert "This field is required." in text(answer)
    assert Refund.objects.get().state == "held"
    act(at_acme, url, "reject", held, words="Not yet")
    page = text(at_acme.get(url("payment", id=paid.pk)))
    assert "Rejected by Alice: Not yet" in page
    assert "Refund…" in page, "the money can be refunded anew"


def test_its_maker_withdraws_it(at_acme: Client, at_bobs: Client, url: Url, held: Refund) -> None:
    refused = act(at_acme, url, "withdraw", held)
    assert refused.status_code == 409
    assert "Only who asked for a refund can withdraw it." in text(refused)
    answer = act(at_bobs, url, "withdraw", held)
    assert "Withdrawn. ₹200.00 can be refunded anew." in text(at_bobs.get(answer["Location"]))
    assert Refund.objects.get().state == "withdrawn"


def test_nobody_decides_about_their_own(
    acme: Tenant, at_acme: Client, url: Url, alice: User, paid: Payment
) -> None:
    """Not even the owner; and without anybody to ask nothing is held for ever."""
    change_rules(Rules(approve_above_paise=100_00), alice)
    form = url("refund_new", id=paid.pk)
    refused = ask(at_acme, form, "200")
    assert refused.status_code == 422
    assert "nobody else on your team may approve it" in text(refused)
    Membership.objects.create(tenant=acme, user=cast.person("Dana"), role=Role.ADMIN)
    ask(at_acme, form, "200")
    own = Refund.objects.get()
    for what in ("approve", "reject"):
        answer = act(at_acme, url, what, own, words="No")
        assert answer.status_code == 409
        assert "somebody else must decide" in text(answer)
    own.refresh_from_db()
    assert own.state == "held"
    assert "Approve ₹200.00" not in text(at_acme.get(url("refund", id=own.pk)))


def test_finance_and_strangers_decide_nothing(
    at_bobs: Client, sign_in: SignIn, charlie: User, globex: Tenant, url: Url, held: Refund
) -> None:
    assert act(at_bobs, url, "approve", held).status_code == 403
    assert act(at_bobs, url, "reject", held, words="No").status_code == 403
    for what in ("approve", "reject", "withdraw"):
        assert act(sign_in(charlie), url, what, held, words="No").status_code == 404
    assert sign_in(charlie).get(url("refund", id=held.pk)).status_code == 404
    assert sign_in(charlie).get(url("refund", slug="globex", id=held.pk)).status_code == 404
    for name in ("refunds_csv", "refunds_exports"):
        assert sign_in(charlie).get(url(name)).status_code == 404
    held.refresh_from_db()
    assert held.state == "held"


def test_approving_wants_a_fresh_proof_and_in_live_a_second_factor(
    acme: Tenant, alice: User, sign_in: SignIn, url: Url, held: Refund
) -> None:
    stale = act(sign_in(alice, ago=301), url, "approve", held)
    assert "/accounts/reauthenticate/" in stale["Location"]
    Tenant.objects.filter(pk=acme.pk).update(live_state="approved")
    address = url("refund_approve", live=True, id=held.pk)
    answer = sign_in(alice).post(address)
    assert answer.status_code == 403
    assert "This needs a second factor" in text(answer)
    held.refresh_from_db()
    assert held.state == "held"


def test_the_page_changes_while_somebody_looks(
    at_acme: Client, at_bobs: Client, url: Url, held: Refund
) -> None:
    page = url("refund", id=held.pk)
    seen = at_bobs.get(page).context["seen"]
    poll = {"headers": {"HX-Request": "true"}}
    assert at_bobs.get(page, {"seen": seen}, **poll).status_code == 204
    act(at_acme, url, "approve", held)
    answer = at_bobs.get(page, {"seen": seen}, **poll)
    assert "Refund of ₹200.00 approved" in text(answer)


def test_who_did_what_is_on_record(at_acme: Client, url: Url, held: Refund) -> None:
    act(at_acme, url, "reject", held, words="Not yet")
    acts = AuditEvent.objects.filter(subject__startswith=held.ref_id).order_by("id")
    assert [(each.by_name, each.act) for each in acts] == [
        ("Bob", "refund.held"), ("Alice", "refund.rejected"),
    ]  # fmt: skip
    assert acts[1].after == {"amount_paise": 200_00, "asked_by": "Bob", "words": "Not yet"}


def test_a_ceiling_is_told_in_words(
    at_acme: Client, at_bobs: Client, url: Url, paid: Payment
) -> None:
    form = read_form(at_acme.get("/m/acme/settings/refunds").content.decode(), "")
    sent = form.fields | {"finance_at_once": "50", "finance_a_day": "80", "approve_above": ""}
    assert at_acme.post("/m/acme/settings/refunds", sent).status_code == 302
    new = url("refund_new", id=paid.pk)
    page = text(at_bobs.get(new))
    assert "Your role may give back at most ₹50.00 at once." in page
    assert "You may give back ₹80.00 more today." in page
    answer = ask(at_bobs, new, "50.01")
    assert answer.status_code == 422
    assert "Your role may give back at most ₹50.00 at once. Nothing was sent." in text(answer)
    assert not Refund.objects.exists()


def test_the_simulator_heard_of_nothing_that_waits(
    held: Refund, paytm: Simulator, paid: Payment, clock: Clock
) -> None:
    carry_out(clock)
    assert [o["refunds"] for o in paytm.books(paid.account.mid)["orders"]] == [[]]
