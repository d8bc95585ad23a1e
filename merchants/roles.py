"""The one table of who may do what in a merchant. What is not here is refused."""

from tenants.models import Role

OWNER, ADMIN, FINANCE, VIEWER = Role.OWNER, Role.ADMIN, Role.FINANCE, Role.VIEWER

EVERYONE = frozenset({OWNER, ADMIN, FINANCE, VIEWER})
MONEY = frozenset({OWNER, ADMIN, FINANCE})
MANAGERS = frozenset({OWNER, ADMIN})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "home.view": EVERYONE,
    "payments.view": EVERYONE,
    "reports.view": EVERYONE,
    "settlements.view": EVERYONE,
    "settlements.manage": MONEY,
    "links.view": EVERYONE,
    "links.manage": MONEY,
    "refunds.create": MONEY,
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
    "live.ask": frozenset({OWNER}),
}

# In live mode, and for the whole of a merchant once its live mode is open, these need a second
# factor of the person who does them.
SECOND_FACTOR = frozenset(
    {"links.manage", "refunds.create", "surplus.decide", "endpoints.manage"}
    | {"credentials.view", "credentials.manage", "team.manage"}
)


def may(role: str, permission: str) -> bool:
    """Whether the role holds the permission. An unknown permission is a KeyError: a bug."""
    return role in PERMISSIONS[permission]


def may_give(giver: str, role: str) -> bool:
    """Only owners make owners, or touch one."""
    return may(giver, "team.manage") and (role != OWNER or giver == OWNER)
