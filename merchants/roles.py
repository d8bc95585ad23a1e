"""The one table of who may do what in a merchant. What is not here is refused."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from tenants.models import Role

OWNER, ADMIN, FINANCE, VIEWER = Role.OWNER, Role.ADMIN, Role.FINANCE, Role.VIEWER

EVERYONE = frozenset({OWNER, ADMIN, FINANCE, VIEWER})
MONEY = frozenset({OWNER, ADMIN, FINANCE})
MANAGERS = frozenset({OWNER, ADMIN})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "home.view": EVERYONE,
    "payments.view": EVERYONE,
    "reports.view": EVERYONE,
    "exports.make": MONEY,
    "exports.see_all": MANAGERS,
    "settlements.view": EVERYONE,
    "settlements.manage": MONEY,
    "links.view": EVERYONE,
    "links.manage": MONEY,
    "refunds.create": MONEY,
    "refunds.approve": MANAGERS,
    "refunds.rules": MANAGERS,
    "surplus.decide": MONEY,
    "payments.ask": MONEY,
    "payments.annotate": MONEY,
    "views.share": MONEY,
    "receipts.send": MONEY,
    "team.view": EVERYONE,
    "team.manage": MANAGERS,
    "settings.view": EVERYONE,
    "settings.manage": MANAGERS,
    "credentials.view": MANAGERS,
    "credentials.manage": MANAGERS,
    "events.view": EVERYONE,
    "events.send": MONEY,
    "endpoints.manage": MANAGERS,
    "activity.view": MANAGERS,
    "live.ask": frozenset({OWNER}),
}

# The same, for people.
WORDS: dict[str, Any] = {
    "home.view": _("See today's figures"),
    "payments.view": _("See payments, refunds and surplus"),
    "reports.view": _("See reports"),
    "exports.see_all": _("See the files that others made"),
    "settlements.view": _("See settlements and exceptions"),
    "settlements.manage": _("Import settlements, resolve exceptions"),
    "links.view": _("See links"),
    "links.manage": _("Make and change links"),
    "payments.annotate": _("Tag payments and write notes"),
    "refunds.create": _("Refund payments"),
    "refunds.approve": _("Approve refunds of others"),
    "refunds.rules": _("Change the rules for refunds"),
    "exports.make": _("Make exports"),
    "views.share": _("Share saved views"),
    "surplus.decide": _("Keep or send back surplus"),
    "payments.ask": _("Ask Paytm about a payment"),
    "receipts.send": _("Send receipts"),
    "team.view": _("See the team"),
    "team.manage": _("Invite, change and remove people"),
    "settings.view": _("See the settings"),
    "settings.manage": _("Change the settings"),
    "credentials.view": _("See the Paytm account"),
    "credentials.manage": _("Change the Paytm keys"),
    "events.view": _("See events and deliveries"),
    "events.send": _("Send events again"),
    "endpoints.manage": _("Manage endpoints and their secrets"),
    "activity.view": _("See who did what"),
    "live.ask": _("Ask for live mode"),
}

# In live mode, and for the whole of a merchant once its live mode is open, these need a second
# factor of the person who does them.
SECOND_FACTOR = frozenset(
    {"links.manage", "refunds.create", "refunds.approve", "refunds.rules"}
    | {"surplus.decide", "endpoints.manage"}
    | {"credentials.view", "credentials.manage", "team.manage"}
)


def may(role: str, permission: str) -> bool:
    """Whether the role holds the permission. An unknown permission is a KeyError: a bug."""
    return role in PERMISSIONS[permission]


def may_give(giver: str, role: str) -> bool:
    """Only owners make owners, or touch one."""
    return may(giver, "team.manage") and (role != OWNER or giver == OWNER)
