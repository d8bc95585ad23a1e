"""Numbering receipts: one for each payment that has arrived, without gaps.

A series belongs to a merchant, a world and an Indian financial year. Numbers are given after the
money's own commit, so that no payment waits for another one's number.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from merchants import audit
from merchants.models import Profile
from payments.models import Payment, Receipt
from payments.telling_payers import mail_receipt
from payments.timeline import note
from tenants.current import zone
from tenants.models import User

APRIL = 4


def of(payment: Payment) -> Receipt | None:
    """The payment's receipt; None until it is numbered."""
    return Receipt.objects.filter(payment=payment).first()


@transaction.atomic
def number(payment: Payment) -> Receipt:
    """The receipt of a payment that has arrived, numbered now if it is not. Safe to repeat.

    Until the caller's transaction ends nobody else numbers in this tenant; rolled back, the
    number was never given.
    """
    # A sequence leaves gaps at rollbacks, and of two that read a maximum both read the same. So
    # one at a time, by a row that is always there; what is read next sees the last one's commit.
    Profile.objects.select_for_update(no_key=True).only("pk").get()
    return of(payment) or _next(payment)


@transaction.atomic
def send(payment: Payment, to: str, by: User) -> Receipt:
    """Mail the receipt of a payment that has arrived to an address that a person chose."""
    receipt = number(payment)
    mail_receipt(payment, receipt, to)
    note(payment, "receipt_sent", masked(to), by=by)
    audit.record(by, "receipt.sent", str(receipt), after={"to": to}, of=payment)
    return receipt


def masked(address: str) -> str:
    """An e-mail address as whoever knows it recognises it: its first letter and its domain."""
    name, _at, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


def year_of(moment: datetime) -> int:
    """The financial year of a moment by the year it begins in: April to March, where the
    merchant is."""
    local = moment.astimezone(zone())
    return local.year if local.month >= APRIL else local.year - 1


def _next(payment: Payment) -> Receipt:
    year = year_of(payment.paid_at or payment.decided_at or payment.created_at)
    series = Receipt.objects.filter(live=payment.live, year=year)
    last = series.aggregate(last=Max("number"))["last"] or 0
    return Receipt.objects.create(payment=payment, live=payment.live, year=year, number=last + 1)
