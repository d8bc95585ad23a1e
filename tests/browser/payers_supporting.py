"""`python -m tests.browser.payers_supporting`: a link or payment in every state that payers meet.

Made in the demo's own database for a merchant of their own, so that nobody else's figures change.
Prints where each of them is, and what that merchant is called in the database and at Paytm.
"""

import json
import os
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.urls import reverse  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from config.clock import now  # noqa: E402
from merchants import connecting  # noqa: E402
from merchants.models import Profile  # noqa: E402
from payments import collecting, receipting  # noqa: E402
from payments.asking import ask  # noqa: E402
from payments.collecting import Told  # noqa: E402
from payments.models import Link, Payment, Refund  # noqa: E402
from payments.settling import settle  # noqa: E402
from tenants.demo import _press  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tests import cast, make  # noqa: E402
from tests.payments.test_settling import answer  # noqa: E402

QUESTIONS = [
    {"label": "Roll number", "kind": "number", "required": True, "choices": []},
    {"label": "Which batch?", "kind": "choice", "required": True, "choices": ["Morning", "शाम"]},
    {"label": "Born on", "kind": "date", "required": True, "choices": []},
    {"label": "I agree to the rules", "kind": "checkbox", "required": True, "choices": []},
    {"label": "Remarks", "kind": "text", "required": False, "choices": []},
]
ASKS = dict.fromkeys(("ask_name", "ask_email", "ask_phone"), "required")
OPEN: dict[str, Any] = {"amount_paise": None, "suggestions": [100_00, 500_00, 1_00_000_00]}
LONG = "दीवाली उपहार-पेटी, चार साड़ियाँ Donaudampfschifffahrtsgesellschaftskapitänsmütze"
FRESH = 16  # links for those who do something


LOOMS = {
    "legal_name": "Usha Handlooms and Sons Private Limited",
    "gstin": "29ABCDE1234F1Z5",
    "support_email": "customer.care@usha-looms.example",
    "support_phone": "+91 80 4000 0000",
    "colour": "#8a3b12",
    "terms": "Sarees are exchanged within ten days.",
}


def main() -> dict[str, Any]:
    usha = cast.person("Usha")
    looms = cast.merchant("usha-looms", usha)
    with tenant_context(looms):
        Profile.objects.update(**LOOMS)
        account = connecting.connect_simulator(usha)
        make.paytm_account("USHALIVE000000000001", "usha0000merchant", live=True)
        places = of_links() | of_payments()
        fresh = [address(make.link(description=f"Cup {n}")) for n in range(FRESH)]
        fresh += [address(make.link(description=f"Pot {n}", max_payments=1)) for n in range(FRESH)]
    places |= elsewhere()
    return {"places": places, "fresh": fresh, "schema": looms.schema_name, "mid": account.mid}


def of_links() -> dict[str, str]:
    soon, ago = now() + timedelta(days=2), now() - timedelta(days=2)
    closed = {"state": "disabled", "disabled_at": ago}
    links = {
        "open": make.link(expires_at=soon, methods=["upi", "credit_card"]),
        "long": make.link(description=LONG, amount_paise=9_99_999_99),
        "asks": make.link(description="Tea school", questions=QUESTIONS, **OPEN, **ASKS),
        "early": make.link(starts_at=soon),
        "expired": make.link(expires_at=ago),
        "disabled": make.link(closed_words="Sold out.\nसोमवार को फिर।", **closed),
        "archived": make.link(state="archived", disabled_at=ago),
        "used": taken(make.link(max_payments=1)),
        "full": taken(make.link(max_payments=2)),
        "held": make.link(max_payments=1),
        "pending": make.link(max_payments=1),
        "too often": make.link(),
        "live": make.link(live=True),
    }
    begun(links["held"])
    at_paytm(links["pending"], "pending")
    pages = {name: address(link) for name, link in links.items()}
    for name in ("report", "terms"):
        pages[name] = address(links["open"], f"pay_{name}")
    return pages | {"unknown": pages["open"][:-4] + "AAAA"}


def of_payments() -> dict[str, str]:
    thankful = make.link(thanks="See you at the loom!", return_url="https://usha.example/")
    refunded = at_paytm(make.link(), "success")
    for state in ("done", "failed", "accepted"):
        decided = None if state == "accepted" else now()
        Refund.objects.create(live=False, payment=refunded, amount_paise=10_00, state=state,
                              asked_by_name="Usha", decided_at=decided)  # fmt: skip
    surplus = make.payment(make.link())
    settle(surplus, answer(surplus, amount_paise=600_00))
    payments = {
        "hop": begun(make.link()),
        "waiting": begun(make.link()),
        "paid": at_paytm(thankful, "success"),
        "failed": at_paytm(make.link(), "failure"),
        "left": at_paytm(make.link(), "cancel"),
        "checking": at_paytm(make.link(description=LONG), "pending"),
        "surplus": surplus,
        "refunded": refunded,
    }
    receipting.number(payments["paid"])
    pages = {name: address(payment, "pay_status") for name, payment in payments.items()}
    of_hop = {"hop": address(payments["hop"], "pay_go")}
    callback = reverse("paytm_callback", kwargs={"token": make.paytm_token(live=False)})
    return pages | of_hop | {"nobody's": pages["paid"][:-4] + "AAAA", "unknown order": callback}


def elsewhere() -> dict[str, str]:
    """At a merchant that is not connected, and at one that is suspended."""
    pages = {}
    for name, slug in (("no account", "meera-spices"), ("suspended", "old-bazaar")):
        with tenant_context(Tenant.objects.get(slug=slug)):
            pages[name] = address(make.link())
    return pages


def address(thing: Link | Payment, page: str = "pay") -> str:
    return reverse(page, kwargs={"token": thing.token})


def taken(link: Link) -> Link:
    for slot in range(1, (link.max_payments or 0) + 1):
        make.payment(link, slot=slot)
    return link


def begun(link: Link) -> Payment:
    told = Told("Dev Rao", "dev@example.com", "+91 98123 45678", [["Size", "M"], ["Agreed", True]])
    return collecting.begin(link, link.amount_paise or 0, None, told)


def at_paytm(link: Link, outcome: str) -> Payment:
    """What Paytm knows of somebody who pressed this button there."""
    payment = begun(link)
    _press(payment, outcome, "UPI")
    return ask(payment)


if __name__ == "__main__":
    print(json.dumps(main(), default=str))
