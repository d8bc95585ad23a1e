"""What people did, in plain words. Every act that `audit.record` is given stands here."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

WORDS: Final[dict[str, Any]] = {
    "link.created": _("Made a link"),
    "link.changed": _("Changed a link"),
    "link.active": _("Enabled a link"),
    "link.disabled": _("Disabled a link"),
    "link.archived": _("Archived a link"),
    "batch.created": _("Uploaded a file of links"),
    "batch.started": _("Had the links of a file made"),
    "batch.cancelled": _("Cancelled a file of links"),
    "batch.forgotten": _("Dropped a file of links that was never begun"),
    "payment.noted": _("Wrote a note on a payment"),
    "payment.untagged": _("Took a tag off a payment"),
    "payments.tagged": _("Tagged payments"),
    "refund.asked": _("Asked for a refund"),
    "refund.held": _("Asked for a refund that somebody must approve"),
    "refund.approved": _("Approved a refund"),
    "refund.rejected": _("Rejected a refund"),
    "refund.withdrawn": _("Withdrew a refund"),
    "refund_rules.changed": _("Changed the rules for refunds"),
    "surplus.kept": _("Kept a surplus"),
    "receipt.sent": _("Sent a receipt"),
    "settlements.uploaded": _("Uploaded a settlement report"),
    "exception.resolved": _("Closed an exception"),
    "view.shared": _("Shared a saved view"),
    "view.removed": _("Removed a saved view"),
    "export.made": _("Asked for an export"),
    "export.fetched": _("Downloaded an export"),
    "export.cancelled": _("Cancelled an export"),
    "team.invited": _("Invited to the team"),
    "team.invitation_revoked": _("Revoked an invitation"),
    "team.joined": _("Joined the team"),
    "team.role": _("Changed a role"),
    "team.removed": _("Took off the team"),
    "merchant.opened": _("Opened the merchant"),
    "merchant.described": _("Changed the settings"),
    "merchant.logo": _("Changed the logo"),
    "live.asked": _("Asked for live mode"),
    "paytm.connected": _("Connected a Paytm account"),
    "endpoint.created": _("Added an endpoint"),
    "endpoint.changed": _("Changed an endpoint"),
    "endpoint.enabled": _("Enabled an endpoint"),
    "endpoint.disabled": _("Disabled an endpoint"),
    "endpoint.stopped": _("Stopped sending to an endpoint"),
    "endpoint.secret_rotated": _("Made a new secret for an endpoint"),
    "endpoint.replayed": _("Sent events again"),
    "return_key.rotated": _("Made a new key for return addresses"),
}

# The kinds that a list of acts can be narrowed to.
KINDS: Final[dict[str, Any]] = {
    "link": _("Links"),
    "batch": _("Files of links"),
    "payment": _("Payments"),
    "refund": _("Refunds"),
    "surplus": _("Surplus"),
    "receipt": _("Receipts"),
    "settlements": _("Settlement reports"),
    "exception": _("Exceptions"),
    "view": _("Saved views"),
    "export": _("Exports"),
    "team": _("Team"),
    "merchant": _("Settings"),
    "live": _("Live mode"),
    "paytm": _("Paytm"),
    "endpoint": _("Endpoints"),
}
# What stands before an act's dot, where it is not its kind.
_KIND: Final = {"payments": "payment", "refund_rules": "merchant", "return_key": "endpoint"}


def in_words(act: str) -> str:
    """The act as people say it; one that is no longer known, as it was written down."""
    return str(WORDS.get(act, act))


def kind_of(act: str) -> str:
    """One of KINDS."""
    begin = act.partition(".")[0]
    return _KIND.get(begin, begin)


def of_kind(kind: str) -> list[str]:
    """The acts of one of KINDS."""
    return [act for act in WORDS if kind_of(act) == kind]
