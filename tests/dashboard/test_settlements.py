"""The team looks at payouts, uploads Paytm's report, and deals with what is odd."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from dashboard.settlements import waterfall
from payments.models import Discrepancy, Payment, Settlement
from payments.payouts import Breakdown, take_in
from payments.paytm import read_rows
from tenants.jobs import run_due
from tenants.models import Membership, Role, Tenant, User
from tests import cast
from tests.conftest import SignIn
from tests.dashboard.conftest import Url, text
from tests.make import settlement_row as row

HEAD = "Order ID,Transaction ID,Gross,MDR,Tax,Net,UTR,Payout Date"


@pytest.fixture
def settled(paid: Payment) -> Payment:
    """Paid out with a fee, beside money for an order that nobody here made."""
    fees = {"COMMISSION": "9.00", "GST": "1.62"}
    rows = [row(paid.order_id, 489_38, **fees), row("=ELSEWHERE()", 77_00)]
    take_in(paid.account, read_rows([{**r, "PAYOUTAMOUNT": "566.38"} for r in rows]))
    return paid


def send(client: Client, url: Url, content: str, name: str = "settlements.csv") -> Any:
    page = client.get(url("settlement_upload"))
    account = page.context["form"].fields["account"].initial.pk
    file = SimpleUploadedFile(name, content.encode(), "text/csv")
    return client.post(url("settlement_upload"), {"account": account, "file": file})


def test_an_empty_list_teaches(at_acme: Client, url: Url) -> None:
    assert "No payouts yet" in text(at_acme.get(url("settlements")))
    assert "Everything adds up" in text(at_acme.get(url("exceptions")))


def test_a_payout_is_explained_and_leads_to_its_payments(
    at_acme: Client, url: Url, settled: Payment
) -> None:
    settlement = Settlement.objects.get()
    page = text(at_acme.get(url("settlements")))
    assert "UTR1" in page
    assert "₹566.38" in page
    page = text(at_acme.get(url("settlement", id=settlement.pk)))
    for amount in ("₹500.00", "−₹9.00", "−₹1.62", "₹77.00", "₹566.38"):
        assert amount in page
    assert url("payment", id=settled.pk) in page


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ("sales", {"paid"}), ("commission", {"paid"}), ("gst", {"paid"}),
        ("adjustments", {"ELSEWHERE"}), ("", {"paid", "ELSEWHERE"}), ("x", {"paid", "ELSEWHERE"}),
    ],
)  # fmt: skip
def test_each_step_leads_to_its_lines(
    at_acme: Client, url: Url, settled: Payment, lines: str, shown: set[str]
) -> None:
    where = url("settlement", id=Settlement.objects.get().pk)
    page = at_acme.get(where, {"lines": lines} if lines else {})
    orders = {line.order_id for line in page.context["lines"]}
    names = {settled.order_id: "paid", "=ELSEWHERE()": "ELSEWHERE"}
    assert {names[order] for order in orders} == shown
    assert (f'href="?lines={lines}#lines"' in page.content.decode()) is (lines not in ("", "x"))


def test_the_payout_answers_why_it_is_less(at_acme: Client, url: Url, paid: Payment) -> None:
    fees = {"COMMISSION": "9.00", "GST": "1.62"}
    take_in(paid.account, read_rows([row(paid.order_id, 489_38, **fees)]))
    page = at_acme.get(url("settlement", id=Settlement.objects.get().pk))
    assert "Why it is ₹10.62 less than your sales" in text(page)
    assert [(fall.label, fall.paise) for fall in page.context["falls"]] == [
        ("Sales", 500_00), ("Commission", -9_00), ("GST on commission", -1_62),
        ("Paid out", 489_38),
    ]  # fmt: skip


def test_a_payout_without_sales_begins_with_none(at_acme: Client, url: Url, paid: Payment) -> None:
    take_in(paid.account, read_rows([row("ELSEWHERE", 20_00)]))
    page = at_acme.get(url("settlement", id=Settlement.objects.get().pk))
    assert [fall.label for fall in page.context["falls"]] == ["Sales", "Adjustments", "Paid out"]


FIGURE = st.integers(-(10**9), 10**9)


@given(st.builds(Breakdown, *[FIGURE] * 6))
def test_a_waterfall_is_drawn_within_its_frame(why: Breakdown) -> None:
    falls = waterfall(why)
    assert sum(fall.paise for fall in falls[:-1]) == falls[-1].paise == why.paid_paise
    for fall in falls:
        assert 0 <= fall.left <= fall.left + fall.width <= 1000
        assert bool(fall.width) is bool(fall.paise)


def test_payouts_of_some_days_are_summed(at_acme: Client, url: Url, settled: Payment) -> None:
    later = row("OTHER", 20_00, UTR="UTR2", SETTLEDDATE="2026-11-26")
    take_in(settled.account, read_rows([later]))

    def sums(**days: str) -> tuple[int, int]:
        page = at_acme.get(url("settlements"), days)
        assert page.context["count"] == len(page.context["rows"])
        return page.context["count"], page.context["paid_paise"]

    assert sums() == (2, 586_38)
    assert sums(**{"from": "2026-11-26"}) == (1, 20_00)
    assert sums(to="2026-11-25") == (1, 566_38)
    assert sums(**{"from": "2026-11-27"}) == (0, 0)
    assert "No payout on these days" in text(at_acme.get(url("settlements"), {"to": "2020-01-01"}))
    assert at_acme.get(url("settlements"), {"to": "soon"}).status_code == 422


def test_a_payments_page_shows_its_payout(at_acme: Client, url: Url, settled: Payment) -> None:
    page = text(at_acme.get(url("payment", id=settled.pk)))
    for words in ("UTR1", "₹9.00", "₹1.62", "₹489.38", "Paytm paid it out"):
        assert words in page


def test_a_reversal_changes_the_payout_on_every_screen(
    at_acme: Client, url: Url, settled: Payment
) -> None:
    """M7: what is shown comes from the ledger."""
    settlement = Settlement.objects.get()
    for transfer in settlement.transfers.filter(debit__in=["bank", "fees"]):
        transfer.pk, transfer.reverses_id = None, transfer.pk
        transfer.debit, transfer.credit = transfer.credit, transfer.debit
        transfer.save()
    assert "₹566.38" not in text(at_acme.get(url("settlements")))
    assert "−₹9.00" not in text(at_acme.get(url("settlement", id=settlement.pk)))
    assert "₹9.00" not in text(at_acme.get(url("payment", id=settled.pk)))


def test_the_csv_has_every_line_and_no_formula(at_acme: Client, url: Url, settled: Payment) -> None:
    answer = at_acme.get(url("settlement_csv", id=Settlement.objects.get().pk))
    lines = answer.content.decode().splitlines()
    assert len(lines) == 3
    assert "'=ELSEWHERE()" in answer.content.decode()
    assert any("500.00,9.00,1.62,489.38" in line for line in lines)


def test_home_names_what_is_odd(at_acme: Client, url: Url, settled: Payment) -> None:
    page = text(at_acme.get(url("dashboard")))
    assert "1 exception in Paytm" in page
    assert url("exceptions") in page


def test_an_exception_is_taken_noted_and_resolved(
    at_acme: Client, url: Url, settled: Payment
) -> None:
    odd = Discrepancy.objects.get()
    assert "ELSEWHERE" in text(at_acme.get(url("exceptions")))
    where, act = url("exception", id=odd.pk), url("exception_act", id=odd.pk)
    at_acme.post(act, {"act": "take"})
    assert "Alice" in text(at_acme.get(f"{url('exceptions')}?owner=me&kind=unknown_order"))
    assert at_acme.post(act, {"act": "resolve", "words": ""}).status_code == 422
    at_acme.post(act, {"act": "note", "words": "Asked Paytm"})
    at_acme.post(act, {"act": "resolve", "words": "The shop next door"})
    page = text(at_acme.get(where))
    for words in ("Resolved by Alice", "Asked Paytm", "The shop next door"):
        assert words in page
    assert "ELSEWHERE" not in text(at_acme.get(url("exceptions")))
    assert "ELSEWHERE" in text(at_acme.get(f"{url('exceptions')}?state=resolved"))
    assert "meanwhile" in text(at_acme.post(act, {"act": "take"}, follow=True))


@pytest.mark.parametrize("act", ["", "erase"])
def test_an_odd_act_is_refused(at_acme: Client, url: Url, settled: Payment, act: str) -> None:
    where = url("exception_act", id=Discrepancy.objects.get().pk)
    assert at_acme.post(where, {"act": act}).status_code == 422


@pytest.mark.parametrize("query", ["kind=x", "state=x", "owner=x"])
def test_an_odd_filter_is_refused(at_acme: Client, url: Url, query: str) -> None:
    assert at_acme.get(f"{url('exceptions')}?{query}").status_code == 422


def test_a_viewer_sees_and_changes_nothing(
    acme: Tenant, url: Url, settled: Payment, sign_in: SignIn
) -> None:
    vera = cast.person("Vera")
    Membership.objects.create(tenant=acme, user=vera, role=Role.VIEWER)
    client = sign_in(vera)
    assert client.get(url("settlements")).status_code == 200
    odd = Discrepancy.objects.get()
    assert "Take it" not in text(client.get(url("exception", id=odd.pk)))
    for name, where in (("settlements_import", {}), ("exception_act", {"id": odd.pk})):
        assert client.post(url(name, **where), {"act": "take"}).status_code == 403


def test_import_now_asks_paytm_a_few_times(
    at_acme: Client, url: Url, paid: Payment, paytm: Any
) -> None:
    paytm.control("settlements", mid=paid.account.mid)
    assert at_acme.post(url("settlements_import")).status_code == 302
    run_due()
    assert "₹500.00" in text(at_acme.get(url("settlements")))
    codes = [at_acme.post(url("settlements_import")).status_code for _ in range(4)]
    assert 429 in codes


# --- Files


def test_a_file_is_looked_at_and_then_imported_once(
    at_acme: Client, url: Url, paid: Payment
) -> None:
    line = f"{paid.order_id},T1,500.00,9.00,1.62,489.38,UTR9,25/11/2026"
    kept = send(at_acme, url, f"{HEAD}\n{line}\n")
    assert not Settlement.objects.exists()
    page = text(at_acme.get(kept["Location"]))
    assert paid.order_id in page
    assert "₹489.38" in page
    for _ in range(2):
        at_acme.post(kept["Location"])
        run_due()
    assert Settlement.objects.get().lines.get().payment == paid
    assert "This file was taken in" in text(at_acme.get(kept["Location"]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no column “Order ID”"),
        (HEAD, "no rows"),
        ("a,b\n1,2\n", "no column “Order ID”"),
        (f"{HEAD}\nO1,T1,5,1,0.18,abc,U1,2026-11-25\n", "Row 2: Settled Amount cannot be"),
        (f"{HEAD}\nO1,T1,5,1,0.18,3.82,,2026-11-25\n", "Row 2: UTR is missing"),
        (f"{HEAD}\nO1,T1,5,1,0.18,3.82,U1,yesterday\n", "Settled Date cannot be read: yesterday"),
        (f"{HEAD}\nO1,T1,5,1,0.18,1e3,U1,2026-11-25\n", "Settled Amount cannot be read: 1e3"),
        (f'{HEAD}\n"O1,T1\n', "cannot be read as CSV"),
        (f"{HEAD}\n" + "O1,T1,5,1,0.18,3.82,U1,2026-11-25\n" * 5001, "more than 5,000 rows"),
    ],
)  # fmt: skip
def test_a_doubtful_file_is_refused_with_the_row(
    at_acme: Client, url: Url, paytm: Any, content: str, words: str
) -> None:
    answer = send(at_acme, url, content)
    assert answer.status_code == 422
    assert words in text(answer)


def test_without_an_account_nothing_can_be_uploaded(at_acme: Client, url: Url) -> None:
    assert "Connect Paytm" in text(at_acme.get(url("settlement_upload")))
    assert at_acme.post(url("settlement_upload"), {}).status_code == 422


def test_another_merchants_payout_is_absent(
    settled: Payment, url: Url, charlie: User, globex: Tenant, sign_in: SignIn
) -> None:
    settlement = Settlement.objects.get()
    client = sign_in(charlie)
    for name in ("settlement", "settlement_csv"):
        assert client.get(url(name, slug="globex", id=settlement.pk)).status_code == 404
