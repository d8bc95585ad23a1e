"""Checking a merchant's Paytm keys, and saying in words what was found."""

from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.clock import now
from merchants.models import PaytmAccount
from payments.clients import client_for
from payments.paytm import Diagnosis

PATIENCE: Final = 8  # seconds at each host that is asked


class Words(NamedTuple):
    """A diagnosis for a person: `tone` is success, warning or error."""

    tone: str
    title: str | Promise
    text: str | Promise


WORDS: Final = {
    Diagnosis.RIGHT: Words(
        "success",
        _("These keys are right"),
        _("Paytm knows this MID and accepts what is signed with this key."),
    ),
    Diagnosis.WRONG_KEY: Words(
        "error",
        _("The merchant key is wrong"),
        _(
            "Paytm knows this MID but refused the checksum, so the key does not belong to it. "
            "Copy the key again from Paytm's dashboard: it has exactly 16 characters."
        ),
    ),
    Diagnosis.UNKNOWN_MID: Words(
        "error",
        _("Paytm does not know this MID"),
        _("Compare it letter by letter with the one in Paytm's dashboard. Case matters."),
    ),
    Diagnosis.WRONG_HOST: Words(
        "error",
        _("These keys belong somewhere else"),
        _(
            "This Paytm host does not serve the MID, another one does. Test keys work only in the "
            "test world, production keys only in the live one, and some older MIDs only at "
            "Paytm's older host."
        ),
    ),
    Diagnosis.UNREACHABLE: Words(
        "warning",
        _("Paytm could not be reached"),
        _(
            "No answer of Paytm's came; perhaps it is down for maintenance. This says nothing "
            "about the keys. Check again in a few minutes."
        ),
    ),
    Diagnosis.UNCLEAR: Words(
        "warning",
        _("Paytm's answer was not clear"),
        _(
            "It neither accepted nor refused the keys. Check again; if this stays, ask Paytm's "
            "support whether the MID is active."
        ),
    ),
}


def diagnose(account: PaytmAccount) -> Diagnosis:
    """Try the account's keys at Paytm and keep what was found. Touches no order.

    No transaction may be open: this asks over the network.
    """
    with client_for(account, patience=PATIENCE) as client:
        found = client.diagnose()
    account.diagnosis, account.checked_at = found.value, now()
    account.save(update_fields=["diagnosis", "checked_at"])
    return found


def words_of(account: PaytmAccount) -> Words | None:
    """What the last check found; None before the first."""
    return WORDS[Diagnosis(account.diagnosis)] if account.diagnosis else None
