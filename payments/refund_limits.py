"""How much a person may give back, and above what they do not decide alone.

The merchant sets it: merchants.refund_rules. Rules of links and the tries after a refusal for
balance are nobody's act, and are not limited here.
"""

from datetime import datetime, time
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from config.clock import now
from merchants import roles
from merchants.refund_rules import Ceiling, held_rules
from payments.models import Payment, Refund
from payments.states import REFUND_CAME_TO_NOTHING, RefundState
from tenants.current import current_tenant, today, zone
from tenants.models import Membership, User

AT_ONCE: Final = "at_once"
A_DAY: Final = "a_day"


class AboveCeiling(Exception):
    """More than the person's role may give back: `kind` is AT_ONCE or A_DAY, `limit_paise` the
    merchant's limit, `left_paise` what is left of it."""

    def __init__(self, kind: str, limit_paise: int, left_paise: int) -> None:
        super().__init__(kind, limit_paise, left_paise)
        self.kind, self.limit_paise, self.left_paise = kind, limit_paise, left_paise


class NoRight(Exception):
    """The person is not on the team, or their role may not do this."""


class NobodyToAsk(Exception):
    """It needs a second person, and nobody else on the team may approve."""


def held_above(payment: Payment, paise: int, by: User) -> int | None:
    """The limit above which this refund must wait for a second person; None where it need not.

    Called under the payment's lock; the rules stay held until the caller's transaction ends, so
    that of refunds at once each counts the others. Raises AboveCeiling, NoRight and NobodyToAsk.
    """
    rules, role = held_rules(), role_of(by, "refunds.create")
    _check_ceiling(rules.ceiling_of(role), payment.live, paise, by)
    limit = rules.approve_above_paise
    if limit is None or _alone(payment) + paise <= limit:
        return None
    if not approvers(but=by.pk).exists():
        raise NobodyToAsk
    return limit


def check_approver(paise: int, by: User) -> None:
    """Whether this person may let so much go back at once. Raises NoRight and AboveCeiling.

    Holds their place on the team until the caller's transaction ends: whoever takes it from them
    comes before or after.
    """
    role = role_of(by, "refunds.approve", hold=True)
    _check_at_once(held_rules().ceiling_of(role), paise)


def approvers(but: UUID | None = None) -> QuerySet[Membership]:
    """Those on this team who may approve, without the person of this id."""
    able = roles.PERMISSIONS["refunds.approve"]
    team = Membership.objects.filter(tenant=current_tenant(), role__in=able, user__is_active=True)
    return team.exclude(user_id=but) if but else team


def role_of(by: User, permission: str, hold: bool = False) -> str:
    """The person's role in this merchant as it is now, which must hold the permission."""
    places = Membership.objects.select_for_update() if hold else Membership.objects.all()
    place = places.filter(tenant=current_tenant(), user_id=by.pk).first()
    if place is None or not roles.may(place.role, permission):
        raise NoRight
    return place.role


def given_back_today(live: bool, by: User) -> int:
    """Paise that this person has asked to give back today, by the merchant's day: what came to
    nothing does not count, unless it is being tried again."""
    midnight = datetime.combine(today(), time.min, zone())
    mine = Refund.objects.filter(live=live, asked_by_id=by.pk, retry_of=None)
    counts = ~Q(state__in=REFUND_CAME_TO_NOTHING) | Q(retry__isnull=False)
    mine = mine.filter(counts, created_at__gte=midnight, created_at__lte=now())
    return int(mine.aggregate(paise=Sum("amount_paise", default=0))["paise"])


def _check_ceiling(ceiling: Ceiling, live: bool, paise: int, by: User) -> None:
    _check_at_once(ceiling, paise)
    if ceiling.day_paise is None:
        return
    left = ceiling.day_paise - given_back_today(live, by)
    if paise > left:
        raise AboveCeiling(A_DAY, ceiling.day_paise, max(0, left))


def _check_at_once(ceiling: Ceiling, paise: int) -> None:
    if ceiling.act_paise is not None and paise > ceiling.act_paise:
        raise AboveCeiling(AT_ONCE, ceiling.act_paise, ceiling.act_paise)


def _alone(payment: Payment) -> int:
    """Paise of this payment that people gave back without a second one: several small refunds
    are one large one."""
    alone = payment.refunds.filter(
        state=RefundState.DONE, origin=Refund.Origin.PERSON, held_above_paise=None
    )
    return int(alone.aggregate(paise=Sum("amount_paise", default=0))["paise"])
