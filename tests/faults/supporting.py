"""`python -m tests.faults.supporting TENANTS SIZE SYSTEMS BUG`: merchants, people, links and the
endpoints of their systems, made by the product's own rules. Prints them.

Every merchant has a canary, a word that stands in its name and on its links, and so on all of its
pages. No page of another merchant may ever show it. With a BUG the guards go that the database
holds against it: the bug is that they are not there either.
"""

import json
import sys
import uuid
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from merchants import connecting, endpoints  # noqa: E402
from payments.linking import Terms, make_link  # noqa: E402
from payments.models import Link  # noqa: E402
from payments.money import parse_inr  # noqa: E402
from tenants.models import User  # noqa: E402
from tests import cast  # noqa: E402
from tests.faults.bugs import BUGS  # noqa: E402
from tests.faults.systems import ways_of  # noqa: E402

Policy = Link.SurplusPolicy
SOME = 4  # payments that a link takes which takes some


def main(tenants: int, size: int, systems: str, bug: str) -> list[dict[str, Any]]:
    return [merchant(number, size // tenants, systems, bug) for number in range(tenants)]


def merchant(number: int, operations: int, systems: str, bug: str) -> dict[str, Any]:
    """One merchant with two people and enough links for so many operations."""
    canary = f"canary{uuid.uuid4().hex[:12]}"
    owner, clerk = cast.person(f"Owner{number}"), cast.person(f"Clerk{number}")
    tenant = cast.merchant(f"shop-{number}", owner, finance=clerk)
    tenant.name = f"Shop {canary}"
    tenant.save(update_fields=["name"])
    with tenant_context(tenant):
        account = connecting.connect_simulator(owner)
        for statement in BUGS[bug].guards if bug else ():
            with connection.cursor() as cursor:
                cursor.execute(statement)
        return {
            "slug": tenant.slug,
            "canary": canary,
            "mid": account.mid,
            "people": [owner.email, clerk.email],
            "password": cast.PASSWORD,
            "secrets": dict(
                endpoint(owner, systems, f"/{tenant.slug}/{way}") for way in ways_of(number)
            ),
            "links": {
                "fixed": [link(owner, canary, "250.00"), link(owner, canary, "1499.50")],
                "open": [link(owner, canary, None, policy=Policy.ACCEPT)],
                "some": [link(owner, canary, "99.00", SOME) for _ in range(3 + operations // 20)],
                "one": [
                    link(owner, canary, "730.25", 1, Policy.SEND_BACK)
                    for _ in range(3 + operations // 12)
                ],
            },
        }


def endpoint(by: User, systems: str, path: str) -> tuple[str, str]:
    """The path of a new endpoint, and its secret."""
    wanted = endpoints.Terms(url=f"{systems}{path}")
    _, secret = endpoints.make_endpoint(wanted, id=uuid.uuid4(), live=False, by=by)
    return path, secret


def link(
    by: User,
    canary: str,
    rupees: str | None,
    payments: int | None = None,
    policy: str = Policy.ASK,
) -> str:
    """The token of a new link; None rupees: the payer enters them."""
    terms = Terms(
        description=f"Tea for {canary}",
        amount_paise=parse_inr(rupees) if rupees else None,
        max_payments=payments,
        surplus_policy=policy,
    )
    return make_link(terms, id=uuid.uuid4(), live=False, by=by).token


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])))
