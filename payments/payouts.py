"""Taking a payout into the books, and why it is what it is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from merchants.models import PaytmAccount
from payments import ledger
from payments.discrepancies import note_changed, review
from payments.models import Settlement, SettlementLine, TimelineEntry
from payments.outbox import settlement_received
from payments.paytm import BadRow, SettlementRow
from payments.paytm.settlements import IST
from payments.settlement_matching import match
from tenants.current import current_tenant

Kind, Match = SettlementLine.Kind, SettlementLine.Match
Key = tuple[str, str, int]
FIGURES = ("gross_paise", "commission_paise", "gst_paise", "settled_paise")


def take_in(account: PaytmAccount, rows: Iterable[SettlementRow]) -> int:
    """Write the payouts that these rows are lines of; returns how many lines are new.

    Each payout is one transaction: lines, matches, transfers, discrepancies. Rows that are known
    change nothing, whichever way and however often they come. `rows` must hold all that one
    report says of a payout, for the same row twice in it is two lines. Raises BadRow where rows
    of a payout state different amounts of it.
    """
    payouts: dict[tuple[str, date | None], list[SettlementRow]] = defaultdict(list)
    for row in rows:
        payouts[row.utr, None if row.utr else row.paid_on].append(row)
    stated = {key: _stated(own) for key, own in payouts.items()}
    return sum(_take_in(account, own, stated[key]) for key, own in sorted(payouts.items(), key=str))


def _stated(rows: list[SettlementRow]) -> int | None:
    said = {row.payout_paise for row in rows if row.payout_paise is not None}
    if len(said) > 1:
        raise BadRow(0, "payout", rows[0].utr)
    return said.pop() if said else None


def _take_in(account: PaytmAccount, rows: list[SettlementRow], stated: int | None) -> int:
    with transaction.atomic():
        settlement, is_new = _settlement(account, rows[0])
        if stated not in (None, settlement.stated_paise):
            settlement.stated_paise = stated
            settlement.save(update_fields=["stated_paise"])
        lines = [*_new_lines(settlement, rows)]
        match(settlement, lines)
        SettlementLine.objects.bulk_create(lines)
        ledger.book_lines(lines)
        ledger.book_paid_out(settlement, _amount(settlement))
        _tell_timelines(settlement, lines)
        review(settlement)
        if is_new or lines:
            # Whoever listens to payouts is told from here.
            settlement_received.enqueue(
                current_tenant().pk, settlement_id=str(settlement.pk), is_new=is_new
            )
    return len(lines)


def _settlement(account: PaytmAccount, row: SettlementRow) -> tuple[Settlement, bool]:
    """The payout, locked: of two imports the second waits, and sees the first one's lines."""
    name = {"live": account.live, "mid": account.mid, "utr": row.utr}
    if not row.utr:
        name["paid_on"] = row.paid_on
    begins = datetime.combine(row.paid_on, time(), IST)
    more = {"account": account, "paid_on": row.paid_on, "paid_out_at": begins}
    settlement, is_new = Settlement.objects.get_or_create(**name, defaults=more)
    locked = Settlement.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("account").get(pk=settlement.pk), is_new


def _new_lines(settlement: Settlement, rows: list[SettlementRow]) -> Iterator[SettlementLine]:
    known = {(line.kind, line.reference, line.nth): line for line in settlement.lines.all()}
    for key, row in _numbered(rows):
        line = known.get(key)
        if line is None:
            yield _line(settlement, key, row)
        elif any(getattr(line, name) != getattr(row, name) for name in FIGURES):
            note_changed(settlement, line, row.settled_paise)


def _numbered(rows: list[SettlementRow]) -> Iterator[tuple[Key, SettlementRow]]:
    """Rows with what makes them known again, whatever the order in which they come."""
    seen: Counter[tuple[str, str]] = Counter()
    for row in sorted(rows, key=lambda row: tuple(getattr(row, name) for name in FIGURES)):
        kind = row.kind.value
        # A sale is its order; a refund has an id of its own, for an order may have several.
        by_order = kind == Kind.SALE or not row.txn_id
        reference = row.order_id if by_order and row.order_id else row.txn_id
        seen[kind, reference] += 1
        yield (kind, reference, seen[kind, reference]), row


def _line(settlement: Settlement, key: Key, row: SettlementRow) -> SettlementLine:
    kind, reference, nth = key
    return SettlementLine(
        settlement=settlement,
        kind=kind,
        reference=reference,
        nth=nth,
        order_id=row.order_id,
        txn_id=row.txn_id,
        gross_paise=row.gross_paise,
        commission_paise=row.commission_paise,
        gst_paise=row.gst_paise,
        settled_paise=row.settled_paise,
        txn_at=row.txn_at,
        raw=dict(row.raw),
    )


def _amount(settlement: Settlement) -> int:
    if settlement.stated_paise is not None:
        return settlement.stated_paise
    return int(settlement.lines.aggregate(paise=Coalesce(Sum("settled_paise"), 0))["paise"])


def _tell_timelines(settlement: Settlement, lines: list[SettlementLine]) -> None:
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            payment=line.payment,
            refund=line.refund,
            kind="settled" if line.kind == Kind.SALE else "refund_settled",
            state=(line.refund or line.payment).state,
            words=f"{settlement.utr} {settlement.paid_on}".strip(),
        )
        for line in lines
        if line.payment and line.match != Match.NONE
    )


# --- Why it is what it is


@dataclass(frozen=True)
class Breakdown:
    """From what payers paid to what arrived, signed paise:

    gross − commission − GST − refunds + adjustments + remainder = paid. Fees, adjustments and
    what was paid are the ledger's. `remainder` is all that nothing explains.
    """

    gross_paise: int
    commission_paise: int
    gst_paise: int
    refunds_paise: int
    adjustments_paise: int
    paid_paise: int

    @property
    def expected_paise(self) -> int:
        """What would have arrived had everything added up."""
        taken = self.commission_paise + self.gst_paise + self.refunds_paise
        return self.gross_paise - taken + self.adjustments_paise

    @property
    def remainder_paise(self) -> int:
        return self.paid_paise - self.expected_paise


def breakdown(settlement: Settlement) -> Breakdown:
    """Why this payout is what it is. Two queries."""
    known = Q(match=Match.MATCHED)
    lines = settlement.lines.aggregate(
        gross=Coalesce(Sum("gross_paise", filter=known & Q(kind=Kind.SALE)), 0),
        refunds=Coalesce(Sum("gross_paise", filter=known & Q(kind=Kind.REFUND)), 0),
    )
    sums = ledger.of_settlement(settlement)
    return Breakdown(
        gross_paise=lines["gross"],
        commission_paise=sums.fees_paise,
        gst_paise=sums.gst_paise,
        refunds_paise=-lines["refunds"],
        adjustments_paise=sums.adjustments_paise,
        paid_paise=sums.paid_paise,
    )
