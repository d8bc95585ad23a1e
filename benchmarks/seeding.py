"""`python -m benchmarks.seeding MERCHANTS PAYMENTS`: fill an empty database, tell the facts.

The n-th payment of a merchant has the id md5(n) and an order id that ends in n, so that
pgbench's scripts and the benchmarks can name one without a look-up.

`python -m benchmarks.seeding big PAYMENTS` makes one merchant with a year of business instead.
"""

import json
import os
import secrets
import sys
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from allauth.account.models import EmailAddress  # noqa: E402
from django.db import connection  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from config.clock import now  # noqa: E402
from merchants import connecting  # noqa: E402
from merchants.models import PaytmAccount, Profile  # noqa: E402
from payments import inventing  # noqa: E402
from payments.models import Link  # noqa: E402
from tenants import provisioning  # noqa: E402
from tenants.models import Tenant, User  # noqa: E402
from tenants.routing import new_token  # noqa: E402

PAYMENTS = """
    INSERT INTO payments_payment (id, live, token, order_id, link_id, account_id, description,
        amount_paise, state, paytm_token, paytm_token_until, paytm_txn_id, bank_txn_id, method,
        gateway, bank, result_code, result_message, received_paise, surplus, accepted_by_name,
        refunded_paise, reserved_paise, created_at, payer_name, payer_email, payer_phone, answers,
        language)
    SELECT md5(n::text)::uuid, false, %s || lpad(n::text, 22, '0'),
        'pay_' || lpad(n::text, 20, '0'), %s, %s, 'Masala chai', 50000, 'open', 'token',
        now() + interval '1 day', '', '', '',
        '', '', '', '', 0, '', '', 0, 0, now(), '', '', '', '[]',
        'en'
    FROM generate_series(0, %s - 1) AS n
"""


def main(merchants: int, payments: int) -> list[dict[str, str]]:
    """Merchants with a Paytm account and one link, whose payments all wait at Paytm.

    Returns for each what a benchmark must know of it to speak as its payers and its Paytm do.
    """
    provisioning.prepare()
    owner = User.objects.create_user("owner@example.com", secrets.token_urlsafe(16), name="Owner")
    facts = [merchant(owner, number, payments) for number in range(merchants)]
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return facts


def merchant(owner: User, number: int, payments: int) -> dict[str, str]:
    tenant = provisioning.claim(
        slug=f"merchant-{number}",
        name=f"Merchant {number}",
        owner=owner,
        time_zone="Asia/Kolkata",
    )
    mid, key = f"MERCHANT{number:012}", secrets.token_urlsafe(12)
    with tenant_context(tenant):
        connecting.store(
            environment=PaytmAccount.Environment.STAGING,
            mid=mid,
            key=key,
            website="WEBSTAGING",
            by=owner,
        )
        fill(tenant, payments)
        secret = Profile.objects.get().paytm_secret(live=False)
    return {
        "id": str(tenant.pk),
        "slug": str(tenant.slug),
        "key": tenant.key,
        "schema": tenant.schema_name,
        "mid": mid,
        "merchant_key": key,
        "paytm_token": tenant.key + secret,
    }


def fill(tenant: Tenant, payments: int) -> None:
    link = Link.objects.create(live=False, description="Masala chai", token=new_token(tenant))
    account = PaytmAccount.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(PAYMENTS, [tenant.key, link.pk, account.pk, payments])


def big(payments: int) -> list[dict[str, str]]:
    """One merchant with so many payments in a year, and beside it one with none.

    Returns what a benchmark must know to sign in as its owner and to look at its rows.
    """
    provisioning.prepare()
    password = secrets.token_urlsafe(16)
    owner = User.objects.create_user("owner@example.com", password, name="Owner")
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    facts = [merchant(owner, number, 0) for number in range(2)]
    with tenant_context(Tenant.objects.get(pk=facts[0]["id"])):
        inventing.invent(payments, until=now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return [each | {"email": owner.email, "password": password} for each in facts]


if __name__ == "__main__":
    made = big if sys.argv[1] == "big" else partial(main, int(sys.argv[1]))
    print(json.dumps(made(int(sys.argv[2]))))
