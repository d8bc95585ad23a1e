"""One truth: home, every report, their files, the ledger and the rows agree to the paisa.

Random payments, refunds and payouts of one merchant, most of them seconds from a midnight of its
zone or from the end of a financial year.
"""

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dashboard import reports
from dashboard.reports import BY_NAME, Asked
from payments import ageing, attempts, proving, reporting, surplus
from payments.folding import fold
from payments.models import Payment, Transfer
from payments.money import parse_inr
from payments.payouts import take_in
from payments.paytm import Outcome, read_rows
from payments.refunding import NotRefundable, TooMuch, ask_refund
from payments.selecting import Selection
from payments.settling import settle
from tenants.models import Tenant, User
from tests import make
from tests.dashboard.conftest import Clock, Url
from tests.dashboard.test_reports import sheet_of
from tests.payments.test_settling import answer
from tests.payments.test_surplus import finish
from tests.proof import size

pytestmark = pytest.mark.proof

ZONES = ("Asia/Kolkata", "America/New_York", "Pacific/Kiritimati")
# Midnights: an ordinary one, that of a month, and those around the end of the financial year.
# One is a week before another, for home.
MIDNIGHTS = (*(date(2026, 2, 10), date(2026, 3, 1), date(2026, 3, 24)),
             *(date(2026, 3, 31), date(2026, 4, 1)))  # fmt: skip
SECONDS = (-86_400, -90, -30, 1, 30, 40_000)
AT_HOME = (-60, 15, 60, 20_000, 50_000)  # never within seconds of what happened a week ago
PERIODS = [(first, last) for first in MIDNIGHTS for last in MIDNIGHTS if first <= last]
PERIODS += [(day - timedelta(1), day - timedelta(1)) for day in MIDNIGHTS]
SALES = ("day", "week", "month", "year", "method", "link")
HEADS = ("Payments", "Sales (INR)", "Refunds", "Refunded (INR)", "Net (INR)")

MOMENT = st.tuples(st.sampled_from(MIDNIGHTS), st.sampled_from(SECONDS))
PAYMENT = st.fixed_dictionaries(
    {
        "at": MOMENT,
        "paise": st.integers(1_00, 9_99_999),
        "mode": st.sampled_from(["UPI", "CC", "NB"]),
        "end": st.sampled_from(["paid", "paid", "paid", "surplus", "kept", "failed"]),
        "link": st.integers(0, 1),
        "back": st.none() | st.tuples(MOMENT, st.integers(1_00, 9_99_999)),
        "paid_out": st.booleans(),
    }
)


@pytest.fixture
def agreed(in_acme: Tenant, paytm: Any, alice: User, clock: Clock) -> Callable[..., None]:
    """Have a merchant of this zone live through these payments."""

    def live(zone: str, payments: list[dict[str, Any]], folded: int) -> None:
        in_acme.time_zone = zone
        in_acme.save()
        links = [make.link(amount_paise=None), make.link(amount_paise=None)]
        for n, each in enumerate(payments):
            one_payment(links[each["link"]], each, alice, n, lambda at: go(clock, zone, at))
            if n == folded:
                fold()

    return live


def moment(zone: str, at: tuple[date, int]) -> datetime:
    midnight = datetime.combine(at[0], datetime.min.time(), ZoneInfo(zone))
    return midnight.astimezone(UTC) + timedelta(seconds=at[1])


def go(clock: Clock, zone: str, at: tuple[date, int]) -> None:
    clock((moment(zone, at) - datetime.now(UTC)).total_seconds())


def one_payment(link: Any, each: dict[str, Any], alice: User, n: int, go: Any) -> Payment:
    go(each["at"])
    link.amount_paise = each["paise"]  # not saved: the link is open
    order = make.payment(link)
    outcome = Outcome.FAILURE if each["end"] == "failed" else Outcome.SUCCESS
    more = 1_00 if each["end"] in ("surplus", "kept") else 0
    said = answer(order, outcome, amount_paise=each["paise"] + more, payment_mode=each["mode"])
    settled = settle(order, said)
    if each["end"] == "kept":
        settled = surplus.keep(settled, alice)
    if each["back"] and each["end"] != "failed":
        go(each["back"][0])
        give_back(settled, each["back"][1], alice)
    if each["paid_out"] and each["end"] != "failed":
        pay_out(settled, n)
    return settled


def give_back(payment: Payment, paise: int, alice: User) -> None:
    try:
        finish(ask_refund(payment, min(paise, payment.received_paise), "Broken", alice, "key"))
    except (NotRefundable, TooMuch):
        return


def pay_out(payment: Payment, n: int) -> None:
    fee = payment.received_paise * 2 // 100
    gst = (fee * 18 + 50) // 100
    fees = {"COMMISSION": rupees(fee), "GST": rupees(gst), "UTR": f"UTR{n}"}
    row = make.settlement_row(payment.order_id, payment.received_paise - fee - gst, **fees)
    take_in(payment.account, read_rows([row]))


def rupees(paise: int) -> str:
    return f"{paise // 100}.{paise % 100:02}"


def test_every_place_says_the_same(
    agreed: Callable[..., None], sign_in: Any, alice: User, url: Url, clock: Clock
) -> None:
    client = sign_in(alice)

    @settings(
        max_examples=size(10, 400),
        deadline=None,
        derandomize=size(1, 0) == 1,
        database=None,
        phases=[Phase.generate] if size(1, 0) else [*Phase],
        suppress_health_check=[*HealthCheck],
    )
    @given(
        zone=st.sampled_from(ZONES),
        payments=st.lists(PAYMENT, min_size=1, max_size=6),
        folded=st.integers(-1, 6),
        period=st.sampled_from(PERIODS),
        day=st.tuples(st.sampled_from(MIDNIGHTS), st.sampled_from(AT_HOME)),
    )
    def held(zone: str, payments: Any, folded: int, period: Any, day: Any) -> None:
        with transaction.atomic():
            agreed(zone, payments, folded)
            of_a_period(client, url, *period)
            of_the_ledger()
            of_attempts(zone, *period)
            go(clock, zone, day)
            of_home(client, url, moment(zone, day), zone)
            transaction.set_rollback(True)

    held()


def raw(days: Callable[[Transfer], bool]) -> list[int]:
    """Count and paise of sales, of refunds, and what is left: added up by hand from the rows."""
    sums = [0, 0, 0, 0]
    for row in filter(days, Transfer.objects.all()):
        for account, place in (("sales", 0), ("refunds", 2)):
            side = {row.credit: 1, row.debit: -1}.get(account, 0)
            side = -side if account == "refunds" else side
            sums[place] += side
            sums[place + 1] += side * row.paise
    return [*sums, sums[1] - sums[3]]


def of_a_period(client: Client, url: Url, first: date, last: date) -> None:
    truth = raw(lambda row: first <= row.day <= last)
    figure = reporting.total(reporting.by_day(False, first, last))
    assert [figure.sales_count, figure.sales_paise, figure.refunds_count, figure.refunds_paise,
            figure.net_paise] == truth  # fmt: skip
    for name in SALES:
        asked = {"report": name, "from": first.isoformat(), "to": last.isoformat()}
        page = client.get(url("reports"), asked)
        shown = [cell["text"] for cell in page.context["total"] or []]
        kinds = [column.kind for column in BY_NAME[name].columns]
        written = [reports.shown(*pair) for pair in zip(kinds, truth, strict=True)]
        assert shown == (written if page.context["rows"] else []), name
        table = client.get(url("reports_csv"), asked)
        rows = [*csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")))]
        assert [sum(signed(head, row[head]) for row in rows) for head in HEADS] == truth, name
        assert sheet_of(client.get(url("reports_xlsx"), asked)) == rows
    refunds = truth[2:4]
    for name in ("refunds", "refund-reasons"):
        lines = BY_NAME[name].lines(Asked(False, first, last))
        assert [sum(line.cells[n] or 0 for line in lines) for n in (0, 1)] == refunds
    # Tags may speak of the same money twice; without any, everything is under none.
    tags = BY_NAME["tag"].lines(Asked(False, first, last))
    assert sum(line.cells[1] or 0 for line in tags) == truth[1]
    fees = [BY_NAME[name].lines(Asked(False, first, last)) for name in ("fees", "fees-method")]
    assert len({sum(line.cells[2] or 0 for line in lines) for lines in fees}) == 1


def signed(head: str, text: str) -> int:
    if "INR" not in head:
        return int(text)
    return -parse_inr(text[1:]) if text.startswith("-") else parse_inr(text)


def of_the_ledger() -> None:
    assert [*proving.breaches()] == []
    owed = proving.balances(live=False).get("receivable", 0)
    assert reporting.ever(False).owed_paise == owed
    assert sum(each.paise for each in ageing.owed(False)) == owed


def of_attempts(zone: str, first: date, last: date) -> None:
    """The report's figures, and the list that its lines lead to."""
    counted = attempts.total(False, first, last)
    payments = [p for p in Payment.objects.all()
                if first <= p.created_at.astimezone(ZoneInfo(zone)).date() <= last]  # fmt: skip
    assert counted.arrived == sum(p.has_arrived for p in payments)
    assert counted.failed == sum(p.state == "failed" for p in payments)
    where, values = Selection(False, states=("failed",), first=first, last=last).where()
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM payments_payment AS p WHERE {where}", values)
        assert cursor.fetchone() == (counted.failed,)


def of_home(client: Client, url: Url, at: datetime, zone: str) -> None:
    day = at.astimezone(ZoneInfo(zone)).date()
    so_far, week = raw(lambda row: row.day == day), timedelta(days=7)
    then = raw(lambda row: row.day == day - week and row.at < at - week)
    stats = client.get(url("dashboard")).context["stats"]
    assert stats[0]["value"] == reports.shown("money", so_far[1])
    assert stats[1]["value"] == reports.shown("count", so_far[0])
    assert stats[3]["value"] == reports.shown("money", so_far[3])
    assert f"{reports.shown('money', then[1])} by " in stats[0]["note"]
    owed = proving.balances(live=False).get("receivable", 0)
    assert stats[4]["value"] == reports.shown("money", owed)
