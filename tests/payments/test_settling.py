"""A payer pays; only Paytm's own status answer makes the payment paid, and only once."""

import pytest
from django.test import Client

from payments.asking import ask
from payments.models import Payment, Transfer
from tests import make
from tests.wire import Simulator, come_back, go_to_paytm


@pytest.fixture
def link(in_acme, paytm):
    return make.link()


def payment() -> Payment:
    return Payment.objects.select_related("account").get()


def test_a_payer_pays_and_the_books_agree(paytm: Simulator, link, client: Client):
    hop = go_to_paytm(client, f"/p/{link.token}")
    callback = paytm.decide(hop, "success")
    answer = come_back(client, callback)
    assert answer.status_code == 303
    page = client.get(answer["Location"])
    assert payment().state == "paid"
    assert Transfer.objects.get().paise == 500_00
    assert b'data-payment-state="paid"' in page.content
