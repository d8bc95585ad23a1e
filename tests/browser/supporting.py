"""`python -m tests.browser.supporting`: more people for the demo, made in its own database.

They are there for what nobody signs up for in a walk: roles, states and empty pages. Prints who
they are and, for every kind of person, where the pages are that name a thing.
"""

import json
import os
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from allauth.mfa.adapter import get_adapter  # noqa: E402
from allauth.mfa.models import Authenticator  # noqa: E402
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from config.clock import now  # noqa: E402
from merchants.models import Profile  # noqa: E402
from merchants.refund_rules import Rules, change_rules  # noqa: E402
from payments import collecting, receipting  # noqa: E402
from payments.models import Batch, Payment, Refund  # noqa: E402
from payments.refunding import ask_refund  # noqa: E402
from tenants.models import (  # noqa: E402
    CaughtMail,
    DeadJob,
    Membership,
    PageReport,
    Role,
    StaffAct,
    Tenant,
    User,
)
from tests import cast, make  # noqa: E402

ASHA = "asha-tea"
OWNER = "owner@demo.example"
LINK_PAGES = ("link", "link_edit", "link_print", "link_payments_csv")
ENDPOINT_PAGES = ("endpoint", "endpoint_edit")


def main() -> dict[str, Any]:
    asha = Tenant.objects.get(slug=ASHA)
    nisha, vikram, meera = cast.person("Nisha"), cast.person("Vikram"), cast.person("Meera")
    lakshmi, ada = cast.person("Lakshmi"), cast.person("Ada", staff_role=User.StaffRole.ADMIN)
    bob = cast.person("Bob")
    Membership.objects.create(tenant=asha, user=vikram, role=Role.VIEWER)
    Membership.objects.create(tenant=asha, user=bob, role=Role.FINANCE)
    cast.second_step(ada)
    new_shop("meera-spices", "Meera Spices", meera)
    silks = new_shop("lakshmi-silks", "Lakshmi Silks", lakshmi)
    cast.go_live(silks, lakshmi)
    RecoveryCodes.activate(lakshmi)
    new_shop("old-bazaar", "Old Bazaar", lakshmi)
    Tenant.objects.filter(slug="old-bazaar").update(state=Tenant.State.SUSPENDED)
    work_for_staff(asha, ada)
    invitation = make.invitation(asha, vikram, email=nisha.email).token
    return {
        "people": [told(user) for user in (nisha, vikram, meera, lakshmi, ada, bob)],
        "ids": {
            "asha": things_of(asha),
            "bob": old_export(asha, bob),
            "lakshmi": live_things_of(silks),
            "ada": {"platform_merchant": asha.pk},
            "stranger": payers_things_of(asha),
        },
        "invitation": invitation,
    }


def told(user: User) -> dict[str, str]:
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    secret = get_adapter().decrypt(app.data["secret"]) if app else ""
    return {"email": user.email, "password": cast.PASSWORD, "totp_secret": secret}


def new_shop(slug: str, name: str, owner: User) -> Tenant:
    shop = cast.merchant(slug, owner)
    Tenant.objects.filter(pk=shop.pk).update(name=name)
    with tenant_context(shop):
        Profile.objects.update(legal_name=f"{name} LLP", support_email=owner.email)
    return shop


def work_for_staff(tenant: Tenant, by: User) -> None:
    with tenant_context(tenant):
        token = make.link(description="Miracle tea").token
    PageReport.objects.create(tenant=tenant, link_token=token, reason="other", words="Just a test")
    DeadJob.objects.create(
        kind="tenants.mail.deliver", lane=1, tenant_id=tenant.pk, attempts=12,
        error="SMTPConnectError: the mail server does not answer",
    )  # fmt: skip
    StaffAct.objects.create(tenant=tenant, by=by, act="resumed", words="Their papers are in order")


def things_of(tenant: Tenant) -> dict[str, Any]:
    with tenant_context(tenant):
        paid, sent, file = refunded_payment(), make.delivery(), file_of_links()
        payout = make.payout(live=False)
        owner = User.objects.get(email=OWNER)
        exports = [make.export(owner).pk, *exports_in_other_states(owner)]
        for email in (OWNER, "vikram@example.com"):
            make.notice(User.objects.get(email=email))
        told = {"event": sent.event_id, "delivery": sent.pk}
        told |= dict.fromkeys(ENDPOINT_PAGES, sent.endpoint_id)
        return told | {
            "payment": [paid.pk, *one_of_each(Payment.objects)],
            "refund_new": paid.pk,
            "refund": [held_refund(tenant).pk, *one_of_each(Refund.objects)],
            **dict.fromkeys(LINK_PAGES, paid.link_id),
            "link_batch": file.pk,
            "link_batch_result": file.pk,
            "export": exports,
            "export_file": exports,
            "settlement": payout.pk,
            "settlement_csv": payout.pk,
            "settlement_preview": make.upload(False, User.objects.get(email=OWNER)).pk,
            "exception": payout.discrepancies.get().pk,
        }


def one_of_each(rows: Any) -> list[Any]:
    """The keys of one row in each state that there is."""
    return [*dict(rows.values_list("state", "pk")).values()]


def exports_in_other_states(by: User) -> list[Any]:
    """Files that are not ready, and why."""
    states: list[dict[str, Any]] = [
        {"state": "waiting", "count": None},
        {"state": "running", "count": 1200, "done": 400},
        {"state": "failed", "error": "too_long", "count": 2_000_000},
        {"state": "cancelled"},
    ]
    return [make.export(by, **fields).pk for fields in states]


def old_export(tenant: Tenant, by: User) -> dict[str, Any]:
    """A file whose week is over."""
    with tenant_context(tenant):
        return {"export": make.export(by, expires_at=now() - timedelta(minutes=1)).pk}


def held_refund(tenant: Tenant) -> Refund:
    """Kiran, an admin, wants more back than one person may decide: Asha may approve it."""
    kiran = cast.person("Kiran")
    Membership.objects.create(tenant=tenant, user=kiran, role=Role.ADMIN)
    change_rules(Rules(approve_above_paise=10_000_00), User.objects.get(email=OWNER))
    payment = Payment.objects.get(description="Tea for the wedding, first part")
    words = ("Customer cancelled", kiran, "kirans-form", "The wedding is off; they rang today")
    return ask_refund(payment, 12_000_00, *words)


def file_of_links() -> Batch:
    lines = [f"Invoice {n},{n * 100},INV-{n}" for n in range(1, 30)]
    return make.batch(*lines, "Invoice 30,a lot,INV-30", by=User.objects.get(email=OWNER))


def payers_things_of(tenant: Tenant) -> dict[str, Any]:
    with tenant_context(tenant):
        link = make.link(description="A donation", amount_paise=None)
        begun = collecting.begin(make.link(description="Green tea"), 500_00, None)
        refunded = refunded_payment()
        receipting.number(refunded)
        return {
            "pay": link.token,
            "pay_report": link.token,
            "pay_go": begun.token,
            "pay_status": refunded.token,
            "pay_receipt": refunded.token,
            "paytm_callback": make.paytm_token(live=False),
            "paytm_webhook": make.paytm_token(live=False),
            "caught_mail": CaughtMail.objects.latest("id").pk,
        }


def refunded_payment() -> Payment:
    return Payment.objects.filter(refunds__isnull=False).latest("created_at")


def live_things_of(tenant: Tenant) -> dict[str, Any]:
    with tenant_context(tenant):
        link = make.link(live=True, description="Kanjivaram saree")
        off = make.endpoint(live=True, state="stopped", stopped_why="failing")
        return dict.fromkeys(LINK_PAGES, link.pk) | dict.fromkeys(ENDPOINT_PAGES, off.pk)


if __name__ == "__main__":
    print(json.dumps(main(), default=str))
