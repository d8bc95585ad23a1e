"""Which refunds: the one object behind their list, its sums and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, ClassVar, Final

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from payments import finding
from payments.models import Listed, Refund
from payments.models.finding import SearchText
from payments.searching import Term
from payments.selecting import DAY, Narrowed, Selection, midnight

MANY: Final = 20_000  # payments that are found
REFUND_IDS: Final = ("ref_", "paytm_")


@dataclass(frozen=True)
class RefundSelection(Narrowed):
    """Which refunds. `reason` may stand in the comment too, `by` is part of the name of who asked
    or decided."""

    of: ClassVar = Listed.REFUNDS
    own: ClassVar = ("reason", "by")

    reason: str = ""
    by: str = ""

    def refunds(self) -> QuerySet[Refund]:
        """All of them, in no order; in the merchant's schema. Asks it what the words find."""
        refunds = Refund.objects.filter(live=self.live)
        for name, asks in CONDITIONS.items():
            said = getattr(self, name)
            if said not in (None, "", ()):
                refunds = refunds.filter(asks(said))
        return refunds.filter(_found(self.live, self.words)) if self.words else refunds


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


def _found(live: bool, words: Sequence[str]) -> Q:
    """What has all these words. Of payments that are found by all of them the refunds are looked
    up where those are few, and refunds by what they are themselves; else refund by refund, of
    which then soon one is of such a payment."""
    each = reduce(and_, (_own(word) | _of_payment(Term(word)) for word in words))
    few = finding.keys(Selection(live, words=tuple(words)), MANY + 1, strides=[MANY])
    if few is None or any(word.startswith(REFUND_IDS) for word in words):
        return each
    of_those = RawSQL("SELECT unnest(%s::uuid[])", [[str(id) for id in few]])
    return Q(payment__in=of_those) | (reduce(or_, map(_own, words)) & each)


def _own(word: str) -> Q:
    """What somebody may have in hand of a refund: an id of ours, Paytm's or the bank's, as a whole
    or its beginning."""
    if word.startswith(REFUND_IDS):
        return Q(ref_id__startswith=word)
    own = Q(ref_id__icontains=word)
    for name in ("bank_reference", "arn", "paytm_refund_id"):
        own |= Q(**{f"{name}__istartswith": word})
    return own


def _of_payment(term: Term) -> Q:
    """As `Term.matches`, or the beginning of an order id, of a refund's own payment. With a limit,
    lest the planner reads all texts that there are to know those that match."""
    found = Q(words__contains=term.inside) if term.grams else Q()
    found |= Q(ids__contains=f"{term.id} ") if term.end else Q()
    hit = ExpressionWrapper(found, output_field=BooleanField())
    text = SearchText.objects.filter(payment=OuterRef("payment")).values(hit=hit)
    of_text = Q(Subquery(text[:1], output_field=BooleanField())) if found else Q(pk=None)
    return of_text | Q(payment__order_id__startswith=term.order_id) if term.order_id else of_text
