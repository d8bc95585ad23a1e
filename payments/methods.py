"""How payers pay: our words for it. `payments.paytm.messages` has Paytm's."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Method(models.TextChoices):
    UPI = "upi", _("UPI")
    CREDIT_CARD = "credit_card", _("Credit card")
    DEBIT_CARD = "debit_card", _("Debit card")
    NET_BANKING = "net_banking", _("Net banking")
    WALLET = "wallet", _("Wallet")
    EMI = "emi", _("EMI")
    OTHER = "other", _("Other")
    NONE = "", _("Not known")


# What a link may be limited to.
OFFERED = (
    Method.UPI,
    Method.CREDIT_CARD,
    Method.DEBIT_CARD,
    Method.NET_BANKING,
    Method.WALLET,
    Method.EMI,
)
