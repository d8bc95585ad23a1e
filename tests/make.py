"""Makers of the things that tests begin with. Called inside a tenant."""

import secrets
from datetime import timedelta
from typing import Any

from django.urls import reverse

from config.clock import now
from merchants import noticing
from merchants.models import Endpoint, Notice, PaytmAccount, Profile
from merchants.sealing import seal
from merchants.signing import give_secret
from payments import batching, collecting, settlement_import
from payments.events import send_test
from payments.models import (
    Batch,
    Delivery,
    ExportFile,
    Link,
    Payment,
    Settlement,
    SettlementImport,
)
from payments.payouts import take_in
from payments.paytm import read_rows
from tenants.current import current_tenant
from tenants.models import Invitation, Role, Tenant, User
from tenants.routing import new_token


def paytm_account(mid: str, key: str, *, live: bool = False, **fields: object) -> PaytmAccount:
    """An account in use: at the simulator in the test world, at Paytm in the live one."""
    account = PaytmAccount(
        environment="production" if live else "simulator",
        live=live,
        mid=mid,
        website="DEFAULT",
        key_last4=key[-4:],
        key_fingerprint="0" * 16,
        **fields,
    )
    account.sealed_key = seal(key, account, "sealed_key")
    account.save()
    return account


def link(*, live: bool = False, amount_paise: int | None = 500_00, **fields: object) -> Link:
    """A reusable link of ₹500.00."""
    defaults = {"description": "Masala chai", "token": new_token(current_tenant())}
    return Link.objects.create(live=live, amount_paise=amount_paise, **(defaults | fields))


def payment(link: Link, **fields: object) -> Payment:
    """An attempt that waits at Paytm."""
    return Payment.objects.create(
        live=link.live,
        token=new_token(current_tenant()),
        link=link,
        account=PaytmAccount.objects.get(live=link.live, state="active"),
        description=link.description,
        amount_paise=link.amount_paise,
        **({"state": "open"} | fields),
    )


def attempt(link: Link, paise: int = 500_00, key: str | None = None) -> Payment:
    """What a payer has after pressing *Pay*: their own attempt, else a new one, asked of Paytm."""
    return collecting.resume(link, paise, key) or collecting.begin(link, paise, key)


def endpoint(url: str = "http://127.0.0.1:9/", *, live: bool = False, **fields: Any) -> Endpoint:
    """An enabled endpoint that wants every kind; nobody listens at its address."""
    made = Endpoint(live=live, url=url, **fields)
    give_secret(made)
    made.save()
    return made


def delivery(live: bool = False) -> Delivery:
    """A test event on its way to an endpoint of its own."""
    return send_test(endpoint(live=live))


def paytm_token(live: bool) -> str:
    """What names the address that Paytm calls."""
    return current_tenant().key + Profile.objects.get().paytm_secret(live)


def invitation(tenant: Tenant, by: User, **fields: object) -> Invitation:
    """An offer to join as viewer, open for a week."""
    defaults = {
        "email": f"{secrets.token_hex(4)}@example.com",
        "role": Role.VIEWER,
        "expires_at": now() + timedelta(days=7),
    }
    return Invitation.objects.create(tenant=tenant, invited_by=by, **(defaults | fields))


def settlement_row(order_id: str, paise: int, **more: str) -> dict[str, str]:
    """A sale's row of Paytm's settlement list, without fees unless `more` says so."""
    return {
        "ORDERID": order_id,
        "TXNID": f"T{order_id}",
        "TXNTYPE": "SALE",
        "COMMISSION": "0.00",
        "GST": "0.00",
        "SETTLEDAMOUNT": f"{paise // 100}.{paise % 100:02}",
        "UTR": "UTR1",
        "SETTLEDDATE": "2026-11-25",
    } | more


def payout(live: bool) -> Settlement:
    """A payout of ₹77.00 for an order that nobody here made."""
    account = PaytmAccount.objects.get(live=live, state="active")
    utr = secrets.token_hex(8)
    take_in(account, read_rows([settlement_row("ELSEWHERE", 77_00, UTR=utr)]))
    return Settlement.objects.get(utr=utr)


def upload(live: bool, by: User) -> SettlementImport:
    """A file that waits to be confirmed."""
    account = PaytmAccount.objects.get(live=live, state="active")
    rows = read_rows([settlement_row("ELSEWHERE", 77_00)])
    return settlement_import.preview(account, "report.csv", rows, by)


def batch(
    *lines: str, by: User, live: bool = False, head: str = "description,amount,reference"
) -> Batch:
    """A file of links with these lines, not started; without lines, one of its own."""
    rows = lines or (f"Masala chai,20,{secrets.token_hex(8)}",)
    sheet = batching.read_sheet("\n".join([head, *rows]).encode())
    return batching.keep(sheet, "invoices.csv", live=live, by=by)[0]


def export(by: User, *, live: bool = False, **fields: Any) -> ExportFile:
    """A file of no payments, ready to be fetched for a week."""
    head = b"Order ID\r\n"
    defaults = {
        "format": "csv",
        "selection": {"live": live},
        "columns": ["order_id"],
        "state": "done",
        "count": 0,
        "received_paise": 0,
        "refunded_paise": 0,
        "size": len(head),
        "expires_at": now() + timedelta(days=7),
    }
    file = ExportFile.objects.create(
        live=live,
        request_key=secrets.token_urlsafe(16),
        created_by_id=by.pk,
        created_by_name=str(by),
        **(defaults | fields),
    )
    file.chunks.create(number=0, data=head)
    return file


def notice(user: User) -> Notice:
    """Something this person has not opened yet."""
    told = {"name": "invoices.csv", "made": 3, "total": 4}
    page = reverse("notices", kwargs={"slug": current_tenant().slug})
    return noticing.notify(user.pk, "batch.done", told, page)
