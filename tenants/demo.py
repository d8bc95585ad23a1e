"""The demo: its people, its merchant and its first payments, by the product's own rules.

The payments are real ones: the simulator's page is posted to, and Paytm's status is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import requests
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.urls import reverse
from django_tenants.utils import tenant_context

from config import clock
from merchants import connecting
from merchants.models import PaytmAccount, Profile
from merchants.sealing import open_sealed
from payments import collecting
from payments.asking import ask
from payments.models import Link, Payment
from payments.paytm import payment_page_url
from payments.refunding import ask_refund
from payments.states import PaymentState
from tenants import provisioning
from tenants.current import current_tenant
from tenants.models import Tenant, User
from tenants.routing import new_token

SLUG = "asha-tea"
PASSWORD = "demo-password-1"  # noqa: S105  (a demo listens on this machine alone)
ADMIN, OWNER = "admin@demo.example", "owner@demo.example"
OPEN_LINK = "Pay Asha Tea House"
TERMS = """We send what you paid for within two working days, anywhere in India.

Unopened packets are taken back within ten days; we refund them in full.
Opened tea is not taken back, unless it came to you spoilt."""
PATIENCE = 10  # seconds for the simulator

# How many days ago, what for, paise, the button on Paytm's page, the method chosen there.
STORY = [
    (9, "Assam breakfast, 500 g", 780_00, "success", "UPI"),
    (7, "Tea for the wedding, first part", 12_500_00, "success", "NB"),
    (7, "Nilgiri sampler", 650_00, "failure", "DC"),
    (6, "Kettle, two litres", 3_299_00, "success", "CC"),
    (4, "Green tea, 100 g", 420_00, "success", "UPI"),
    (4, "Tea tasting for two", 899_00, "cancel", "UPI"),
    (3, "Tea for the wedding, second part", 12_500_00, "success", "EMI"),
    (1, "Cardamom chai for a month", 1_699_00, "success", "PPI"),
    (0, "Masala chai for a month", 1_499_00, "success", "UPI"),
    (0, "Tea tasting for two", 899_00, "success", "CC"),
    (0, "Darjeeling first flush, 250 g", 1_250_50, "failure", "NB"),
    (0, "Office tea, November", 23_456_75, "success", "NB"),
    (0, "Clay cups, set of six", 540_00, "cancel", "UPI"),
    (0, "Gift box", 2_100_00, "pending", "UPI"),
]


def seed() -> dict[str, Any]:
    """Make what is missing and return what demo.json tells. Safe to repeat."""
    if not (settings.DATA_DIR / "demo.json").exists():
        clock.move(timedelta())  # a killed first start may have left it in the past
    admin = _person(ADMIN, "Platform admin", staff_role=User.StaffRole.ADMIN)
    owner = _person(OWNER, "Asha Rao")
    tenant = Tenant.objects.filter(slug=SLUG).first() or provisioning.claim(
        slug=SLUG, name="Asha Tea House", owner=owner, time_zone="Asia/Kolkata"
    )
    with tenant_context(tenant):
        merchant = _merchant(owner)
    return {
        "base_url": settings.BASE_URL,
        "simulator_url": settings.SIMULATOR_URL,
        "platform_admin": _login(admin) | {"totp_secret": _totp_secret(admin)},
        "owner": _login(owner),
        "merchant": SLUG,
    } | merchant


def _person(email: str, name: str, **fields: Any) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email, PASSWORD, name=name, **fields)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _login(user: User) -> dict[str, str]:
    return {"email": user.email, "password": PASSWORD}


def _totp_secret(user: User) -> str:
    known = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if known:
        return str(get_adapter().decrypt(known.data["secret"]))
    secret: str = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def _merchant(owner: User) -> dict[str, Any]:
    """The demo's merchant, connected, with a link to pay and a story to look at."""
    Profile.objects.filter(legal_name="").update(
        legal_name="Asha Tea House Private Limited",
        gstin="29ABCDE1234F1Z5",
        support_email="care@asha-tea.example",
        support_phone="+91 80 4000 0000",
        colour="#8a3b12",
        terms=TERMS,
    )
    account = connecting.current_account(live=False) or connecting.connect_simulator(owner)
    if not Payment.objects.exists():
        for days, what, paise, button, method in STORY:
            with _days_ago(days):
                _tell(owner, what, paise, button, method)
    pay_path = reverse("pay", kwargs={"token": _open_link(owner).token})
    key = open_sealed(account, "sealed_key")
    return {
        "pay_url": f"{settings.BASE_URL}{pay_path}",
        "paytm": {"mid": account.mid, "merchant_key": key},
    }


@contextmanager
def _days_ago(days: int) -> Iterator[None]:
    """Let what happens here have happened so many days ago, to us and to Paytm."""
    present = clock.offset()
    clock.move(present - timedelta(days=days))
    try:
        yield
    finally:
        clock.move(present)


def _open_link(owner: User) -> Link:
    known = Link.objects.filter(description=OPEN_LINK, amount_paise=None).first()
    return known or _link(owner, OPEN_LINK, amount_paise=None)


def _link(owner: User, description: str, **fields: Any) -> Link:
    return Link.objects.create(
        live=False,
        token=new_token(current_tenant()),
        description=description,
        created_by_id=owner.pk,
        created_by_name=str(owner),
        **fields,
    )


def _tell(owner: User, description: str, paise: int, button: str, method: str) -> None:
    """One payment from link to outcome; the largest one is partly refunded."""
    link = _link(owner, description, amount_paise=paise, max_payments=1)
    payment = collecting.begin(link, paise, None)
    _press(payment, button, method)
    payment = ask(payment)
    if payment.state == PaymentState.PAID and paise > 20_000_00:
        ask_refund(payment, 2_000_00, "Two boxes came broken", owner, str(payment.pk))


def _press(payment: Payment, button: str, method: str) -> None:
    """Do what the payer's browser does on Paytm's page."""
    account: PaytmAccount = payment.account
    order = {"mid": account.mid, "orderId": payment.order_id}
    page = payment_page_url(account.base_url, mid=account.mid, order_id=payment.order_id)
    with requests.Session() as browser:
        browser.trust_env = False
        shown = browser.post(page, data=order | {"txnToken": payment.paytm_token}, timeout=PATIENCE)
        shown.raise_for_status()
        action = shown.text.partition('id="outcome"')[2].partition('action="')[2].partition('"')[0]
        pressed = browser.post(
            f"{settings.SIMULATOR_URL}{action}",
            data={"outcome": button, "method": method},
            timeout=PATIENCE,
        )
        pressed.raise_for_status()
