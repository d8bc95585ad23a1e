"""Why payments fail, told to the merchant in plain words, and what helps.

`payments.reasons` tells the same to payers, in words for them.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Text = str | Promise


class Cause(NamedTuple):
    """Why, and what to do about it."""

    why: Text
    advice: Text


LEFT = Cause(
    gettext_lazy("The payer left before it was complete"),
    gettext_lazy("Remind them: the same link can be paid again. Ask for less on the page."),
)
DECLINED = Cause(
    gettext_lazy("The payer's bank declined it"),
    gettext_lazy("Nothing to do on your side. Another card, account or UPI app often works."),
)
NOT_CONFIRMED = Cause(
    gettext_lazy("The bank could not confirm that it was the payer"),
    gettext_lazy("A wrong or late OTP, mostly. UPI asks for none: offer it on the link."),
)
OVER_LIMIT = Cause(
    gettext_lazy("Above the limit of the bank or wallet"),
    gettext_lazy("Banks limit UPI to ₹1 lakh a day, mostly. Ask in parts, or by net banking."),
)
# Paytm's result codes (Paytm: payment RESPCODEs).
CAUSES = {
    "141": LEFT,
    "810": LEFT,
    "2271": LEFT,
    "2272": LEFT,
    "205": DECLINED,
    "208": DECLINED,
    "227": DECLINED,
    "401": DECLINED,
    "229": NOT_CONFIRMED,
    "196": OVER_LIMIT,
    "207": Cause(
        gettext_lazy("The card has expired"),
        gettext_lazy("The payer needs another card. Nothing to do on your side."),
    ),
    "209": Cause(
        gettext_lazy("The card's details were not right"),
        gettext_lazy("Mistyped, mostly; the payer can try again. Offer UPI on the link."),
    ),
    "235": Cause(
        gettext_lazy("The balance was too low"),
        gettext_lazy("The payer can try again from another account. Smaller parts may help."),
    ),
    "295": Cause(
        gettext_lazy("The UPI ID was not right"),
        gettext_lazy("Mistyped, mostly; the payer can try again, or scan the code instead."),
    ),
    "804": Cause(
        gettext_lazy("Your Paytm account refused it"),
        gettext_lazy(
            "Look in Paytm's dashboard: a method is not active, or a limit of yours is met."
        ),
    ),
}


def cause(code: str) -> Cause:
    """What a result code means; one that is not known is named."""
    if code in CAUSES:
        return CAUSES[code]
    why = _("Paytm's code %(code)s") % {"code": code} if code else _("Paytm gave no reason")
    return Cause(why, _("If it comes often, ask Paytm's support about it."))
