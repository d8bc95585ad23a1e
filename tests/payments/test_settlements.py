"""What Paytm paid out: taken in once, matched, explained to the paisa, and what is odd found."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from config.clock import now
from payments import discrepancies, ledger, reporting
from payments.discrepancies import AlreadyResolved
from payments.folding import fold
from payments.models import (
    Discrepancy,
    DiscrepancyNote,
    Payment,
    Refund,
    Settlement,
    SettlementImport,
    SettlementLine,
    Transfer,
)
from payments.payouts import breakdown, take_in
from payments.paytm import read_rows
from payments.settlement_import import ask_now
from tenants.current import today
from tenants.jobs import run_due
from tenants.models import User
from tests import make
from tests.conftest import MIDS
from tests.make import settlement_row as row
from tests.payments.month import DAY, METHODS, Month
from tests.wire import Simulator

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")


@pytest.fixture
def month(paytm: Simulator, clock: Any) -> Month:
    return Month(paytm, clock)


def found() -> list[tuple[str, bool]]:
    """Kinds of what was found, and whether it is still open."""
    rows = Discrepancy.objects.order_by("created_at", "kind")
    return [(row.kind, row.resolved_at is None) for row in rows]


def receivable() -> int:
    """What Paytm owes, in paise."""
    rows = Transfer.objects.values_list("debit", "credit", "paise")
    return sum(p * ((d == "receivable") - (c == "receivable")) for d, c, p in rows)


def test_a_day_is_paid_out_and_nothing_is_owed(month: Month, alice: User) -> None:
    payment = month.pay(1000_00, "CC")
    month.refund(payment, 100_00, alice)
    month.next_day()
    month.next_day()
    [settlement] = Settlement.objects.all()
    assert settlement.utr == month.payouts()[0]["utr"]
    why = breakdown(settlement)
    assert (why.gross_paise, why.commission_paise, why.gst_paise) == (1000_00, 18_00, 3_24)
    assert (why.refunds_paise, why.adjustments_paise) == (100_00, 0)
    assert (why.paid_paise, why.remainder_paise) == (878_76, 0)
    assert ledger.fees_of(payment) == (18_00, 3_24)
    assert receivable() == 0
    assert found() == []
    fold()
    sums = reporting.total(reporting.by_day(False, today(), today()))
    assert (sums.fees_paise, sums.gst_paise, sums.settled_paise) == (18_00, 3_24, 878_76)
    kinds = payment.timeline.values_list("kind", flat=True)
    assert Counter(kinds)["settled"] == Counter(kinds)["refund_settled"] == 1


def test_the_same_payout_again_adds_nothing(month: Month) -> None:
    month.pay()
    month.pay(700_00, "NB")
    for _ in range(4):
        month.next_day()
    assert SettlementLine.objects.count() == 2
    assert Transfer.objects.filter(settlement__isnull=False).count() == 3
    assert Settlement.objects.count() == 1


@pytest.mark.parametrize("shape", ["", "detail_list"])
def test_pages_of_either_form_become_one_payout(month: Month, paytm: Simulator, shape: str) -> None:
    for n in range(23):
        month.pay(100_00 + n, METHODS[n % 6])
    if shape:
        paytm.plant("settlement", shape, times=1000)
    month.next_day()
    month.next_day()
    [settlement] = Settlement.objects.all()
    assert settlement.lines.count() == 23
    assert breakdown(settlement).remainder_paise == 0
    assert receivable() == 0


def test_asked_too_often_it_waits_and_goes_on(month: Month, paytm: Simulator) -> None:
    month.pay()
    month.later(DAY)
    paytm.plant("settlement", "rate_limited", mid=month.mid, times=3)
    month.look()
    assert SettlementImport.objects.filter(state="running").count() == 3
    month.later(21)
    assert set(SettlementImport.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.parametrize("fault", ["html", "truncated", "error_before", "huge", "redirect"])
def test_a_spoilt_list_changes_nothing_and_is_asked_again(
    month: Month, paytm: Simulator, fault: str, alice: User
) -> None:
    month.pay()
    month.later(DAY)
    paytm.plant("settlement", fault, times=5)
    ask_now(False, alice)
    run_due()
    assert not Settlement.objects.exists()
    month.later(301)
    assert Settlement.objects.count() == 1


def test_a_refused_checksum_fails_the_import_and_says_so(month: Month, paytm: Simulator) -> None:
    month.pay()
    month.later(DAY)
    paytm.control("merchants", mid=month.mid, key="another0merchant")
    month.look()
    paytm.control("merchants", mid=month.mid, key=MIDS["acme"][1])
    errors = SettlementImport.objects.values_list("state", "error")
    assert set(errors) == {("failed", "00000022: Checksum validation failed")}


# --- What is odd


def test_a_late_row_is_missed_and_then_not(month: Month) -> None:
    month.look()
    month.later(10)
    payment = month.pay(300_00)
    month.pay()
    month.later(2 * DAY)
    month.plant(month.payouts()[0]["utr"], "late", payment.order_id)
    month.look()
    assert found() == [("total", True)]
    why = breakdown(Settlement.objects.get())
    assert (why.paid_paise, why.remainder_paise) == (800_00, 300_00)
    month.later(1.5 * DAY + 60)
    month.look()
    assert found() == [("total", False)]
    assert breakdown(Settlement.objects.get()).remainder_paise == 0
    notes = Discrepancy.objects.get().notes.values_list("act", flat=True)
    assert [*notes] == ["found", "vanished"]
    assert receivable() == 0


def test_what_is_never_paid_out_is_missed_after_three_days(month: Month) -> None:
    month.look()
    month.later(10)
    payment = month.pay(300_00)
    month.pay()
    month.later(2 * DAY)
    month.plant(month.payouts()[0]["utr"], "missing", payment.order_id)
    month.look()
    assert found() == [("total", True)]
    month.later(DAY - 60)
    month.look()
    assert found() == [("total", True)]
    month.later(120)
    month.look()
    assert sorted(found()) == [("total", True), ("unsettled", True)]
    assert Discrepancy.objects.get(kind="unsettled").payment == payment


def test_a_refund_of_paytms_dashboard_is_found_and_then_known(month: Month) -> None:
    payment = month.pay()
    month.later(2 * DAY)
    month.plant(month.payouts()[0]["utr"], "foreign_refund", payment.order_id)
    month.look()
    [refund] = Refund.objects.all()
    assert (refund.origin, refund.amount_paise, refund.state) == ("paytm", 1_00, "done")
    assert found() == [("unknown_refund", False)]
    why = breakdown(Settlement.objects.get())
    assert (why.refunds_paise, why.adjustments_paise, why.remainder_paise) == (1_00, 0, 0)
    assert receivable() == 0


def test_another_merchants_order_or_world_is_never_matched(month: Month) -> None:
    """The same order id under another MID, and in the live world, is a stranger's."""
    make.paytm_account("LIVEMID0000000000001", "live0000merchant", live=True)
    other = make.payment(make.link(live=True), paytm_txn_id="T1")
    rows = [row(other.order_id, 100_00)]
    take_in(Payment.objects.get(pk=month.pay().pk).account, read_rows(rows))
    assert found() == [("unknown_order", True)]
    assert SettlementLine.objects.get().payment is None
    assert receivable() == 500_00  # what was paid; the stranger's is an adjustment


def test_a_payout_without_a_total_grows_by_reversal(month: Month) -> None:
    first, second = month.pay(), month.pay(250_00)
    take_in(first.account, read_rows([row(first.order_id, 500_00)]))
    settlement = Settlement.objects.get()
    assert breakdown(settlement).paid_paise == 500_00
    rows = [row(second.order_id, 250_00), row(first.order_id, 500_00)]
    assert take_in(first.account, read_rows(rows)) == 1
    assert breakdown(settlement).paid_paise == 750_00
    booked = settlement.transfers.filter(settlement_line=None).order_by("id")
    assert [*booked.values_list("debit", "paise", "turn")] == [
        ("bank", 500_00, 0), ("receivable", 500_00, 0), ("bank", 750_00, 1),
    ]  # fmt: skip
    assert receivable() == 0


def test_other_figures_for_a_known_line_are_said_and_not_booked(month: Month) -> None:
    first = month.pay()
    take_in(first.account, read_rows([row(first.order_id, 500_00)]))
    take_in(first.account, read_rows([row(first.order_id, 400_00)]))
    assert found() == [("changed", True)]
    assert breakdown(Settlement.objects.get()).paid_paise == 500_00


def test_more_refunds_than_sales_are_taken_from_the_bank(month: Month, alice: User) -> None:
    payment = month.pay()
    take_in(payment.account, read_rows([row(payment.order_id, 500_00)]))
    month.refund(payment, 200_00, alice)
    refund = Refund.objects.get()
    back = row(payment.order_id, 0, TXNTYPE="REFUND", REFUNDID=refund.paytm_refund_id)
    back |= {"SETTLEDAMOUNT": "-200.00", "UTR": "UTR2"}
    take_in(payment.account, read_rows([back]))
    settlement = Settlement.objects.get(utr="UTR2")
    why = breakdown(settlement)
    assert (why.refunds_paise, why.paid_paise, why.remainder_paise) == (200_00, -200_00, 0)
    assert receivable() == 0
    assert found() == []


def test_people_take_note_and_resolve(month: Month, alice: User, bob: User) -> None:
    first = month.pay()
    take_in(first.account, read_rows([row("ELSEWHERE", 77_00)]))
    odd = Discrepancy.objects.get()
    discrepancies.take(odd, alice)
    discrepancies.take(odd, bob)
    discrepancies.add_note(odd, "Asked Paytm", bob)
    discrepancies.resolve(odd, "Another shop of ours", bob)
    with pytest.raises(AlreadyResolved):
        discrepancies.take(odd, alice)
    odd.refresh_from_db()
    assert (odd.owner_name, odd.resolved_by_name) == ("Bob", "Bob")
    acts = odd.notes.order_by("id").values_list("act", "by_name", "words")
    assert [*acts] == [
        ("found", "", ""), ("taken", "Alice", ""), ("taken", "Bob", ""),
        ("note", "Bob", "Asked Paytm"), ("resolved", "Bob", "Another shop of ours"),
    ]  # fmt: skip
    take_in(first.account, read_rows([row("ELSEWHERE", 77_00), row(first.order_id, 500_00)]))
    odd.refresh_from_db()
    assert odd.resolved_at is not None  # what a person closed stays closed
    assert now() > odd.resolved_at


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Settlement, {"utr": "OTHER"}),
        (SettlementLine, {"settled_paise": 1}),
        (Discrepancy, {"kind": "total"}),
        (DiscrepancyNote, {"words": "nothing"}),
    ],
)
def test_the_database_keeps_what_was_said(month: Month, model: Any, change: dict[str, Any]) -> None:
    first = month.pay()
    take_in(first.account, read_rows([row("ELSEWHERE", 77_00), row(first.order_id, 500_00)]))
    rows: Any = model.objects.all()
    for tamper in (partial(rows.update, **change), partial(rows._raw_delete, "default")):
        with pytest.raises(DatabaseError), transaction.atomic():
            tamper()


def test_a_line_is_booked_once_whoever_books_it(month: Month) -> None:
    first = month.pay()
    fees = {"COMMISSION": "9.00", "GST": "1.62"}
    take_in(first.account, read_rows([row(first.order_id, 489_38, **fees)]))
    for transfer in Transfer.objects.filter(settlement__isnull=False):
        transfer.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            transfer.save(force_insert=True)
