"""Attacks on starting a payment: what a payer can lose between two tabs, two people, two tries."""

import socket

import pytest
from django.test import Client

from payments import collecting, linking
from payments.asking import ask
from payments.models import Link, Payment
from payments.settling import settle
from payments.views import BEGUN
from tenants import provisioning
from tenants.models import Tenant, User
from tests import make
from tests.payments.test_settling import answer
from tests.wire import Simulator, go_to_paytm

MINUTE = 60


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at_paytm(link: Link, paytm: Simulator) -> Payment:
    """A payer has a token for this link."""
    return make.attempt(link, key="the-payers-form")


def test_a_payer_gets_the_amount_they_typed_not_an_earlier_visitors(
    in_acme: Tenant, paytm: Simulator, client: Client
) -> None:
    """A stranger opens a one-time link with an open amount and starts ₹1.00. The payer then types
    ₹5,000.00 and is sent to Paytm for ₹1.00, without a word; paying it uses the link up.
    Lost: ₹4,999.00 to the merchant; the payer paid another amount than they entered."""
    link = make.link(amount_paise=None, max_payments=1)
    go_to_paytm(client, f"/p/{link.token}", amount="1.00")
    answer_ = _browser().post(f"/p/{link.token}", {"amount": "5000.00"}, follow=True)
    sent_to = Payment.objects.filter(link=link)
    if answer_.status_code == 200 and b'id="redirect"' in answer_.content:
        assert sent_to.latest("created_at").amount_paise == 5000_00
    else:
        assert answer_.status_code in (409, 422)


def test_a_failed_repeat_does_not_fail_an_attempt_whose_payer_is_at_paytm(
    in_acme: Tenant, paytm: Simulator, settings
) -> None:
    """Two tabs at a one-time link: both read the attempt as CREATED and ask for its token. The
    first gets it, the second finds Paytm unreachable and moves OPEN to FAILED, though no status
    answer said so. The payer of the first tab pays, and the link is offered to the next person.
    Lost: one obligation is paid twice (the second is 'surplus')."""
    link = make.link(max_payments=1)
    stale = make.payment(link)
    second_tab = collecting._attempts(link).get(pk=stale.pk)
    second_tab.state = "created"  # as the second tab read it, a moment before the first's answer
    collecting._move(stale, "open", "handed_over", token="a-token")
    settings.SIMULATOR_URL = f"http://127.0.0.1:{closed_port()}"
    account = second_tab.account
    assert account.base_url == settings.SIMULATOR_URL
    collecting._hand_over(second_tab)
    stale.refresh_from_db()
    assert stale.state == "open"


def test_an_unknown_attempt_is_not_called_failed_because_its_repeat_is_refused(
    in_acme: Tenant, paytm: Simulator, clock
) -> None:
    """The payer pays; Paytm's status answer is unreadable (state UNKNOWN) and stays away. Twenty
    minutes later the payer sends the same form again: we initiate the same order, Paytm refuses
    it as used, and that refusal makes the payment FAILED and tells 'try again'.
    Lost: the payer pays a second time for something that is paid."""
    link = make.link(max_payments=1)
    make.attempt(link, key="the-payers-form")
    order = Payment.objects.select_related("account", "link").get(link=link)
    page = go_to_paytm(_browser(), f"/p/{link.token}", key="the-payers-form")
    paytm.decide(page, "success")
    paytm.plant("status", "other_order", times=1)
    assert ask(order).state == "unknown"
    paytm.plant("status", "html", times=50)
    clock(20 * MINUTE)
    again = make.attempt(link, key="the-payers-form")
    assert again.state != "failed"


def test_the_same_form_starts_nothing_at_a_suspended_merchant(
    in_acme: Tenant, paytm: Simulator
) -> None:
    """An attempt whose first request to Paytm got no answer never left. The merchant is then
    suspended, and the payer sends the form again: Paytm is asked for a token and the payer is
    led to pay. Lost: T9, 'no new payments' (a fraud's page stays payable)."""
    link = make.link()
    paytm.plant("initiate", "timeout_before", seconds=2)
    first = make.attempt(link, key="the-payers-form")
    assert first.state == "unknown"
    provisioning.suspend(in_acme)
    answer_ = _browser().post(f"/p/{link.token}", {"key": "the-payers-form"}, follow=True)
    assert b'id="redirect"' not in answer_.content


def test_a_disabled_links_same_form_starts_nothing(in_acme: Tenant, paytm: Simulator) -> None:
    """As above with a link its merchant has disabled (wrong amount, say)."""
    link = make.link()
    paytm.plant("initiate", "timeout_before", seconds=2)
    make.attempt(link, key="the-payers-form")
    linking.set_state(link, Link.State.DISABLED, User.objects.get(name="Alice"))
    answer_ = _browser().post(f"/p/{link.token}", {"key": "the-payers-form"}, follow=True)
    assert b'id="redirect"' not in answer_.content


def test_a_limit_by_address_counts_an_ipv6_subscriber_once(
    in_acme: Tenant, paytm: Simulator
) -> None:
    """Every IPv6 customer has 2^64 addresses. Each is counted as somebody else, so the limit of
    attempts a minute is none: rows and calls to Paytm without end."""
    link = make.link()
    codes = [
        _browser().post(f"/p/{link.token}", REMOTE_ADDR=f"2001:db8::{n:x}").status_code
        for n in range(1, 2 * BEGUN + 2)
    ]
    assert 429 in codes
    assert Payment.objects.count() <= 2 * BEGUN


@pytest.mark.parametrize("first", ["failed"])
def test_a_payment_is_told_of_once(in_acme: Tenant, paytm: Simulator, first: str) -> None:
    """Failed, then paid after all before the mail lane came to the first job: both jobs read the
    state as it is now, and the team gets two mails 'paid' about one payment.
    Lost: people count one payment twice (and so will webhooks that fan out from here)."""
    from payments.paytm import Outcome
    from tenants.jobs import run_due
    from tenants.models import Job

    order = make.payment(make.link())
    settle(order, answer(order, Outcome.FAILURE, code="227", raw="1"))
    settle(order, answer(order, raw="2"))
    Job.objects.filter(kind__endswith="ask_status").delete()
    from django.core import mail

    run_due()
    told = [to for m in mail.outbox for to in m.to]
    assert sorted(told) == ["alice@example.com", "bob@example.com"]


def _browser() -> Client:
    from tests.conftest import browser

    return browser()
