"""The quick way in for nearly all that Paytm sends: true, new, and about a payment under the
account that its world uses now. One statement, which is a transaction of its own, keeps the
message and has a worker ask; all else is for `notices` to judge at leisure.
"""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from config import metrics, rows
from config.clock import now
from config.remembered import Remembered
from merchants.models import PaytmAccount
from merchants.sealing import CannotOpen
from payments.asking import ask_status
from payments.clients import credentials_of
from payments.inbox import VERIFIED, digest_of
from payments.paytm import BadMessage, Credentials, Notice
from tenants import job_queue
from tenants.current import current_tenant

# The payment's row is held first, as by everything that speaks of a payment.
TAKE = f"""
WITH paid AS MATERIALIZED (
    SELECT id, token FROM payments_payment
    WHERE order_id = %s AND account_id = %s FOR UPDATE
), kept AS (
    INSERT INTO payments_message (payment_id, source, verdict, raw, digest, received_at)
    SELECT id, %s, '{VERIFIED}', %s, %s, %s FROM paid
    ON CONFLICT DO NOTHING RETURNING payment_id
), asked AS (
    {job_queue.INSERT} SELECT %s, %s, %s, jsonb_build_object('payment_id', paid.id),
        'ask:' || paid.id, 'ready', %s, 0, '' FROM paid, kept {job_queue.ONCE}
)
SELECT paid.token FROM paid, kept
"""  # noqa: S608  (constants of the modules only)

_accounts = Remembered[tuple[UUID, bool], tuple[UUID, Credentials]](seconds=1.0)


def take(
    order_id: str | None,
    live: bool,
    source: str,
    raw: str,
    verified: Callable[[Credentials], Notice],
) -> str:
    """The token of the payment whose news was taken, or "" and nothing written.

    No transaction may be open. A refund's news is never taken here.
    """
    with suppress(PaytmAccount.DoesNotExist, CannotOpen, BadMessage):
        account_id, credentials = _account(live)
        if order_id and not verified(credentials).is_of_refund:
            return _write(order_id, account_id, source, raw)
    return ""


def _account(live: bool) -> tuple[UUID, Credentials]:
    return _accounts.get((current_tenant().pk, live), lambda: _find(live))


def _find(live: bool) -> tuple[UUID, Credentials]:
    account = PaytmAccount.objects.get(live=live, state=PaytmAccount.State.ACTIVE)
    return account.pk, credentials_of(account)


def _write(order_id: str, account_id: UUID, source: str, raw: str) -> str:
    at = now()
    values = [order_id, account_id, source, raw, digest_of(VERIFIED, raw), at]
    job = [ask_status.lane, ask_status.kind, current_tenant().pk, at]
    row = rows.ask(TAKE, values + job)
    if row is None:
        return ""
    job_queue.notify()
    metrics.messages.labels(source, VERIFIED).inc()
    return str(row[0])
