"""Which refunds: the one object behind their list, its sums and its files."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.db.models import Q, QuerySet

from payments.models import Listed, Refund
from payments.selecting import DAY, Narrowed, midnight


@dataclass(frozen=True)
class RefundSelection(Narrowed):
    """Which refunds. `reason` may stand in the comment too, `by` is part of the name of who asked
    or decided."""

    of: ClassVar = Listed.REFUNDS
    own: ClassVar = ("reason", "by")

    reason: str = ""
    by: str = ""

    def refunds(self) -> QuerySet[Refund]:
        """All of them, in no order; in the merchant's schema."""
        refunds = Refund.objects.filter(live=self.live)
        for name, asks in CONDITIONS.items():
            said = getattr(self, name)
            if said not in (None, "", ()):
                refunds = refunds.filter(asks(said))
        return refunds.filter(*map(_found, self.words))


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
