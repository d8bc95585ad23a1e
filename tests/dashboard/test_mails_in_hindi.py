"""Each of a team reads their mails in the language they chose: subject, text, HTML and files."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import translation

from payments import approving
from payments.models import Link, Payment, ReportSchedule
from payments.refunding import ask_refund
from tenants.jobs import run_due
from tenants.models import Membership, Role, Tenant, User
from tenants.platform import supervising
from tests import cast
from tests.conftest import SignIn
from tests.dashboard.conftest import Clock, Pay, Url

pytestmark = pytest.mark.django_db

HINDI = re.compile("[\u0900-\u097f]")
# Two words of English that follow each other, but for what payers and colleagues wrote.
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
WRITTEN = re.compile("Masala chai|Not this time")


@pytest.fixture(autouse=True)
def _alice_reads_hindi(alice: User) -> None:
    alice.language = "hi"
    alice.save()


def mails_to(person: User) -> list[Any]:
    """What waits to be mailed is mailed, in a worker that last spoke Hindi; then what one got."""
    with translation.override("hi"):
        run_due()
    found = [message for message in mail.outbox if message.to == [person.email]]
    mail.outbox.clear()
    return found


def in_hindi(message: Any) -> bool:
    html = "".join(re.sub("<style.*?</style>|<[^>]+>", "\n", h) for h, _ in message.alternatives)
    parts = [message.subject, message.body, *([html] if html else [])]
    left = [ENGLISH.search(WRITTEN.sub("", part)) for part in parts]
    return all(HINDI.search(part) for part in parts) and left == [None] * len(parts)


def in_english(message: Any) -> bool:
    html = "".join(html for html, _ in message.alternatives)
    return not HINDI.search(message.subject + message.body + html)


def test_each_reads_of_a_payment_in_their_own(alice: User, bob: User, paid: Payment) -> None:
    with translation.override("hi"):
        run_due()
    told = {message.to[0]: message for message in mail.outbox}
    mine, bobs = told[alice.email], told[bob.email]
    assert in_hindi(mine)
    assert mine.subject == "[टेस्ट] ₹500.00 का भुगतान हुआ: Masala chai"
    assert " IST" in mine.body
    assert in_english(bobs)
    assert bobs.subject == "[TEST] ₹500.00 paid: Masala chai"


def test_surplus(alice: User, link: Link, pay: Pay) -> None:
    pay(link, "amount_differs")
    [message] = mails_to(alice)
    assert in_hindi(message)


@pytest.mark.parametrize("scenario", ["success", "accepted_then_failed", "no_balance"])
def test_refunds(paytm: Any, alice: User, paid: Payment, clock: Clock, scenario: str) -> None:
    mails_to(alice)
    paytm.plant("refund", scenario)
    ask_refund(paid, 120_00, "", alice, "a-form-key-of-alice")
    for ahead in (0, 61):
        clock(ahead)
        run_due()
    clock(400)
    [message] = mails_to(alice)
    assert in_hindi(message)


def test_a_refund_to_be_approved_and_its_rejection(
    acme: Tenant, alice: User, bob: User, paid: Payment, sign_in: SignIn
) -> None:
    mails_to(alice)
    dana = cast.person("Dana", language="hi")
    Membership.objects.create(tenant=acme, user=dana, role=Role.ADMIN)
    sign_in(dana).post("/m/acme/settings/refunds", {"approve_above": "100"})
    [rules] = mails_to(alice)
    assert in_hindi(rules)
    assert "इससे ऊपर दूसरा व्यक्ति मंज़ूर करे: कोई नहीं → ₹100.00" in rules.body
    held = ask_refund(paid, 120_00, "", dana, "a-form-key-of-dana")
    [message] = mails_to(alice)
    assert in_hindi(message)
    approving.reject(held, alice, "Not this time")
    [message] = mails_to(dana)
    assert in_hindi(message)
    assert "Not this time" in message.body


def test_a_report_and_its_file(
    at_acme: Client, alice: User, url: Url, paid: Payment, clock: Clock
) -> None:
    at_acme.post(url("report_mails"), {"report": "method", "every": "day", "format": "csv"})
    mails_to(alice)
    sent = list[Any]()
    for _ in range(2):  # before eight in the morning the first is of a day without payments
        due = ReportSchedule.objects.get().next_at
        clock((due - datetime.now(UTC)).total_seconds() + 1)
        sent += [each for each in mails_to(alice) if each.attachments]
    message = sent[0]
    assert in_hindi(message)
    [(name, content, _)] = message.attachments
    assert name.startswith("acme-method-")
    assert content.startswith("\ufeff"), "or Excel would not read Hindi"
    assert HINDI.search(content.splitlines()[0])


def test_live_mode_is_open(acme: Tenant, alice: User) -> None:
    Tenant.objects.filter(pk=acme.pk).update(live_state=Tenant.LiveState.ASKED)
    supervising.approve(acme, cast.person("Root", staff_role=User.StaffRole.ADMIN), "all well")
    [message] = mails_to(alice)
    assert in_hindi(message)


def test_whoever_is_known_is_invited_in_their_own(
    sign_in: SignIn, acme: Tenant, bob: User, charlie: User
) -> None:
    """And Bob's are English though Alice, who acts, reads Hindi."""
    User.objects.filter(pk=charlie.pk).update(language="hi")
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    at_acme = sign_in(bob)
    for email in (charlie.email, "dora@example.com"):
        at_acme.post("/m/acme/team/invitations", {"email": email, "role": "viewer"})
    run_due()
    told = {message.to[0]: message for message in mail.outbox}
    assert in_hindi(told[charlie.email])
    assert in_english(told["dora@example.com"])


def test_mails_about_ones_account(client: Client, at_acme: Client, alice: User, bob: User) -> None:
    new = "another horse battery"
    fields = {"oldpassword": cast.PASSWORD, "password1": new, "password2": new}
    at_acme.post("/accounts/password/change/", fields)
    [message] = mails_to(alice)
    assert message.subject == "आपका पासवर्ड बदल गया"
    assert "यह यहाँ से किया गया" in message.body
    client.post("/accounts/password/reset/", {"email": alice.email})
    [message] = mails_to(alice)
    assert message.subject == "नया पासवर्ड बनाएँ"
    client.post("/accounts/password/reset/", {"email": bob.email})
    [message] = mails_to(bob)
    assert in_english(message)
