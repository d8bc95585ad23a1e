"""A month of payments, refunds and payouts with every kind of difference planted: each is found,
nothing else is, and every payout is explained as Paytm's own books do."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse

from payments.models import Discrepancy, Settlement, SettlementLine, Transfer
from payments.payouts import breakdown
from payments.paytm import read_file
from payments.settlement_import import ask_now, take_in
from tenants.jobs import run_due
from tenants.models import User
from tests.conftest import SignIn
from tests.payments.month import DAY, METHODS, Month, report, reported
from tests.proof import size
from tests.wire import Simulator

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")

# What a difference is found as; those of OF_PAYOUT are about it, the others about the order.
EXPECTED = {
    "missing": {"total", "unsettled"},
    "late": {"total"},
    "doubled": {"twice"},
    "commission": {"arithmetic"},
    "amount": {"amount"},
    "unknown_order": {"unknown_order"},
    "foreign_refund": {"unknown_refund"},
    "total": {"total"},
}
OF_PAYOUT = {"total"}
CLOSED_BY_FACTS = {"late", "foreign_refund"}

Found = tuple[str, str, bool]


@pytest.fixture
def month(paytm: Simulator, clock: Any) -> Month:
    return Month(paytm, clock)


@pytest.mark.proof
@pytest.mark.slow
def test_every_difference_is_found_and_every_payout_explained(month: Month, alice: User) -> None:
    days = size(8, 31)
    month.look()
    planted: set[Found] = set()
    for day in range(days):
        a_day(month, alice, day)
        month.next_day()
        planted |= plant(month, [*EXPECTED][day % len(EXPECTED)])
    for _ in range(5):
        month.next_day()
    paid = {payout["utr"]: payout for payout in month.payouts()}
    settlements = {settlement.utr: settlement for settlement in Settlement.objects.all()}
    assert len(paid) == days
    assert settlements.keys() == paid.keys()
    for utr, settlement in settlements.items():
        assert ours(settlement) == theirs(paid[utr]), paid[utr]
    assert found() == planted
    account = settlements[utr].account
    before = books()
    file = read_file(report(month.payouts()))
    assert file.errors == []
    assert take_in(account, file.rows) == 0
    assert books() == before


def a_day(month: Month, alice: User, day: int) -> None:
    for n in range(size(4, 60)):
        payment = month.pay(100_00 + 37 * n + 1001 * day, METHODS[(n + day) % 6])
        if n % 4 == 3:
            month.refund(payment, 50_00 + n, alice)
    month.pay(200_00, outcome="failure")


def plant(month: Month, difference: str) -> set[Found]:
    """Plant it in the payout made last, before anybody asked for it: what is to be found."""
    payout = max(month.payouts(), key=lambda payout: payout["day"])
    back = {line["order_id"] for line in payout["lines"] if line["kind"] == "REFUND"}
    line = next(line for line in payout["lines"] if line["order_id"] not in back)
    month.plant(payout["utr"], difference, line["order_id"])
    [changed] = [row for row in month.payouts() if row["utr"] == payout["utr"]]
    order_id = next(
        (row["order_id"] for row in changed["lines"] if row["planted"]), line["order_id"]
    )
    return {
        (kind, payout["utr"] if kind in OF_PAYOUT else order_id, difference not in CLOSED_BY_FACTS)
        for kind in EXPECTED[difference]
    }


def found() -> set[Found]:
    rows: Any = Discrepancy.objects.select_related("settlement", "line", "payment")
    return {(row.kind, subject(row), row.resolved_at is None) for row in rows}


def subject(row: Any) -> Any:
    return row.settlement.utr if row.kind in OF_PAYOUT else (row.line or row.payment).order_id


def ours(settlement: Settlement) -> dict[str, int]:
    why = breakdown(settlement)
    return {
        "gross": why.gross_paise,
        "commission": why.commission_paise,
        "gst": why.gst_paise,
        "refunds": why.refunds_paise,
        "adjustments": why.adjustments_paise,
        "remainder": why.remainder_paise,
        "paid": why.paid_paise,
    }


def theirs(payout: dict[str, Any]) -> dict[str, int]:
    """The same from the simulator's books, which know what was planted."""
    lines = reported(payout)
    others = [line for line in lines if line["planted"] in ("doubled", "unknown_order")]
    known = [line for line in lines if line not in others]
    sales = [line for line in known if line["kind"] == "SALE"]
    told = {
        "gross": sum(line["gross"] for line in sales),
        "commission": sum(line["commission"] for line in known),
        "gst": sum(line["gst"] for line in known),
        "refunds": -sum(line["gross"] for line in known if line["kind"] == "REFUND"),
        "adjustments": sum(line["settled"] for line in others),
    }
    taken = told["commission"] + told["gst"] + told["refunds"]
    remainder = payout["amount"] - (told["gross"] - taken + told["adjustments"])
    return told | {"remainder": remainder, "paid": payout["amount"]}


def books() -> Any:
    """Lines, transfers and discrepancies, without what depends on the moment."""
    line: tuple[str, ...] = (
        "settlement__utr",
        "kind",
        "reference",
        "nth",
        "match",
        "payment",
        "refund",
    )
    figures = ("gross_paise", "commission_paise", "gst_paise", "settled_paise")
    transfer: tuple[str, ...] = (
        "settlement__utr",
        "settlement_line__reference",
        "settlement_line__nth",
    )
    transfer += ("payment", "debit", "credit", "paise", "method", "turn")
    odd = ("kind", "settlement__utr", "line__reference", "payment", "ours_paise", "theirs_paise")
    payouts = Transfer.objects.filter(settlement__isnull=False)
    return [
        sorted(map(repr, SettlementLine.objects.values_list(*line, *figures))),
        sorted(map(repr, payouts.values_list(*transfer))),
        sorted(map(repr, Discrepancy.objects.values_list(*odd))),
        sorted(Settlement.objects.values_list("utr", "paid_on", "stated_paise")),
    ]


def test_a_file_gives_the_same_books_as_the_list(
    month: Month, alice: User, sign_in: SignIn
) -> None:
    a_day(month, alice, 1)
    month.later(DAY)
    [payout] = month.payouts()
    order_id = next(row["order_id"] for row in payout["lines"] if row["commission"])
    for difference in ("doubled", "unknown_order", "commission", "total"):
        month.plant(payout["utr"], difference, order_id)
    before = transaction.savepoint()  # jobs refuse to run inside a transaction of ours
    ask_now(False, alice)
    run_due()
    from_list = books()
    transaction.savepoint_rollback(before)
    assert not Settlement.objects.exists()
    upload(sign_in(alice), report(month.payouts()))
    assert books() == from_list
    assert len(from_list[0]) == len(reported(month.payouts()[0]))
    upload(sign_in(alice), report(month.payouts()))
    assert books() == from_list


def upload(client: Any, content: bytes) -> None:
    """Alice uploads a file, looks at it and imports it."""
    where = {"slug": "acme", "live": False}
    page = client.get(reverse("settlement_upload", kwargs=where))
    account = page.context["form"].fields["account"].initial.pk
    file = SimpleUploadedFile("settlements.csv", content, "text/csv")
    kept = client.post(
        reverse("settlement_upload", kwargs=where), {"account": account, "file": file}
    )
    assert kept.status_code == 302, kept.content.decode()
    assert client.get(kept["Location"]).status_code == 200
    assert client.post(kept["Location"]).status_code == 302
    run_due()
