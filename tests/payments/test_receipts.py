"""Who has paid gets a receipt: numbered without gaps, on the page, as a PDF and by mail."""

import random
import re
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django_tenants.utils import tenant_context

from config.clock import now
from merchants.models import AuditEvent, Profile
from payments import receipting, telling_payers
from payments.models import Link, Payment, Receipt, Refund
from payments.paytm import Outcome
from payments.receipt_pdf import _Paper, facts_of, pdf_of, refunds_of
from payments.receipting import number, year_of
from payments.refunding import ask_refund
from payments.settling import settle
from tenants.jobs import run_due
from tenants.models import Tenant, User
from tests import make
from tests.conftest import SignIn
from tests.crowd import at_once
from tests.payments.test_settling import answer
from tests.payments.test_surplus import finish
from tests.proof import size
from tests.wire import Simulator

# As Paytm writes it, in Kolkata's time.
MARCH_31, APRIL_1 = "2026-03-31 23:59:59.0", "2026-04-01 00:00:00.0"
GIVEN = {"payer_name": "Dev", "payer_email": "dev@example.com", "answers": [["Roll no.", "12"]]}


@pytest.fixture
def link(in_acme: Tenant, paytm: Simulator) -> Link:
    return make.link(thanks="See you on Monday!")


def arrived(link: Link, at: str | None = None, paise: int = 500_00, **given: Any) -> Payment:
    """A payment of ₹500.00 that Paytm has confirmed; nothing that follows has run yet."""
    order = make.payment(link, **given)
    return settle(order, answer(order, txn_date=at, amount_paise=paise))


def seen(client: Client, payment: Payment) -> str:
    return str(client.get(f"/p/return/{payment.token}").content.decode())


def numbers(live: bool = False) -> list[str]:
    return [str(each) for each in Receipt.objects.filter(live=live).order_by("year", "number")]


def test_what_has_arrived_is_numbered_after_its_commit(link: Link) -> None:
    first, surplus = arrived(link), arrived(link, paise=600_00)
    assert not Receipt.objects.exists()
    run_due()
    assert {*numbers()} == {f"TEST/{series()}/000001", f"TEST/{series()}/000002"}
    assert {first.receipt.number, surplus.receipt.number} == {1, 2}
    assert number(first) == first.receipt


def series() -> str:
    year = year_of(now())
    return f"{year}-{(year + 1) % 100:02}"


def test_what_has_failed_has_none(link: Link) -> None:
    order = make.payment(link)
    settle(order, answer(order, outcome=Outcome.FAILURE))
    run_due()
    assert not Receipt.objects.exists()


def test_a_financial_year_ends_at_midnight_where_the_merchant_is(link: Link) -> None:
    for moment in (MARCH_31, APRIL_1, MARCH_31):
        number(arrived(link, moment))
    assert numbers() == ["TEST/2025-26/000001", "TEST/2025-26/000002", "TEST/2026-27/000001"]


def test_two_worlds_count_apart(link: Link) -> None:
    make.paytm_account("LIVEMID0000000000001", "live0000merchant", live=True)
    in_live = make.link(live=True)
    for each in (link, in_live, link, in_live):
        number(arrived(each, APRIL_1))
    assert numbers() == ["TEST/2026-27/000001", "TEST/2026-27/000002"]
    assert numbers(live=True) == ["R/2026-27/000001", "R/2026-27/000002"]


def test_a_number_that_was_rolled_back_is_given_again(link: Link) -> None:
    first, second = arrived(link, APRIL_1), arrived(link, APRIL_1)
    with transaction.atomic():
        number(first)
        transaction.set_rollback(True)
    assert number(second).number == 1
    assert number(first).number == 2


@pytest.mark.proof
def test_many_at_once_get_every_number_once(open_acme: Tenant) -> None:
    link, count = make.link(), size(8, 30)
    payments = [arrived(link, APRIL_1) for _ in range(count)]
    twice = payments * 2
    at_once(open_acme, [lambda p=p: number(p) for p in random.sample(twice, len(twice))])
    assert [*Receipt.objects.order_by("number").values_list("number", flat=True)] == [
        *range(1, count + 1)
    ]


@pytest.mark.proof
def test_jobs_of_many_workers_number_and_mail_each_once(open_acme: Tenant) -> None:
    link, count = make.link(), size(8, 30)
    for n in range(count):
        arrived(link, APRIL_1, payer_email=f"payer{n}@example.com")
    at_once(open_acme, [run_due] * 4)
    run_due()  # what the others left when they met a locked row
    assert sorted(Receipt.objects.values_list("number", flat=True)) == [*range(1, count + 1)]
    to_payers = [m for m in mail.outbox if m.to[0].startswith("payer")]
    assert len(to_payers) == len({m.to[0] for m in to_payers}) == count


def test_the_page_is_the_receipt(link: Link, client: Client) -> None:
    payment = arrived(link, APRIL_1, **GIVEN)
    before = seen(client, payment)
    assert "js/status.js" in before  # its number comes within seconds
    assert "Download as PDF" not in before
    run_due()
    page = seen(client, payment)
    for words in ("TEST/2026-27/000001", "Dev", "Roll no.", "12", "See you on Monday!",
                  "1 Apr 2026, 00:00 IST", f'href="/p/receipt/{payment.token}"'):  # fmt: skip
        assert words in page
    assert "js/status.js" not in page


def test_thanks_are_for_what_was_asked_for(link: Link, client: Client) -> None:
    assert "See you on Monday!" not in seen(client, arrived(link, paise=600_00))


def test_the_pdf_holds_the_number(link: Link, client: Client) -> None:
    payment = arrived(link, APRIL_1, **GIVEN)
    address = f"/p/receipt/{payment.token}"
    assert client.get(address).status_code == 404
    receipt = number(payment)
    paper = client.get(address)
    assert (paper.status_code, paper["Content-Type"]) == (200, "application/pdf")
    assert paper.content.startswith(b"%PDF-")
    assert "no-store" in paper["Cache-Control"]
    assert 'filename="TEST-2026-27-000001.pdf"' in paper["Content-Disposition"]
    assert client.post(address).status_code == 405
    assert b"(Receipt TEST/2026-27/000001)" in pdf_of(payment, receipt, compressed=False)


def test_the_pdf_says_what_the_page_says(link: Link, alice: User) -> None:
    payment = arrived(link, APRIL_1, paise=600_00, **GIVEN)
    facts = dict(facts_of(payment))
    assert facts["Received from"] == "Dev"
    assert facts["Roll no."] == "12"
    assert facts["Asked for"] == "₹500.00"
    assert facts["Paid by"] == "UPI"
    assert refunds_of(payment) == []
    by = {"asked_by_id": alice.pk, "asked_by_name": "Alice", "live": False, "payment": payment}
    done = {"state": "done", "decided_at": now(), "bank_reference": "RRN1"}
    Refund.objects.create(amount_paise=100_00, **done, **by)
    Refund.objects.create(amount_paise=70_00, state="failed", decided_at=now(), **by)
    Refund.objects.create(amount_paise=50_00, state="sent", **by)
    words = [amount for _, amount in refunds_of(payment)]
    assert words == ["−₹100.00", "−₹50.00", "₹450.00"]
    assert "RRN1" in refunds_of(payment)[0][0]


def test_a_pdf_takes_any_words(link: Link) -> None:
    """Hindi, long, right to left, in no script of ours: never an error, never a page too few."""
    Profile.objects.update(legal_name="श्री क्षेत्रीय विद्यालय", support_email="a@b.example")
    answers = [["प्रश्न " * 20, "उत्तर " * 40]] * 8 + [["שם", "தமிழ் 🎉 \u0000\u0007"], ["", ""]]
    payment = arrived(link, payer_name="क्षितिज र्कि", language="hi")
    payment.answers = answers
    assert pdf_of(payment, number(payment)).count(b"/Type /Page\n") > 1


def test_what_the_print_font_lacks_is_told_on_the_paper(link: Link, in_acme: Tenant) -> None:
    """Hindi and every Latin letter are drawn, bare of an accent if need be; Tamil is not."""
    for words, lacks in (("हिन्दी, Șteaua, e\u0301, ①", False), ("தமிழ்", True)):
        paper = _Paper(live=True)
        paper.written(words)
        assert paper.lacks_letters is lacks
    paper = _Paper(live=True)
    assert paper.written("Șteaua e\u0301 ①") == "Steaua é 1"


def test_hindi_is_joined_behind_english_too() -> None:
    assert len("क्षेत्रीय") == 9
    assert glyphs("क्षेत्रीय") == 5
    assert glyphs("Ask क्षेत्रीय") == 4 + 5


def glyphs(words: str) -> int:
    """How many glyphs are drawn for a line."""
    paper = _Paper(live=True)
    paper.set_compression(False)
    paper.add_page()
    paper.line_of(words, 12)
    drawn = re.findall(rb"\((.*?)\) Tj", bytes(paper.output()).replace(b"\n", b""))
    return sum(len(each) // 2 for each in drawn)


def test_pdfs_are_limited(link: Link, client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("payments.views.PDFS", 1)
    payment = arrived(link)
    number(payment)
    codes = [client.get(f"/p/receipt/{payment.token}").status_code for _ in range(2)]
    assert codes == [200, 429]


def test_the_payer_is_mailed_once(link: Link) -> None:
    payment = arrived(link, APRIL_1, **GIVEN)
    run_due()
    settle(payment, answer(payment))
    run_due()
    (message,) = to_payer()
    assert message.subject == "[TEST] Receipt TEST/2026-27/000001 from Acme: ₹500.00"
    for part in (message.body, message.alternatives[0][0]):
        for words in ("TEST MODE", "Paid", "₹500.00", "TEST/2026-27/000001", "Masala chai",
                      "See you on Monday!", "1 Apr 2026, 00:00 IST",
                      f"/p/return/{payment.token}", f"/p/receipt/{payment.token}"):  # fmt: skip
            assert words in part
        assert "None" not in part


def to_payer(address: str = "dev@example.com") -> list[Any]:
    return [message for message in mail.outbox if message.to == [address]]


def test_who_gave_no_address_is_not_mailed(link: Link) -> None:
    arrived(link)
    run_due()
    assert {m.to[0] for m in mail.outbox} == {"alice@example.com", "bob@example.com"}


def test_a_merchants_test_payers_are_not_mailed_without_end(link: Link, monkeypatch: Any) -> None:
    monkeypatch.setattr(telling_payers, "TEST_MAILS", 2)
    for _ in range(3):
        arrived(link, **GIVEN)
    run_due()
    assert len(to_payer()) == 2
    assert Receipt.objects.count() == 3


def test_the_mail_about_surplus_tells_the_truth(link: Link) -> None:
    arrived(link, paise=600_00, **GIVEN)
    run_due()
    (message,) = to_payer()
    for part in (message.body, message.alternatives[0][0]):
        for words in ("was not expected", "₹600.00", "₹500.00", "Do not pay again."):
            assert words in part
        assert "See you on Monday!" not in part


def test_the_payer_is_told_of_a_refund_once_it_is_done(link: Link, alice: User) -> None:
    payment = arrived(link, **GIVEN)
    run_due()
    mail.outbox.clear()
    finish(ask_refund(payment, 100_00, "", alice, "the-first-form"), "failed")
    refund = ask_refund(payment, 120_00, "Broken", alice, "the-second-form")
    assert not to_payer()
    finish(refund, rrn="632712345679")
    finish(refund, rrn="632712345679")
    run_due()
    (message,) = to_payer()
    assert message.subject == "[TEST] Acme refunded you ₹120.00"
    for part in (message.body, message.alternatives[0][0]):
        for words in ("₹120.00", "₹500.00", "632712345679", f"/p/return/{payment.token}"):
            assert words in part
        for word in ("Alice", "Broken", "None"):  # the team's own
            assert word not in part


def test_the_team_sends_it_again_to_any_address(link: Link, alice: User, sign_in: SignIn) -> None:
    payment = arrived(link, APRIL_1, **GIVEN)
    at_acme, page = sign_in(alice), f"/m/acme/test/payments/{payment.pk}"
    assert 'value="dev@example.com"' in at_acme.get(page).content.decode()
    answered = at_acme.post(f"{page}/receipt", {"email": "ma@example.com"}, follow=True)
    assert "Receipt TEST/2026-27/000001 is on its way to ma@example.com." in (
        answered.content.decode()
    )
    run_due()
    assert len(to_payer("ma@example.com")) == len(to_payer()) == 1
    event = AuditEvent.objects.get(act="receipt.sent")
    assert (event.by_name, event.subject) == ("Alice", "TEST/2026-27/000001")
    assert event.after == {"to": "ma@example.com"}
    story = at_acme.get(page).context["story"][-1]
    assert (story.title, story.detail, story.who) == (
        "The receipt was sent again", "To m…@example.com", "Alice",
    )  # fmt: skip


def test_sending_it_again_has_limits(link: Link, alice: User, sign_in: SignIn) -> None:
    payment, at_acme = arrived(link, **GIVEN), sign_in(alice)
    run_due()
    mail.outbox.clear()
    address = f"/m/acme/test/payments/{payment.pk}/receipt"
    wrong = at_acme.post(address, {"email": "nobody"})
    assert wrong.status_code == 422
    assert "nobody" in wrong.content.decode()
    codes = [at_acme.post(address, {"email": "ma@example.com"}).status_code for _ in range(11)]
    assert codes == [302] * 10 + [429]
    run_due()
    assert len(mail.outbox) == 10


def test_what_has_not_arrived_has_nothing_to_send(link: Link, alice: User, sign_in: SignIn) -> None:
    address = f"/m/acme/test/payments/{make.payment(link).pk}/receipt"
    assert sign_in(alice).post(address, {"email": "ma@example.com"}).status_code == 404


def test_nobody_elses_receipt_is_shown(link: Link, client: Client, globex: Tenant) -> None:
    with tenant_context(globex):
        foreign = arrived(make.link())
        receipting.number(foreign)
    assert client.get(f"/p/receipt/{foreign.token}").status_code == 200
    for token in (link.token[:10] + foreign.token[10:], link.token):
        assert client.get(f"/p/receipt/{token}").status_code == 404
