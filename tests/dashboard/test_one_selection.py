"""One selection, one truth: list, totals, both kinds of file, report, chart and the refunds' list
and files agree to the paisa with the ledger, added up by hand.

Histories pile up in one merchant, in both of its worlds and most of them seconds from a midnight
or the end of a financial year; some of their bookings are reversed by SQL, as no screen can.
"""

import io
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

import openpyxl
import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dashboard.reports import ARRIVED
from payments import reporting
from payments.annotating import add_tag
from payments.models import ExportFile, Payment, Transfer
from payments.selecting import Selection
from tenants import provisioning
from tenants.jobs import run_due
from tenants.models import CaughtMail, Job, Tenant, User
from tests import cast, make
from tests.conftest import MIDS, READY, SignIn
from tests.dashboard.conftest import Clock
from tests.dashboard.test_agreement import MIDNIGHTS, PAYMENT, PERIODS, go, one_payment
from tests.dashboard.test_exports import content, dicts, is_in, paise, reverse_transfer
from tests.proof import size

pytestmark = pytest.mark.proof

LIVE_MID = "ACMELIVE000000000001", "acme0000live0000"
ZONE = "Asia/Kolkata"
ALL_DAYS = date(2026, 1, 1), date(2026, 12, 31)

DAYS = st.none() | st.sampled_from(MIDNIGHTS)
HISTORY = st.fixed_dictionaries(
    {
        "live": st.booleans(),
        "of": PAYMENT,
        "reversed": st.sampled_from(["", "", "", "sale", "refund"]),
        "tag": st.sampled_from(["", "vip"]),
    }
)
SELECTION: st.SearchStrategy[Selection] = st.builds(
    Selection,
    live=st.booleans(),
    states=st.sets(st.sampled_from(["paid", "surplus", "failed"]), max_size=2).map(tuple),
    methods=st.sets(st.sampled_from(["upi", "credit_card", "net_banking"]), max_size=2).map(tuple),
    first=DAYS,
    last=DAYS,
    min_paise=st.none() | st.integers(0, 9_999_99),
    max_paise=st.none() | st.integers(0, 9_999_99),
    refunded=st.sampled_from(["", "", "yes", "no"]),
    settled=st.sampled_from(["", "", "yes", "no"]),
    tag=st.sampled_from(["", "", "vip"]),
).filter(lambda s: all(a is None or b is None or a <= b for a, b in
                       ((s.first, s.last), (s.min_paise, s.max_paise))))  # fmt: skip


class Sums(NamedTuple):
    payments: int
    received: int
    refunded: int


@pytest.fixture
def shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tenant]:
    """Acme with a link in each world, committed: files are read over connections of their own."""
    with django_db_blocker.unblock():
        alice = cast.person("Alice")
        acme = cast.merchant("acme", alice)
        cast.go_live(acme, alice)
        acme.refresh_from_db()
        with tenant_context(acme):
            make.paytm_account(*MIDS["acme"])
            make.paytm_account(*LIVE_MID, live=True)
            yield acme
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        acme.delete(force_drop=True)
        alice.delete()
        provisioning.keep_ready(READY)
        CaughtMail.objects.all().delete()
        Job.objects.all().delete()


def test_every_place_says_the_same_of_any_selection(
    shop: Tenant, sign_in: SignIn, clock: Clock
) -> None:
    alice = User.objects.get(name="Alice")
    client = sign_in(alice)
    links = {live: make.link(live=live, amount_paise=None) for live in (False, True)}

    @settings(
        max_examples=size(8, 300),
        deadline=None,
        derandomize=size(1, 0) == 1,
        database=None,
        phases=[Phase.generate],  # what was lived through stays, so nothing is made smaller
        suppress_health_check=[*HealthCheck],
    )
    @given(
        histories=st.lists(HISTORY, min_size=1, max_size=4),
        wanted=SELECTION,
        period=st.sampled_from([*PERIODS, ALL_DAYS]),
        kind=st.sampled_from(["csv", "xlsx"]),
    )
    def held(histories: Any, wanted: Selection, period: Any, kind: str) -> None:
        for n, each in enumerate(histories):
            lived = one_payment(
                links[each["live"]], each["of"], alice, n, lambda at: go(clock, ZONE, at)
            )
            spoiled(lived, each, alice)
        clock(0)
        Job.objects.all().delete()
        for selection in (wanted, Selection(wanted.live, first=period[0], last=period[1])):
            of_a_selection(client, selection, kind)
        of_a_report(client, wanted.live, *period, kind=kind)

    held()


def spoiled(payment: Payment, each: dict[str, Any], alice: User) -> None:
    """Tagged by a person, and reversed in the books, if it says so and something was booked."""
    if each["tag"]:
        add_tag(payment.live, [payment.pk], each["tag"], alice)
    booked = {
        "sale": Q(refund=None, debit="receivable"),
        "refund": Q(refund__isnull=False, credit="receivable"),
    }
    if each["reversed"]:
        found = Transfer.objects.filter(booked[each["reversed"]], payment=payment).first()
        if found:
            reverse_transfer(found.pk)


# --- The truth


def booked(payment: Payment) -> tuple[int, int]:
    """What arrived of a payment, and what was given back: by hand, from the ledger's rows."""
    arrived = back = 0
    for row in Transfer.objects.filter(payment=payment):
        if row.refund_id:
            back += {row.credit: row.paise, row.debit: -row.paise}.get("receivable", 0)
        else:
            arrived += row.paise * (row.credit in ("sales", "surplus"))
            arrived -= row.paise * (row.debit in ("sales", "surplus"))
    return arrived, back


def chosen(wanted: Selection) -> list[Payment]:
    payments = Payment.objects.filter(live=wanted.live).order_by("-created_at", "id")
    return [
        payment
        for payment in payments
        if is_in(payment, wanted)
        and (not wanted.tag or payment.tags.filter(name=wanted.tag).exists())
    ]


# --- A selection


def of_a_selection(client: Client, wanted: Selection, kind: str) -> None:
    mine = chosen(wanted)
    ids = [payment.order_id for payment in mine]
    received, refunded = (sum(part) for part in zip((0, 0), *map(booked, mine), strict=True))
    truth = Sums(len(mine), received, refunded)
    assert on_screen(client, wanted, {p.order_id for p in mine if p.has_arrived}) == (ids, truth)
    for more in ("", "&exact=1"):
        totals = at(client, "payments_sums", wanted, more).context["totals"]
        assert Sums(totals.count, totals.arrived_paise, totals.refunded_paise) == truth
        assert totals.arrived_count == sum(payment.has_arrived for payment in mine)
    assert in_file("csv", content(at(client, "payments_csv", wanted))) == (ids, truth)
    file = made(client, f"{url('exports', wanted.live)}?{wanted.query}", kind)
    assert Sums(file.count, file.received_paise, file.refunded_paise) == truth  # type: ignore[arg-type]
    answer = client.get(url("export_file", wanted.live, id=file.pk))
    assert in_file(kind, content(answer)) == (ids, truth)


def url(name: str, live: bool, **where: Any) -> str:
    return reverse(name, kwargs={"slug": "acme", "live": live, **where})


def at(client: Client, name: str, wanted: Selection, more: str = "") -> Any:
    answer = client.get(f"{url(name, wanted.live)}?{wanted.query}{more}")
    assert answer.status_code == 200, answer.content
    return answer


def on_screen(client: Client, wanted: Selection, arrived: set[str]) -> tuple[list[str], Sums]:
    """The rows of all pages of the list."""
    rows: list[Any] = []
    address = f"?{wanted.query}"
    while address:
        page = client.get(url("payments", wanted.live) + address).context["page"]
        rows += page.rows
        address = page.older
    received = sum(row.arrived_paise for row in rows if row.order_id in arrived)
    sums = Sums(len(rows), received, sum(row.refunded_paise for row in rows))
    return [row.order_id for row in rows], sums


def in_file(kind: str, file: bytes) -> tuple[list[str], Sums]:
    rows = dicts(file) if kind == "csv" else in_workbook(file)
    received, refunded = (
        sum(paise(row[name]) for row in rows) for name in ("Received (INR)", "Refunded (INR)")
    )
    return [row["Order ID"] for row in rows], Sums(len(rows), received, refunded)


def in_workbook(file: bytes) -> list[dict[str, str]]:
    head, *rows = openpyxl.load_workbook(io.BytesIO(file)).active.values
    return [
        {
            name: f"{cell:.2f}" if name.endswith("(INR)") else str(cell)
            for name, cell in zip(head, row, strict=True)
        }
        for row in rows
        if any(cell is not None for cell in row)
    ]


def made(client: Client, address: str, kind: str) -> ExportFile:
    """The file that a person has made of what the list shows."""
    form = client.get(address).context["form"]
    said = {"format": kind, "columns": ["when"], "key": form["key"].value()}
    answer = client.post(address, said)
    run_due()
    file = ExportFile.objects.get(pk=answer["Location"].rsplit("/", 1)[1])
    assert file.state == "done"
    return file


# --- A report, whose lines lead to lists


def of_a_report(client: Client, live: bool, first: date, last: date, kind: str) -> None:
    """Here each payment arrived on the day that it was begun, so that a report's sales and surplus
    are what arrived of the lists that its lines lead to."""
    chart_is_its_table(client, live, first, last)
    back = refunds_on_screen(client, live, first, last, kind)
    figures = reporting.by_method(live, first, last)
    assert sum(f.refunds_paise for f in figures) + out_of_surplus(live, first, last) == back
    for figure in figures:
        method = figure.method or ""
        came = figure.sales_paise + figure.surplus_paise
        came += out_of_surplus(live, first, last, method=method)
        wanted = Selection(live, states=ARRIVED, methods=(method,), first=first, last=last)
        if not figure.is_of_payouts_alone:
            assert sum(booked(payment)[0] for payment in chosen(wanted)) == came
            totals = at(client, "payments_sums", wanted).context["totals"]
            assert totals.arrived_paise == came


def chart_is_its_table(client: Client, live: bool, first: date, last: date) -> None:
    asked = {"report": "day", "from": first.isoformat(), "to": last.isoformat()}
    page = client.get(url("reports", live), asked)
    bars = page.context["chart"]["bars"]
    sold = sum(f.sales_paise for f in reporting.by_day(live, first, last))
    assert sum(bar["value"] for bar in bars) == sold
    table = dicts(content(client.get(url("reports_csv", live), asked)))
    assert sum(paise(row["Sales (INR)"]) for row in table) == sold


def out_of_surplus(live: bool, first: date, last: date, **more: Any) -> int:
    """Paise of refunds that were never sales, which a report of sales does not count."""
    rows = Transfer.objects.filter(
        live=live, day__gte=first, day__lte=last, refund__isnull=False, **more
    )
    return sum(row.paise * ((row.debit == "surplus") - (row.credit == "surplus")) for row in rows)


def refunds_on_screen(client: Client, live: bool, first: date, last: date, kind: str) -> int:
    """What the list of refunds of these days says was given back; its files, at once and made in
    the background, have the same rows and sums."""
    asked = {"from": first.isoformat(), "to": last.isoformat()}
    sums = client.get(url("refunds_sums", live), asked).context["totals"]
    truth = tuple(sums[name] for name in ("count", "asked_paise", "given_back_paise"))
    assert of_refunds("csv", content(client.get(url("refunds_csv", live), asked))) == truth
    file = made(client, f"{url('refunds_exports', live)}?{urlencode(asked)}", kind)
    assert (file.count, file.asked_paise, file.refunded_paise) == truth
    answer = client.get(url("export_file", live, id=file.pk))
    assert of_refunds(kind, content(answer)) == truth
    return int(sums["given_back_paise"])


def of_refunds(kind: str, file: bytes) -> tuple[int, ...]:
    rows = dicts(file) if kind == "csv" else in_workbook(file)
    names = ("Amount (INR)", "Given back (INR)")
    return len(rows), *(sum(paise(row[name]) for row in rows) for name in names)
