"""Which refunds: the one object behind their list, its sums and its files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet

from payments.models import Listed, Refund
from payments.money import plain_inr
from payments.selecting import DAY, midnight, quoted


@dataclass(frozen=True)
class RefundSelection:
    """As `selecting.Selection`, of refunds. `reason` may stand in the comment too, `by` is part of
    the name of who asked or decided."""

    of: ClassVar = Listed.REFUNDS

    live: bool
    states: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    min_paise: int | None = None
    max_paise: int | None = None
    link_id: UUID | None = None
    reason: str = ""
    by: str = ""
    words: tuple[str, ...] = ()

    def refunds(self) -> QuerySet[Refund]:
        """All of them, in no order; in the merchant's schema."""
        refunds = Refund.objects.filter(live=self.live)
        for name, asks in CONDITIONS.items():
            said = getattr(self, name)
            if said not in (None, "", ()):
                refunds = refunds.filter(asks(said))
        return refunds.filter(*map(_found, self.words))

    @property
    def query(self) -> str:
        """As it stands in the address bar, canonical, without "?"."""
        return urlencode([*self.pairs()])

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names and values of the address bar."""
        yield from (("status", state) for state in self.states)
        yield from (("method", method) for method in self.methods)
        single = {
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            "min": "" if self.min_paise is None else plain_inr(self.min_paise),
            "max": "" if self.max_paise is None else plain_inr(self.max_paise),
            "link": str(self.link_id or ""),
            "reason": self.reason,
            "by": self.by,
            "q": " ".join(map(quoted, self.words)),
        }
        yield from ((name, value) for name, value in single.items() if value)


CONDITIONS: Final[dict[str, Any]] = {
    "states": lambda states: Q(state__in=states),
    "methods": lambda methods: Q(payment__method__in=methods),
    "first": lambda day: Q(created_at__gte=midnight(day)),
    "last": lambda day: Q(created_at__lt=midnight(day + DAY)),
    "min_paise": lambda paise: Q(amount_paise__gte=paise),
    "max_paise": lambda paise: Q(amount_paise__lte=paise),
    "reason": lambda text: Q(reason__icontains=text) | Q(comment__icontains=text),
    "by": lambda name: Q(asked_by_name__icontains=name) | Q(judged_by_name__icontains=name),
    "link_id": lambda id: Q(payment__link=id),
}


def _found(text: str) -> Q:
    """What somebody may have in hand: an id of ours, Paytm's or the bank's, as a whole or its
    beginning, or something of the payer's."""
    if text.startswith(("ref_", "paytm_")):
        return Q(ref_id__startswith=text)
    if text.startswith("pay_"):
        return Q(payment__order_id__startswith=text)
    if "@" in text:
        return Q(payment__payer_email__istartswith=text)
    said = Q(payment__payer_name__icontains=text) | Q(payment__payer_email__icontains=text)
    said |= Q(ref_id__icontains=text) | Q(payment__order_id__icontains=text)
    for name in ("bank_reference", "arn", "paytm_refund_id"):
        said |= Q(**{f"{name}__istartswith": text})
    digits = "".join(text.split())
    return said | Q(payment__payer_phone__contains=digits) if digits.strip("+").isdigit() else said
