"""What the team writes on payments: tags, which are words to find them by, and notes."""

import re
from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from merchants import audit
from payments import searching
from payments.models import Payment, PaymentTag
from payments.timeline import note
from tenants.models import User

LONGEST_TAG: Final = 30
LONGEST_NOTE: Final = 500
COUNTED: Final = 1_000
_TAG: Final = re.compile(r"[^\s\",:&?#%\\][^\",:&?#%\\]*")

# Each name of a world once, by jumping from one to the next in the index.
_NAMES: Final = """
    WITH RECURSIVE tags (name) AS (
        (SELECT name FROM payments_paymenttag WHERE live = %(live)s ORDER BY name LIMIT 1)
        UNION ALL
        SELECT (SELECT t.name FROM payments_paymenttag AS t
            WHERE t.live = %(live)s AND t.name > tags.name ORDER BY t.name LIMIT 1)
        FROM tags WHERE tags.name IS NOT NULL
    )
    SELECT name, (SELECT count(*) FROM (
        SELECT FROM payments_paymenttag AS t
        WHERE t.live = %(live)s AND t.name = tags.name LIMIT %(counted)s
    ) AS few) FROM tags WHERE name IS NOT NULL LIMIT %(most)s
"""


class BadTag(ValueError):
    """No name for a tag: too long, empty, or with characters that mean something to the search."""


def tag_name(text: str) -> str:
    """A tag as it is kept: small letters, single blanks. Raises BadTag."""
    name = " ".join(text.lower().split())
    if len(name) > LONGEST_TAG or not _TAG.fullmatch(name):
        raise BadTag(text)
    return name


def add_tag(live: bool, payments: Collection[UUID], name: str, by: User) -> int:
    """Put a tag on those of these payments that are in this world; on how many it is new."""
    with transaction.atomic():
        own = Payment.objects.filter(live=live, pk__in=payments)
        tagged = PaymentTag.objects.filter(name=name).values("payment_id")
        fresh = [
            PaymentTag(payment_id=pk, name=name, live=live, created_at=created_at)
            for pk, created_at in own.exclude(pk__in=tagged).values_list("pk", "created_at")
        ]
        PaymentTag.objects.bulk_create(fresh, ignore_conflicts=True)
        if fresh:
            audit.record(by, "payments.tagged", name, after={"payments": len(fresh)})
    return len(fresh)


def remove_tag(payment: Payment, name: str, by: User) -> None:
    """Take a tag off a payment; one that it has not changes nothing."""
    with transaction.atomic():
        gone, _ = PaymentTag.objects.filter(payment=payment, name=name).delete()
        if gone:
            audit.record(by, "payment.untagged", str(payment), before={"tag": name}, of=payment)


def add_note(payment: Payment, words: str, by: User) -> None:
    """Append a note to the payment's story, of at most LONGEST_NOTE characters."""
    with transaction.atomic():
        note(payment, "note", words, by=by)
        searching.write(payment.pk)
        audit.record(by, "payment.noted", str(payment), after={"note": words}, of=payment)


def tags_in_use(live: bool, most: int = 100) -> list[tuple[str, int]]:
    """The names of a world's tags in order, each with how many payments have it, up to COUNTED."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, {"live": live, "most": most, "counted": COUNTED})
        found: list[tuple[str, int]] = cursor.fetchall()
        return found
