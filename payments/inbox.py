"""What Paytm said about an order we know, kept word for word. Strangers are only counted."""

import hashlib
from uuid import UUID

from django.db.models import Count, Q

from config import rows
from config.metrics import messages
from payments.models import Message, Payment

KEPT = 20  # of each kind that proves nothing
VERIFIED = "verified"
REFUSED, UNUSABLE = "refused:", "unusable:"


def digest_of(verdict: str, gist: str) -> str:
    """What makes a message the same as an earlier one."""
    return hashlib.sha256(f"{verdict}\n{gist}".encode()).hexdigest()


def keep(
    payment: Payment, source: str, raw: str, verdict: str, gist: str = ""
) -> tuple[Message, bool]:
    """Store a message once; its repeat is the row that is there, and no news (False).

    A repeat has the same verdict and the same text, or the same `gist` where one is given.
    """
    message = _message(payment.pk, source, raw, verdict, gist)
    is_news = rows.insert_unless_there(message)
    return message if is_news else _as_kept(message), is_news


def lock_and_keep(
    locking: rows.OneRow[Payment], key: UUID, source: str, raw: str, verdict: str, gist: str
) -> tuple[Payment, Message]:
    """The payment under its lock, and the message about it as by `keep`: one statement."""
    message = _message(key, source, raw, verdict, gist)
    payment, is_news = locking.get_and_insert(key, message)
    return payment, message if is_news else _as_kept(message)


def _message(key: UUID, source: str, raw: str, verdict: str, gist: str) -> Message:
    messages.labels(source, verdict).inc()
    digest = digest_of(verdict, gist or raw)
    return Message(payment_id=key, source=source, digest=digest, raw=raw, verdict=verdict)


def _as_kept(message: Message) -> Message:
    """The row that is there already."""
    same = {name: getattr(message, name) for name in ("payment_id", "source", "digest")}
    return Message.objects.get(**same)


def keep_refused(payment: Payment, source: str, raw: str, reason: str) -> Message | None:
    """Store a message that failed its checks, at most twenty for a payment; None if it was not.

    Called under the payment's lock, so that twenty is twenty.
    """
    return _keep_some(payment, source, raw, REFUSED, reason)


def keep_unusable(payment: Payment, source: str, raw: str, reason: str) -> Message | None:
    """Store an answer to a question of ours from which nothing could be read, likewise."""
    return _keep_some(payment, source, raw, UNUSABLE, reason) if raw else None


def _keep_some(payment: Payment, source: str, raw: str, kind: str, reason: str) -> Message | None:
    kept = payment.messages.aggregate(n=Count("pk", filter=Q(verdict__startswith=kind)))["n"]
    if kept >= KEPT:
        messages.labels(source, f"{kind}{reason}").inc()
        return None
    message, is_news = keep(payment, source, raw, f"{kind}{reason}")
    return message if is_news else None
