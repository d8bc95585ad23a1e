"""Telling the payer by mail, in the language they paid in, where they gave an address."""

import logging
from collections.abc import Mapping

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from merchants.models import Profile
from payments import ledger, reasons
from payments.models import Payment, Receipt, Refund
from payments.states import RefundState
from tenants import limits, mail
from tenants.current import current_tenant, zone

logger = logging.getLogger(__name__)

DAY = 86_400
TEST_MAILS = 100  # a day and merchant


def mail_receipt(payment: Payment, receipt: Receipt, to: str = "") -> None:
    """Mail the receipt to the payer, or to another address; it tells the payment as it is now."""
    about = {
        "receipt": receipt,
        "words": reasons.of_payment(payment),
        "thanks": reasons.thanks(payment),
        "pdf_url": _address("pay_receipt", payment),
    }
    _mail("receipt", payment, to or payment.payer_email, about)


def tell_payer_of_refund(refund: Refund) -> None:
    """Mail the payer that a refund is done; of one that is not they see what to know on the page
    of their payment."""
    if refund.state == RefundState.DONE:
        _mail("payer_refund", refund.payment, refund.payment.payer_email, {"refund": refund})


def _mail(template: str, payment: Payment, to: str, about: Mapping[str, object]) -> None:
    if not to or not (payment.live or _may_try()):
        return
    context = {
        **about,
        "payment": payment,
        "paise": ledger.received(payment),
        "live": payment.live,
        "merchant_name": current_tenant().name,
        "profile": Profile.objects.defer("logo_png").get(),
        "url": _address("pay_status", payment),
    }
    with timezone.override(zone()), translation.override(payment.language):
        mail.post(to, template, context)


def _may_try() -> bool:
    """Anybody may pay a test link with no money and type anybody's address there, so mails of the
    test world are counted."""
    if limits.hit(f"test-mail:{current_tenant().pk}", TEST_MAILS, DAY):
        return True
    logger.warning("no more mails to test payers today", extra={"reason": "limit"})
    return False


def _address(name: str, payment: Payment) -> str:
    return f"{settings.BASE_URL}{reverse(name, kwargs={'token': payment.token})}"
