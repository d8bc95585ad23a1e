"""Asking for live mode: what the merchant must have done before the platform's staff look."""

from typing import NamedTuple

from allauth.account.models import EmailAddress
from allauth.mfa.utils import is_mfa_enabled
from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from merchants.audit import record
from merchants.models import Profile
from tenants.models import Membership, Tenant, User


class NotReady(Exception):
    """A condition is not met yet."""


class Condition(NamedTuple):
    """A step before live mode, as the `steps` component draws it."""

    title: str | Promise
    detail: str | Promise
    url: str
    done: bool


def conditions(actor: Membership) -> list[Condition]:
    """What the owner who asks, and the merchant we are in, must show."""
    return [
        Condition(
            _("Show that your e-mail address is yours"),
            _("We mail you a code."),
            reverse("account_email"),
            _has_verified_address(actor.user),
        ),
        Condition(
            _("Sign in with two steps"),
            _("A passkey, or codes from an app on your phone. Live mode asks for it."),
            reverse("mfa_index"),
            bool(is_mfa_enabled(actor.user)),
        ),
        Condition(
            _("Complete the merchant's profile"),
            _("The legal name, and an e-mail address or phone number for people who pay you."),
            reverse("settings", kwargs={"slug": actor.tenant.slug}),
            _profile_is_complete(),
        ),
    ]


def ask(actor: Membership) -> None:
    """Ask the platform's staff for live mode; asking twice is asking once. Raises NotReady."""
    if not all(condition.done for condition in conditions(actor)):
        raise NotReady
    states = Tenant.LiveState
    with transaction.atomic():
        waiting = Tenant.objects.filter(pk=actor.tenant.pk, live_state=states.TEST_ONLY)
        if waiting.update(live_state=states.ASKED):
            record(actor.user, "live.asked", str(actor.tenant.slug))


def _has_verified_address(user: User) -> bool:
    mine = EmailAddress.objects.filter(user=user, primary=True, verified=True)
    return bool(mine.exists())


def _profile_is_complete() -> bool:
    profile = Profile.objects.get()
    return bool(profile.legal_name and (profile.support_email or profile.support_phone))
