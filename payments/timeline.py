"""The story of a payment, one appended entry at a time."""

from config import rows
from payments.models import Message, Payment, Refund, TimelineEntry
from tenants.models import User


def note(
    payment: Payment,
    kind: str,
    words: str = "",
    *,
    message: Message | None = None,
    refund: Refund | None = None,
    by: User | None = None,
) -> None:
    """Append what happened, with the state it left and the message that is its evidence."""
    entry = TimelineEntry(
        payment=payment,
        refund=refund,
        message=message,
        kind=kind,
        state=(refund or payment).state,
        words=words[:500],
        by_id=by.pk if by else None,
        by_name=str(by)[:80] if by else "",
    )
    rows.insert(entry)
