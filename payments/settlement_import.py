"""How payouts come to us: asked of Paytm every day, or uploaded as the dashboard's file.

A day is asked page by page, its rows kept until the last has come, and only then taken in: a
payout is never half in the books. The last days are asked again, for rows come late.
"""

import logging
import time
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from config import metrics
from config.clock import now
from merchants import audit
from merchants.models import PaytmAccount
from merchants.sealing import CannotOpen
from payments.asking import ask_what_was_given_back
from payments.clients import client_for
from payments.discrepancies import SETTLING, review_unsettled
from payments.models import Discrepancy, Payment, SettlementImport
from payments.payouts import take_in
from payments.paytm import (
    BadRow,
    Client,
    PaytmError,
    Refused,
    SettlementPage,
    TooOften,
    Unknown,
    read_rows,
)
from payments.paytm.client import PAGE_SIZE
from payments.paytm.settlements import IST, SettlementRow
from payments.states import ARRIVED
from tenants.current import current_tenant
from tenants.jobs import BULK, Later, job, periodic
from tenants.models import Tenant, User

logger = logging.getLogger(__name__)

DAILY = 24 * 3600
DAYS_BACK = 4
REST = timedelta(seconds=20)  # after Paytm said that it was asked too often
RETRY = timedelta(minutes=5)
GIVE_UP = timedelta(hours=6)
UPLOAD_LIFE = timedelta(days=1)  # of a file that nobody confirmed
STEP_SECONDS = 30  # a job may run far shorter than its lease
# So long a replaced account may still be paid out, and an open question is asked again.
AFTERMATH = timedelta(days=14)

Source, State = SettlementImport.Source, SettlementImport.State


class NotOpen(Exception):
    """This file was taken in already, or its import is under way."""


# --- Asking Paytm


@periodic(every=DAILY, lane=BULK)
def ask_everywhere() -> None:
    """Have every merchant's payouts asked for. A suspended one's too: its money comes as well."""
    claimed = Tenant.objects.exclude(state=Tenant.State.READY)
    for tenant_id in claimed.values_list("pk", flat=True).iterator():
        ask_last_days.enqueue(tenant_id, key=f"settlements:{tenant_id}")


@job(lane=BULK, atomic=True)
def ask_last_days() -> None:
    """Ask for yesterday and the days before it, of every account that may be paid out."""
    for account in settling_accounts():
        ask_days(account, _days(first=1))
    left = SettlementImport.objects.filter(state=State.PREVIEW, created_at__lt=now() - UPLOAD_LIFE)
    left.delete()


def ask_now(live: bool, by: User) -> int:
    """Ask for today too, because a person wants to know; returns how many accounts are asked."""
    accounts = [*settling_accounts().filter(live=live)]
    for account in accounts:
        ask_days(account, _days(first=0), by)
    return len(accounts)


def ask_days(account: PaytmAccount, days: list[date], by: User | None = None) -> None:
    """Have workers ask for these days, each of which is an import of its own."""
    with transaction.atomic():
        for day in days:
            asked = SettlementImport.objects.create(
                live=account.live,
                account=account,
                source=Source.API,
                day=day,
                asked_by_name=str(by)[:80] if by else "",
            )
            step.enqueue(current_tenant().pk, import_id=str(asked.pk))


def settling_accounts() -> QuerySet[PaytmAccount]:
    """Accounts in use where there are settlements, and replaced ones that were just paid."""
    recent = Payment.objects.filter(
        account=OuterRef("pk"), state__in=ARRIVED, paid_at__gt=now() - AFTERMATH
    )
    wanted = Q(state=PaytmAccount.State.ACTIVE) | Exists(recent)
    return PaytmAccount.objects.filter(wanted, environment__in=SETTLING).order_by("created_at")


def _days(first: int) -> list[date]:
    """Paytm's days from so many days ago back, the oldest first."""
    today = now().astimezone(IST).date()
    return [today - timedelta(days=ago) for ago in range(DAYS_BACK, first - 1, -1)]


@job(lane=BULK)
def step(import_id: str) -> Later | None:
    """Ask for some pages of a day; with the last one take it in. Safe to repeat."""
    asked = SettlementImport.objects.select_related("account").get(pk=import_id)
    if asked.state != State.RUNNING:
        return None
    try:
        with client_for(asked.account) as client:
            whole = _ask_pages(asked, client)
    except TooOften:
        return Later(now() + REST)
    except (Refused, CannotOpen) as error:
        _fail(asked, str(error) or type(error).__name__)
        return None
    except PaytmError as error:
        return _no_answer(asked, error)
    if not whole:
        return Later(now())
    _finish(asked)
    return None


def _ask_pages(asked: SettlementImport, client: Client) -> bool:
    """Whether the last page has come before the time of this step was over."""
    end = time.monotonic() + STEP_SECONDS
    while asked.total is None or len(asked.rows) < asked.total:
        page = client.settlement_page(asked.day or date.min, asked.next_page)
        metrics.paytm_calls.labels("settlements", "answer").inc()
        _keep(asked, page)
        if time.monotonic() > end:
            return False
    return True


def _keep(asked: SettlementImport, page: SettlementPage) -> None:
    """Add a page's rows. Where the list grew meanwhile its pages have shifted: begin again."""
    is_last = len(page.rows) < PAGE_SIZE
    total = len(asked.rows) + len(page.rows) if page.total is None and is_last else page.total
    shifted = asked.next_page > 1 and page.total != asked.total and not is_last
    ends_short = is_last and total is not None and len(asked.rows) + len(page.rows) != total
    if shifted or ends_short:
        if asked.next_page == 1:
            raise Unknown("a settlement list holds other than it counts")
        asked.rows, asked.next_page, asked.total = [], 1, None
    else:
        asked.rows = [*asked.rows, *page.rows]
        asked.next_page, asked.total = asked.next_page + 1, total
    asked.save(update_fields=["rows", "next_page", "total"])


def _no_answer(asked: SettlementImport, error: PaytmError) -> Later | None:
    reason = type(error).__name__.lower()
    metrics.paytm_calls.labels("settlements", reason).inc()
    logger.warning("no settlement list", extra={"reason": reason})
    if asked.created_at < now() - GIVE_UP:
        _fail(asked, reason)
        return None
    return Later(now() + RETRY)


# --- A file


def preview(
    account: PaytmAccount, name: str, rows: list[SettlementRow], by: User
) -> SettlementImport:
    """Keep a file's rows until a person has looked at them."""
    return SettlementImport.objects.create(
        live=account.live,
        account=account,
        source=Source.CSV,
        state=State.PREVIEW,
        file_name=name[:120],
        rows=[dict(row.raw) for row in rows],
        total=len(rows),
        asked_by_name=str(by)[:80],
    )


def confirm(upload: SettlementImport, by: User) -> None:
    """Have a worker take a file in, once. Raises NotOpen."""
    waiting = SettlementImport.objects.filter(pk=upload.pk, state=State.PREVIEW)
    with transaction.atomic():
        if not waiting.update(state=State.RUNNING):
            raise NotOpen
        told = {"rows": upload.total}
        audit.record(by, "settlements.uploaded", upload.file_name, after=told, of=upload)
        take_in_file.enqueue(current_tenant().pk, import_id=str(upload.pk))


@job(lane=BULK)
def take_in_file(import_id: str) -> None:
    """Take a confirmed file in. Safe to repeat."""
    upload = SettlementImport.objects.select_related("account").get(pk=import_id)
    if upload.state == State.RUNNING:
        _finish(upload)


# --- Both


def _finish(done: SettlementImport) -> None:
    """Take the rows in, look for what is missing, and ask about what is odd."""
    try:
        new_lines = take_in(done.account, read_rows(done.rows, done.day))
    except BadRow as error:
        _fail(done, str(error))
        return
    SettlementImport.objects.filter(pk=done.pk, state=State.RUNNING).update(
        state=State.DONE, new_lines=new_lines, finished_at=now(), rows=[], error=""
    )
    if not _others_run(done):
        review_unsettled(done.live, done.account.mid)
    for payment in _in_question(done.live):
        ask_what_was_given_back(payment)


def _others_run(done: SettlementImport) -> bool:
    """Whether another day may still bring what seems to be missing."""
    running = SettlementImport.objects.filter(live=done.live, state=State.RUNNING)
    return running.filter(account__mid=done.account.mid).exists()


def _fail(asked: SettlementImport, words: str) -> None:
    running = SettlementImport.objects.filter(pk=asked.pk, state=State.RUNNING)
    running.update(state=State.FAILED, error=words[:200], finished_at=now(), rows=[])


def _in_question(live: bool) -> Iterator[Payment]:
    """Payments of which Paytm's payouts say something that only order status can explain: a refund
    made in its dashboard, a success we have not heard of."""
    odd = (Discrepancy.Kind.UNKNOWN_REFUND, Discrepancy.Kind.AMOUNT)
    found = Discrepancy.objects.filter(
        live=live,
        kind__in=odd,
        resolved_at=None,
        payment__isnull=False,
        created_at__gt=now() - AFTERMATH,
    )
    for discrepancy in found.select_related("payment").order_by("pk").iterator():
        if discrepancy.payment is not None:
            yield discrepancy.payment


def upload_of(id: UUID, live: bool) -> QuerySet[SettlementImport]:
    """The file of this id in this world, as a query."""
    return SettlementImport.objects.filter(pk=id, live=live, source=Source.CSV)
