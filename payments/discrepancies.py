"""What a person must look at in Paytm's payouts: found once, closed by the facts or by a person.

`review` compares a payout with our books, `review_unsettled` our books with all payouts. Both
may be repeated by anybody: what is known stays one row, with its history. What a person has
closed stays closed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, QuerySet

from config.clock import now
from merchants import audit
from merchants.models import PaytmAccount
from payments import ledger
from payments.models import (
    Discrepancy,
    DiscrepancyNote,
    Payment,
    Refund,
    Settlement,
    SettlementImport,
    SettlementLine,
)
from payments.states import ARRIVED
from tenants.models import User

Kind, Match, LineKind = Discrepancy.Kind, SettlementLine.Match, SettlementLine.Kind

# Paytm pays out on the working day after; so long after the payment it is worth a question.
UNSETTLED_AFTER = timedelta(days=3)
GST_PERCENT = 18
# Paytm's rounding is not documented.
GST_TOLERANCE_PAISE = 1

UNMATCHED = {
    LineKind.SALE: Kind.UNKNOWN_ORDER,
    LineKind.REFUND: Kind.UNKNOWN_REFUND,
    LineKind.OTHER: Kind.OTHER_LINE,
}
OF_A_PAYOUT = (
    *UNMATCHED.values(),
    *(Kind.TWICE, Kind.AMOUNT, Kind.ARITHMETIC, Kind.TOTAL),
)

# Environments that have settlements (Paytm: staging has none).
SETTLING = (PaytmAccount.Environment.SIMULATOR, PaytmAccount.Environment.PRODUCTION)


class AlreadyResolved(Exception):
    """Somebody, or the facts, closed it meanwhile."""


@dataclass(frozen=True)
class Fact:
    """Something that is wrong now. `subject` is what it is about, paise where both are sums."""

    kind: Discrepancy.Kind
    subject: str
    line: SettlementLine | None = None
    payment_id: Any = None
    ours_paise: int | None = None
    theirs_paise: int | None = None


# --- Finding


def review(settlement: Settlement) -> None:
    """Compare a payout with our books, under its lock."""
    lines = [*settlement.lines.select_related("payment", "refund").order_by("id")]
    facts = [*_of_lines(lines), *_of_total(settlement, lines)]
    known = Discrepancy.objects.filter(settlement=settlement, kind__in=OF_A_PAYOUT)
    known = known.select_for_update(of=("self",)).order_by("pk")
    _agree(facts, known, live=settlement.live, settlement=settlement)


def note_changed(settlement: Settlement, line: SettlementLine, settled_paise: int) -> None:
    """Paytm states other figures for a line than before; what is booked stays."""
    fact = Fact(
        Kind.CHANGED, str(line.pk), line, line.payment_id, line.settled_paise, settled_paise
    )
    known = Discrepancy.objects.filter(kind=Kind.CHANGED, line=line)
    _agree([fact], known, live=settlement.live, settlement=settlement)


def review_unsettled(live: bool, mid: str) -> None:
    """Compare our books with all payouts of a MID: what has arrived and was never paid out."""
    with transaction.atomic():
        known = Discrepancy.objects.filter(
            kind=Kind.UNSETTLED, live=live, payment__account__mid=mid
        )
        known = known.select_for_update(of=("self",)).order_by("pk")
        _agree([*_unsettled(live, mid)], known, live=live, settlement=None)


def _of_lines(lines: list[SettlementLine]) -> Iterator[Fact]:
    booked = ledger.received_of([line.payment_id for line in lines if line.payment_id])
    for line in lines:
        if line.match == Match.NONE:
            yield _about(line, UNMATCHED[LineKind(line.kind)], None, line.settled_paise)
        elif line.match == Match.TWICE:
            yield _about(line, Kind.TWICE, 0, line.settled_paise)
        elif line.kind == LineKind.SALE:
            ours = booked.get(line.payment_id, 0) if line.payment_id else 0
            if line.gross_paise != ours:
                yield _about(line, Kind.AMOUNT, ours, line.gross_paise)
        elif line.refund and line.gross_paise != (ours := _refunded(line, line.refund)):
            yield _about(line, Kind.AMOUNT, ours, line.gross_paise)
        if line.kind != LineKind.OTHER:
            yield from _of_arithmetic(line)


def _refunded(line: SettlementLine, refund: Refund) -> int:
    """What the line should say. Several refunds of Paytm's dashboard may be one of ours, so those
    are not compared."""
    return line.gross_paise if refund.origin == Refund.Origin.PAYTM else -refund.amount_paise


def _of_arithmetic(line: SettlementLine) -> Iterator[Fact]:
    left = line.gross_paise - line.commission_paise - line.gst_paise
    gst = gst_on(line.commission_paise)
    if left != line.settled_paise:
        yield _about(line, Kind.ARITHMETIC, left, line.settled_paise)
    elif abs(gst - line.gst_paise) > GST_TOLERANCE_PAISE:
        yield _about(line, Kind.ARITHMETIC, gst, line.gst_paise)


def gst_on(commission_paise: int) -> int:
    """GST on Paytm's commission in paise, rounded half up."""
    sign = -1 if commission_paise < 0 else 1
    return sign * ((abs(commission_paise) * GST_PERCENT * 2 + 100) // 200)


def _of_total(settlement: Settlement, lines: list[SettlementLine]) -> Iterator[Fact]:
    total = sum(line.settled_paise for line in lines)
    if settlement.stated_paise not in (None, total):
        yield Fact(
            Kind.TOTAL,
            str(settlement.pk),
            ours_paise=total,
            theirs_paise=settlement.stated_paise,
        )


def _about(line: SettlementLine, kind: Discrepancy.Kind, ours: int | None, theirs: int) -> Fact:
    return Fact(kind, str(line.pk), line, line.payment_id, ours, theirs)


def _unsettled(live: bool, mid: str) -> Iterator[Fact]:
    span = _known_span(live, mid)
    if span is None:
        return
    payments = Payment.objects.filter(
        live=live,
        state__in=ARRIVED,
        account__mid=mid,
        account__environment__in=SETTLING,
        paid_at__gte=span[0],
        paid_at__lt=min(span[1], now()) - UNSETTLED_AFTER,
    ).exclude(settled_lines__kind=LineKind.SALE, settled_lines__match=Match.MATCHED)
    for pk, paise in payments.values_list("pk", "received_paise"):
        yield Fact(Kind.UNSETTLED, str(pk), payment_id=pk, ours_paise=paise, theirs_paise=0)


def _known_span(live: bool, mid: str) -> tuple[datetime, datetime] | None:
    """From when to when we would know of this MID's payouts; None if of none.

    Money that came before our first look, or after our last, is not missed. Paytm tells the second
    of a payment, no more, so the first look begins with its second.
    """
    looks = SettlementImport.objects.filter(
        live=live,
        account__mid=mid,
        source=SettlementImport.Source.API,
        state=SettlementImport.State.DONE,
    ).aggregate(first=Min("created_at"), last=Max("finished_at"))
    payouts = Settlement.objects.filter(live=live, mid=mid).aggregate(
        first=Min("paid_out_at"), last=Max("paid_out_at")
    )
    begins = [span["first"] for span in (looks, payouts) if span["first"]]
    ends = [span["last"] for span in (looks, payouts) if span["last"]]
    return (min(begins).replace(microsecond=0), max(ends)) if begins else None


def _agree(
    facts: list[Fact],
    known: QuerySet[Discrepancy],
    *,
    live: bool,
    settlement: Settlement | None,
) -> None:
    """Make the rows say what the facts say: open what is new, close what is no longer so."""
    holding = {(fact.kind.value, fact.subject): fact for fact in facts}
    rows = {(row.kind, row.subject): row for row in known}
    for key, row in rows.items():
        _agree_one(row, holding.get(key))
    new = [
        Discrepancy(
            live=live,
            kind=fact.kind,
            subject=fact.subject,
            settlement=settlement,
            line=fact.line,
            payment_id=fact.payment_id,
            ours_paise=fact.ours_paise,
            theirs_paise=fact.theirs_paise,
        )
        for key, fact in holding.items()
        if key not in rows
    ]
    Discrepancy.objects.bulk_create(new)
    DiscrepancyNote.objects.bulk_create(DiscrepancyNote(discrepancy=d, act="found") for d in new)


def _agree_one(row: Discrepancy, fact: Fact | None) -> None:
    if fact is None and row.resolved_at is None:
        row.resolved_at = now()
        row.save(update_fields=["resolved_at"])
        _note(row, "vanished")
    if fact is not None and row.resolved_at is not None and not row.resolved_by_name:
        row.resolved_at = None
        row.save(update_fields=["resolved_at"])
        _note(row, "again")
    if fact is not None and row.resolved_at is None:
        sums: Mapping[str, Any] = {
            "ours_paise": fact.ours_paise,
            "theirs_paise": fact.theirs_paise,
        }
        if any(getattr(row, name) != value for name, value in sums.items()):
            Discrepancy.objects.filter(pk=row.pk).update(**sums)


# --- What people do


def take(discrepancy: Discrepancy, by: User) -> None:
    """It is this person's to look at, whoever had it before. Raises AlreadyResolved."""
    with transaction.atomic():
        row = _open(discrepancy)
        if row.owner_id != by.pk:
            row.owner_id, row.owner_name = by.pk, str(by)[:80]
            row.save(update_fields=["owner_id", "owner_name"])
            _note(row, "taken", by=by)


def release(discrepancy: Discrepancy, by: User) -> None:
    """It is nobody's. Raises AlreadyResolved."""
    with transaction.atomic():
        row = _open(discrepancy)
        if row.owner_id is not None:
            row.owner_id, row.owner_name = None, ""
            row.save(update_fields=["owner_id", "owner_name"])
            _note(row, "released", by=by)


def add_note(discrepancy: Discrepancy, words: str, by: User) -> None:
    """Append to its history, closed or not."""
    _note(discrepancy, "note", words, by)


def resolve(discrepancy: Discrepancy, words: str, by: User) -> None:
    """Close it for good, saying why. It moves no money. Raises AlreadyResolved."""
    with transaction.atomic():
        row = _open(discrepancy)
        row.resolved_at, row.resolved_by_name = now(), str(by)[:80]
        row.save(update_fields=["resolved_at", "resolved_by_name"])
        _note(row, "resolved", words, by)
        about = str(row.payment or row.settlement or "")
        audit.record(by, "exception.resolved", about, after={"note": words}, of=row)


def _open(discrepancy: Discrepancy) -> Discrepancy:
    row = Discrepancy.objects.select_for_update().get(pk=discrepancy.pk)
    if row.resolved_at is not None:
        raise AlreadyResolved
    return row


def _note(row: Discrepancy, act: str, words: str = "", by: User | None = None) -> None:
    DiscrepancyNote.objects.create(
        discrepancy=row,
        act=act,
        words=words[:500],
        by_id=by.pk if by else None,
        by_name=str(by)[:80] if by else "",
    )
