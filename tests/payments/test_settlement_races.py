"""Payouts imported by many at the same moment: each line once, each rupee once."""

from collections.abc import Callable
from functools import partial

import pytest

from payments.models import Payment, Settlement, SettlementLine, Transfer
from payments.payouts import breakdown, take_in
from payments.paytm import read_rows
from payments.settling import settle
from tenants.models import Tenant
from tests import make
from tests.crowd import at_once
from tests.make import settlement_row as row
from tests.payments.test_settling import answer
from tests.proof import size

pytestmark = pytest.mark.proof


def test_the_same_payout_from_many_sides_is_one(open_acme: Tenant) -> None:
    for n in range(size(3, 200)):
        orders = [paid() for _ in range(3)]
        rows = read_rows([row(order.order_id, 500_00, UTR=f"UTR{n}") for order in orders])
        account = orders[0].account
        acts: list[Callable[[], int]] = [partial(take_in, account, rows)] * 6
        assert sorted(at_once(open_acme, acts)) == [0, 0, 0, 0, 0, 3]
        settlement = Settlement.objects.get(utr=f"UTR{n}")
        assert settlement.lines.filter(match="matched").count() == 3
        assert settlement.transfers.count() == 1
        assert breakdown(settlement).paid_paise == 1500_00


def test_of_two_payouts_with_one_payment_the_second_is_twice(open_acme: Tenant) -> None:
    for n in range(size(5, 200)):
        order = paid()
        fees = {"COMMISSION": "9.00", "GST": "1.62"}
        payouts = [
            read_rows([row(order.order_id, 489_38, UTR=f"UTR{n}-{m}", **fees)]) for m in range(2)
        ]
        at_once(open_acme, [partial(take_in, order.account, rows) for rows in payouts])
        lines = SettlementLine.objects.filter(payment=order)
        assert sorted(lines.values_list("match", flat=True)) == ["matched", "twice"]
        own = Transfer.objects.filter(payment=order, debit="fees")
        assert [*own.values_list("paise", flat=True)] == [9_00]


def paid() -> Payment:
    order = make.payment(make.link())
    return settle(order, answer(order))
