"""What a merchant lets its people give back: the reasons they choose from, how much each role may
give back at once and a day, and above what a second person must agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from merchants import audit
from merchants.models import RefundRules
from merchants.roles import PERMISSIONS
from payments.money import format_inr
from tenants import mail
from tenants.current import current_tenant
from tenants.models import Membership, Role, User

Fact = str | int | None

REASON_LENGTH: Final = 80
MOST_REASONS: Final = 20
# What the record calls the ceilings of each role.
CEILINGS: Final = [f"{role}_{part}_paise" for role in Role for part in ("at_once", "a_day")]
USUAL_REASONS: Final = (
    _("Customer cancelled"),
    _("Duplicate payment"),
    _("Goods returned"),
    _("Not delivered"),
    _("Damaged or not as described"),
    _("Charged too much"),
    _("Goodwill"),
)


@dataclass(frozen=True)
class Ceiling:
    """What one person of a role may give back, in paise; None where there is no limit."""

    act_paise: int | None = None
    day_paise: int | None = None


@dataclass(frozen=True)
class Rules:
    """A merchant's own, or what holds for one that has set none: no limit at all."""

    reasons: Sequence[str] = ()
    approve_above_paise: int | None = None
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)

    def ceiling_of(self, role: str) -> Ceiling:
        return self.ceilings.get(role, Ceiling())

    @property
    def offered(self) -> list[str]:
        """The reasons to choose from: the merchant's, or ours where it has none of its own."""
        return [*self.reasons] or [str(reason) for reason in USUAL_REASONS]


def roles_that_refund() -> list[Role]:
    """The roles that may give money back, in the order in which roles are named."""
    return [role for role in Role if role in PERMISSIONS["refunds.create"]]


def rules() -> Rules:
    """The rules of the merchant we are in."""
    row = RefundRules.objects.filter(pk=1).first()
    return _read(row) if row else Rules()


def held_rules() -> Rules:
    """The rules, held until the caller's transaction ends: neither do they change meanwhile, nor
    does anybody else's refund read what was given back today.

    Nothing else points at this row, so whoever holds a payment may wait for it.
    """
    RefundRules.objects.get_or_create(pk=1)
    return _read(RefundRules.objects.select_for_update().get(pk=1))


def change_rules(new: Rules, by: User) -> bool:
    """Use these rules from now on, and record what changed. False where nothing did."""
    with transaction.atomic():
        before = held_rules()
        told, was = _told(new), _told(before)
        changed = [name for name in sorted(told | was) if told.get(name) != was.get(name)]
        if not changed:
            return False
        RefundRules.objects.filter(pk=1).update(
            reasons=[*new.reasons],
            approve_above_paise=new.approve_above_paise,
            ceilings={role: [c.act_paise, c.day_paise] for role, c in new.ceilings.items()},
        )
        facts = {name: (was.get(name), told.get(name)) for name in changed}
        audit.record(
            by,
            "refund_rules.changed",
            ", ".join(changed),
            before={name: old for name, (old, _new) in facts.items()},
            after={name: new for name, (_old, new) in facts.items()},
        )
        _mail(facts, by)
    return True


def _mail(facts: Mapping[str, tuple[Fact, Fact]], by: User) -> None:
    """Tell everybody else who could have changed the rules: no one loosens them alone unseen."""
    tenant = current_tenant()
    able = Membership.objects.filter(tenant=tenant, role__in=PERMISSIONS["refunds.rules"])
    others = able.filter(user__is_active=True).exclude(user=by)
    url = f"{settings.BASE_URL}{reverse('settings_refunds', kwargs={'slug': tenant.slug})}"
    context = {"by": str(by), "merchant_name": tenant.name, "url": url}
    for member in others.select_related("user"):
        with translation.override(member.user.reads):
            changes = [(in_words(n), _words(was), _words(now)) for n, (was, now) in facts.items()]
            about = {**context, "changes": changes}
            mail.post(member.user.email, "refund_rules", about, tenant_id=tenant.pk)


def in_words(fact: str) -> str:
    """What the record calls a rule, as people call it."""
    if fact == "reasons":
        return str(_("Reasons"))
    if fact == "approve_above_paise":
        return str(_("A second person approves above"))
    role, rest = fact.split("_", 1)
    word = _("at once") if rest == "at_once_paise" else _("a day, each person")
    return f"{Role(role).label}, {word}"


def _words(value: Fact) -> str:
    if isinstance(value, int):
        return format_inr(value)
    return value or str(_("none"))


def _read(row: RefundRules) -> Rules:
    ceilings = {role: Ceiling(*limits) for role, limits in row.ceilings.items()}
    return Rules(tuple(row.reasons), row.approve_above_paise, ceilings)


def _told(rules: Rules) -> dict[str, Fact]:
    """The rules flat, as the audit keeps them: only what is set."""
    facts: dict[str, Fact] = {"reasons": ", ".join(rules.reasons)}
    facts["approve_above_paise"] = rules.approve_above_paise
    for role, ceiling in rules.ceilings.items():
        facts |= {
            f"{role}_at_once_paise": ceiling.act_paise,
            f"{role}_a_day_paise": ceiling.day_paise,
        }
    return {name: value for name, value in facts.items() if value not in (None, "")}
