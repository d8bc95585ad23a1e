"""The demo: its people, its merchant and its first payments, by the product's own rules.

The payments are real ones: the simulator's page is posted to, and Paytm's status is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zlib import crc32

import requests
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django_tenants.utils import tenant_context

from config import clock
from merchants import connecting, endpoints, team
from merchants.models import Endpoint, PaytmAccount, Profile
from merchants.refund_rules import Rules, change_rules
from merchants.sealing import open_sealed
from payments import annotating, collecting, delivering
from payments.asking import ask
from payments.events import send_test
from payments.models import Link, Payment
from payments.paytm import payment_page_url
from payments.refunding import ask_refund
from payments.states import PaymentState
from tenants import provisioning
from tenants.current import current_tenant
from tenants.models import Membership, Role, Tenant, User
from tenants.routing import new_token

SLUG = "asha-tea"
PASSWORD = "demo-password-1"  # noqa: S105  (a demo listens on this machine alone)
ADMIN, OWNER = "admin@demo.example", "owner@demo.example"
CLERK = "clerk@demo.example"
OPEN_LINK = "Pay Asha Tea House"
TERMS = """We send what you paid for within two working days, anywhere in India.

Unopened packets are taken back within ten days; we refund them in full.
Opened tea is not taken back, unless it came to you spoilt."""
PATIENCE = 10  # seconds for the simulator

# A price at which the simulator's bank refuses what is to be given back.
NO_REFUND_PAISE = 4_040_62
APPROVE_ABOVE_PAISE = 10_000_00
SHOP_SYSTEM = "http://localhost:9/payments"  # nobody listens there
TAGS = {"Tea for the wedding": "wedding", "Office tea": "business"}
NOTES = {
    "Tea for the wedding, first part": "Asked for delivery before the 10 a.m. ceremony.",
    "Kettle, two litres": "Wants the brown one; told her on the phone that it takes a week.",
}

# How long ago in days and hours, what for, paise, the button on Paytm's page, the method chosen
# there, who pays. The last one of all who were given money back is the office's.
STORY = [
    (9, 2, "Assam breakfast, 500 g", 780_00, "success", "UPI", "Meera Iyer"),
    (7, 5, "Tea for the wedding, first part", 12_500_00, "success", "NB", "Harish Gowda"),
    (7, 1, "Nilgiri sampler", 650_00, "failure", "DC", "Farah Khan"),
    (6, 3, "Kettle, two litres", 3_299_00, "success", "CC", "Sunita Deshmukh"),
    (4, 6, "Green tea, 100 g", 420_00, "success", "UPI", "Meera Iyer"),
    (4, 0, "Tea tasting for two", 899_00, "cancel", "UPI", "Rohan Mehta"),
    (3, 4, "Tea for the wedding, second part", 12_500_00, "success", "EMI", "Harish Gowda"),
    (2, 1, "Festival hamper, by weight", NO_REFUND_PAISE, "success", "DC", "Lata Kulkarni"),
    (1, 7, "Cardamom chai for a month", 1_699_00, "success", "PPI", "Vivek Nair"),
    (0, 0.9, "Masala chai for a month", 1_499_00, "success", "UPI", "Farah Khan"),
    (0, 0.7, "Tea tasting for two", 899_00, "success", "CC", "Rohan Mehta"),
    (0, 0.6, "Darjeeling first flush, 250 g", 1_250_50, "failure", "NB", "Kavita Rao"),
    (0, 0.4, "Office tea, November", 23_456_75, "success", "NB", "Naveen Pillai"),
    (0, 0.2, "Clay cups, set of six", 540_00, "cancel", "UPI", ""),
    (0, 0, "Gift box", 2_100_00, "pending", "UPI", "Anjali Bose"),
]


def seed() -> dict[str, Any]:
    """Make what is missing and return what demo.json tells. Safe to repeat."""
    if not (settings.DATA_DIR / "demo.json").exists():
        clock.move(timedelta())  # a killed first start may have left it in the past
    admin = _person(ADMIN, "Platform admin", staff_role=User.StaffRole.ADMIN)
    owner, clerk = _person(OWNER, "Asha Rao"), _person(CLERK, "Divya Menon")
    tenant = Tenant.objects.filter(slug=SLUG).first() or provisioning.claim(
        slug=SLUG, name="Asha Tea House", owner=owner, time_zone="Asia/Kolkata"
    )
    with tenant_context(tenant):
        merchant = _merchant(owner, clerk)
    return {
        "base_url": settings.BASE_URL,
        "simulator_url": settings.SIMULATOR_URL,
        "platform_admin": _login(admin) | {"totp_secret": _totp_secret(admin)},
        "owner": _login(owner),
        "clerk": _login(clerk),
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


def _merchant(owner: User, clerk: User) -> dict[str, Any]:
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
        _open_shop(owner, clerk)
        for days, hours, what, paise, button, method, payer in STORY:
            with _ago(days, hours):
                payment = _pay(owner, what, paise, button, method, payer)
                _annotate(payment, owner)
        _give_back(owner, clerk)
    pay_path = reverse("pay", kwargs={"token": _open_link(owner).token})
    key = open_sealed(account, "sealed_key")
    return {
        "pay_url": f"{settings.BASE_URL}{pay_path}",
        "paytm": {"mid": account.mid, "merchant_key": key},
    }


@contextmanager
def _ago(days: int, hours: float = 0) -> Iterator[None]:
    """Let what happens here have happened so long ago, to us and to Paytm."""
    present = clock.offset()
    clock.move(present - timedelta(days=days, hours=hours))
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


def _open_shop(owner: User, clerk: User) -> None:
    """A colleague, a limit above which two people are needed, and a system that went away."""
    own = Membership.objects.get(tenant=current_tenant(), user=owner)
    with _ago(10):
        if not Membership.objects.filter(tenant=own.tenant, user=clerk).exists():
            team.accept(clerk, team.invite(own, clerk.email, Role.FINANCE))
        change_rules(Rules(approve_above_paise=APPROVE_ABOVE_PAISE), owner)
    _fail_endpoint(owner)


def _fail_endpoint(owner: User) -> None:
    """An endpoint that took nothing for longer than we are patient, and so was stopped."""
    if Endpoint.objects.exists():
        return
    terms = endpoints.Terms(url=SHOP_SYSTEM, description="The till in the shop")
    with _ago(9, 4), transaction.atomic():
        endpoint, _secret = endpoints.make_endpoint(terms, id=uuid4(), live=False, by=owner)
        send_test(endpoint)
    for days in (9, 3):
        with _ago(days, 3):
            delivering.deliver(endpoint_id=str(endpoint.pk))


def _pay(
    owner: User, description: str, paise: int, button: str, method: str, payer: str
) -> Payment:
    """One payment from link to outcome."""
    link = _link(owner, description, amount_paise=paise, max_payments=1)
    payment = collecting.begin(link, paise, None, _told(payer))
    _press(payment, button, method)
    return ask(payment)


def _told(payer: str) -> collecting.Told:
    """What a payer of this name tells; nothing of nobody."""
    if not payer:
        return collecting.NOTHING
    address = f"{payer.lower().replace(' ', '.')}@example.com"
    phone = f"98{crc32(payer.encode()) % 10**8:08}"
    return collecting.Told(payer_name=payer, payer_email=address, payer_phone=phone)


def _annotate(payment: Payment, owner: User) -> None:
    for begin, tag in TAGS.items():
        if payment.description.startswith(begin):
            annotating.add_tag(False, [payment.pk], tag, owner)
    if words := NOTES.get(payment.description):
        annotating.add_note(payment, words, owner)


def _give_back(owner: User, clerk: User) -> None:
    """A part that is given back, what waits for the owner, and what the bank will refuse."""
    for description, paise, reason, by in (
        ("Office tea, November", 2_000_00, "Two boxes came broken", owner),
        ("Tea for the wedding, second part", 12_500_00, "Customer cancelled", clerk),
        ("Festival hamper, by weight", NO_REFUND_PAISE, "Not delivered", owner),
    ):
        payment = Payment.objects.get(description=description)
        if payment.state == PaymentState.PAID:
            ask_refund(payment, paise, reason, by, str(payment.pk))


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
