"""`python -m tests.faults.oracle BOOKS`: the product's books against Paytm's, to the paisa.

BOOKS is a file with the answer of the simulator's `/_control/books`, and what was `heard` by the
merchants' systems that are well. Prints, for each counter, what was found, in words. It follows the
ledger's accounts: money that arrived is what sales and surplus were credited apart from refunds,
money sent back is what the receivable was credited for refunds.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db.models import Sum  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from config.clock import now  # noqa: E402
from merchants import roles  # noqa: E402
from merchants.models import PaytmAccount  # noqa: E402
from payments.events import PAYMENT_KINDS, REFUND_KINDS  # noqa: E402
from payments.models import (  # noqa: E402
    DailyFigure,
    Delivery,
    Event,
    Payment,
    Refund,
    Transfer,
)
from payments.models.ledger import Account  # noqa: E402
from payments.states import (  # noqa: E402
    ARRIVED,
    REFUND_UNDECIDED,
    UNDECIDED,
    PaymentState,
    RefundState,
)
from tenants.jobs import MONEY  # noqa: E402
from tenants.models import CaughtMail, DeadJob, Job, Membership, Tenant, TenantDay  # noqa: E402
from tests.faults.systems import GOOD  # noqa: E402
from tests.faults.words import CANARY, ORDER_ID  # noqa: E402

COUNTERS = ("lost", "doubled", "over_refunded", "wrong_tenant", "stuck")
ARRIVES = (Account.SALES, Account.SURPLUS)
TOO_MUCH = "619"  # Paytm: invalid refund amount, more than is left

Finding = tuple[str, str]  # a counter, and what it counts, in words
Order = dict[str, Any]


@dataclass(frozen=True)
class Booked:
    """What one payment's transfers say, in paise."""

    received: int = 0
    refunded: int = 0


def main(books: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {counter: [] for counter in COUNTERS}
    orders = {order["order_id"]: order for order in books["orders"]}
    homes: dict[str, str] = {}
    for tenant in Tenant.objects.exclude(state=Tenant.State.READY):
        with tenant_context(tenant):
            heard = set(books["heard"].get(tenant.slug, []))
            for counter, words in [*findings(tenant, orders, homes), *unheard(heard)]:
                found[counter].append(f"{tenant.slug}: {words}")
    for counter, words in [*unknown_orders(orders, homes), *jobs_left()]:
        found[counter].append(words)
    return found


def findings(tenant: Tenant, orders: dict[str, Order], homes: dict[str, str]) -> Iterator[Finding]:
    """Everything wrong in one tenant's books; `homes` learns whose each order is."""
    transfers, refunds = [*Transfer.objects.all()], refunds_by_payment()
    booked = booked_by_payment(transfers)
    mids = set(PaytmAccount.objects.values_list("mid", flat=True))
    for payment in Payment.objects.iterator():
        order = orders.get(payment.order_id, {})
        if payment.order_id in homes or (order and order["mid"] not in mids):
            yield "wrong_tenant", f"{payment.order_id} is an order of another merchant"
        homes[payment.order_id] = str(tenant.slug)
        yield from money(payment, booked[payment.pk], order)
        yield from sent_back(payment, booked[payment.pk], order, refunds[payment.pk])
    yield from figures(tenant, transfers)
    yield from untold(tenant)


def booked_by_payment(transfers: list[Transfer]) -> defaultdict[Any, Booked]:
    sums: defaultdict[Any, Booked] = defaultdict(Booked)
    for row in transfers:
        was, paise = sums[row.payment_id], row.paise
        if row.refund_id is None:
            arrived = paise * ((row.credit in ARRIVES) - (row.debit in ARRIVES))
            sums[row.payment_id] = Booked(was.received + arrived, was.refunded)
        else:
            back = paise * ((row.credit == Account.RECEIVABLE) - (row.debit == Account.RECEIVABLE))
            sums[row.payment_id] = Booked(was.received, was.refunded + back)
    return sums


def refunds_by_payment() -> defaultdict[Any, list[Refund]]:
    refunds: defaultdict[Any, list[Refund]] = defaultdict(list)
    for refund in Refund.objects.all():
        refunds[refund.payment_id].append(refund)
    return refunds


def money(payment: Payment, booked: Booked, order: Order) -> Iterator[Finding]:
    """What arrived: as Paytm has it, in the transfers and on the payment's own row."""
    name, paid = payment.order_id, order.get("paid_paise", 0)
    if booked.received < paid:
        yield "lost", f"{name}: Paytm has {paid}, booked are {booked.received}"
    if booked.received > paid:
        yield "doubled", f"{name}: Paytm has {paid}, booked are {booked.received}"
    if payment.received_paise != booked.received or payment.refunded_paise != booked.refunded:
        said = f"{payment.received_paise} − {payment.refunded_paise}"
        yield "doubled", f"{name}: {said} on its row, {booked} in its transfers"
    if payment.state in UNDECIDED:
        yield "stuck", f"{name} is {payment.state}, Paytm says {order.get('state', 'nothing')}"


def sent_back(
    payment: Payment, booked: Booked, order: Order, ours: list[Refund]
) -> Iterator[Finding]:
    """What was given back: as Paytm has it, never more than arrived, never unasked."""
    name, given = payment.order_id, order.get("refunded_paise", 0)
    if booked.refunded < given:
        yield "over_refunded", f"{name}: Paytm gave back {given}, booked are {booked.refunded}"
    if booked.refunded > given:
        yield "doubled", f"{name}: Paytm gave back {given}, booked are {booked.refunded}"
    open_paise = sum(r.amount_paise for r in ours if r.state in REFUND_UNDECIDED)
    if booked.refunded + open_paise > booked.received or payment.reserved_paise != open_paise:
        held = f"{booked.refunded} + {open_paise}, reserved {payment.reserved_paise}"
        yield "over_refunded", f"{name}: {held} of {booked.received}"
    known = {refund.ref_id for refund in ours}
    for theirs in order.get("refunds", []):
        if theirs["ref_id"] not in known:
            yield "over_refunded", f"{name}: {theirs['ref_id']} at Paytm is not ours"
    for refund in ours:
        yield from fate(refund, {each["ref_id"]: each for each in order.get("refunds", [])})


def fate(refund: Refund, theirs: dict[str, Any]) -> Iterator[Finding]:
    """One refund: decided, and never asked for more than there was."""
    if refund.state in REFUND_UNDECIDED:
        said = theirs.get(refund.ref_id, {}).get("state", "nothing")
        yield "stuck", f"{refund.ref_id} is {refund.state}, Paytm says {said}"
    if refund.result_code == TOO_MUCH:
        yield "over_refunded", f"{refund.ref_id}: more was asked for than was left"


def figures(tenant: Tenant, transfers: list[Transfer]) -> Iterator[Finding]:
    """The merchant's days and the platform's, each against the transfers."""
    if left := sum(not row.folded for row in transfers):
        yield "stuck", f"{left} transfers are not in the daily figures"
    sums: Counter[tuple[bool, Any, str]] = Counter()
    for row in transfers:
        sums[row.live, row.day, "sales"] += row.paise * moved(row, Account.SALES)
        sums[row.live, row.day, "refunds"] -= row.paise * moved(row, Account.REFUNDS)
    wanted = {place: paise for place, paise in sums.items() if paise}
    totals = {"sales": Sum("sales_paise"), "refunds": Sum("refunds_paise")}
    days = DailyFigure.objects.values("live", "day").annotate(**totals)
    published = TenantDay.objects.filter(tenant=tenant).values("live", "day").annotate(**totals)
    for whose, rows in (("the merchant's", days), ("the platform's", published)):
        told = as_told(rows)
        for place in sorted(wanted.items() ^ told.items(), key=repr):
            more = told.get(place[0], 0) > wanted.get(place[0], 0)
            words = f"{whose} {place[0]}: {told.get(place[0], 0)}, {wanted.get(place[0], 0)} booked"
            yield ("doubled" if more else "lost"), words


def as_told(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[bool, Any, str], int]:
    """The sums of days that are not nothing."""
    return {
        (row["live"], row["day"], name): row[name]
        for row in rows
        for name in ("sales", "refunds")
        if row[name]
    }


def moved(row: Transfer, account: str) -> int:
    """1 when it was credited, −1 when it was debited."""
    return int(row.credit == account) - int(row.debit == account)


def untold(tenant: Tenant) -> Iterator[Finding]:
    """Money that arrived and of which somebody was not told, and mails about other merchants."""
    team = Membership.objects.filter(tenant=tenant, role__in=roles.MONEY)
    for address in team.values_list("user__email", flat=True):
        texts = "\n".join(CaughtMail.objects.filter(to=address).values_list("text", flat=True))
        told = set(ORDER_ID.findall(texts))
        arrived = set(Payment.objects.filter(state__in=ARRIVED).values_list("order_id", flat=True))
        for order_id in arrived - told:
            yield "stuck", f"{address} was never told of {order_id}"
        if others := {word for word in CANARY.findall(texts) if word not in tenant.name}:
            yield "wrong_tenant", f"{address} was told of {others}"


def unheard(heard: set[str]) -> Iterator[Finding]:
    """What the merchant's systems should have been told, by the ids its good one has heard."""
    written = set(Event.objects.values_list("kind", "subject"))
    for kind, pk, name in final_things():
        if (kind, pk) not in written:
            yield "lost", f"{name}: no event {kind}"
    for event in Event.objects.prefetch_related("deliveries__endpoint"):
        ends = {each.endpoint.url.rpartition("/")[2]: each.state for each in event.deliveries.all()}
        if ends.get(GOOD) != Delivery.State.DELIVERED or Delivery.State.WAITING in ends.values():
            yield "stuck", f"{event}: {ends}"
        if event.message_id not in heard:
            yield "lost", f"{event}: not heard by a system that is well"
    for id in heard - {event.message_id for event in Event.objects.all()}:
        yield "wrong_tenant", f"its system was told of {id}"


def final_things() -> Iterator[tuple[str, str, str]]:
    """What there must be an event of: its kind, its subject, and a name."""
    for payment in Payment.objects.filter(state__in=PAYMENT_KINDS):
        yield PAYMENT_KINDS[PaymentState(payment.state)], str(payment.pk), payment.order_id
    for refund in Refund.objects.filter(state__in=REFUND_KINDS, retry=None):
        yield REFUND_KINDS[RefundState(refund.state)], str(refund.pk), refund.ref_id


def unknown_orders(orders: dict[str, Order], homes: dict[str, str]) -> Iterator[Finding]:
    """Orders with money at Paytm that nobody here knows."""
    for order_id, order in orders.items():
        if order_id not in homes and order["paid_paise"]:
            yield "lost", f"{order_id}: {order['paid_paise']} at Paytm, no payment here"


def jobs_left() -> Iterator[Finding]:
    """Jobs that are due and do not run, and dead ones of the money's lane."""
    due = Job.objects.exclude(state=Job.State.WAITING) | Job.objects.filter(run_at__lte=now())
    for kind, late in Counter(due.values_list("kind", flat=True)).items():
        yield "stuck", f"{late} jobs are due: {kind}"
    for dead in DeadJob.objects.filter(lane=MONEY):
        yield "stuck", f"{dead.kind} is dead: {dead.error[:200]}"


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
