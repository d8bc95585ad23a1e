"""What a payer sees: the payment page, and the page that carries the outcome back."""

import hmac
import json
import sqlite3

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from simulator import payments
from simulator.clock import ist
from simulator.payments import BANKS, METHODS
from simulator.protocol import Malformed
from simulator.records import Merchant, Order
from simulator.scenarios import PAYMENTS, by_amount, take
from simulator.store import find, get
from simulator.world import World

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'"
)
PLAIN_BUTTONS = ("success", "failure", "pending", "cancel")
NO_BUTTON = (*PLAIN_BUTTONS, "expired")
MODES = {
    "UPI": "UPI",
    "CREDIT_CARD": "CC",
    "DEBIT_CARD": "DC",
    "NET_BANKING": "NB",
    "BALANCE": "PPI",
    "EMI": "EMI",
}
EMI_MONTHS = (3, 6, 9, 12)
HEADINGS = {
    "TXN_SUCCESS": "Payment successful",
    "TXN_FAILURE": "Payment failed",
    "PENDING": "Payment is being confirmed",
}


class Pages:
    """The browser's views of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.show = require_POST(self._show)
        self.outcome = require_POST(self._outcome)

    def _show(self, request: HttpRequest) -> HttpResponse:
        """showPaymentPage: the form fields and the query must name one order and its token."""
        order = self._order(request)
        if order.state != "NEW":
            return self._way_back(request, order)
        if order.token_expires <= self._world.clock.now():
            return _page(request, "expired.html", order)
        return _page(request, "pay.html", order, **_offer(order))

    def _outcome(self, request: HttpRequest, token: str) -> HttpResponse:
        """A button was pressed. Pressed again, or after the end, it shows the first outcome."""
        pressed, now = request.POST.get("outcome", ""), self._world.clock.now()
        if pressed not in PAYMENTS:
            raise Malformed("There is no such outcome")
        with self._world.transaction() as db:
            order = find(db, Order, token=token)
            if order is None:
                raise Malformed("This payment session is not valid", 403)
            method = _method(request, order)
            bank = _bank(request, method)
            if order.state == "NEW":
                payments.attempt(db, order, _scenario(db, order, pressed, now), method, bank, now)
        return self._way_back(request, order)

    def _order(self, request: HttpRequest) -> Order:
        mid, order_id = request.POST.get("mid", ""), request.POST.get("orderId", "")
        if (mid, order_id) != (request.GET.get("mid"), request.GET.get("orderId")):
            raise Malformed("The order in the address is not the order in the form")
        with self._world.transaction() as db:
            order = find(db, Order, mid=mid, order_id=order_id)
        token = request.POST.get("txnToken", "")
        if order is None or not hmac.compare_digest(order.token.encode(), token.encode()):
            raise Malformed("This payment session is not valid", 403)
        return order

    def _way_back(self, request: HttpRequest, order: Order) -> HttpResponse:
        with self._world.transaction() as db:
            fields = payments.browser_callback(order, get(db, Merchant, mid=order.mid))
        return _page(
            request,
            "outcome.html",
            order,
            fields=fields,
            heading=HEADINGS[order.state],
            icon=f"icons/{order.state}.svg",
        )


def inr(paise: int) -> str:
    """12345678 paise as `₹1,23,456.78`: the last three digits, then pairs."""
    rupees, rest = divmod(paise, 100)
    head, tail = str(rupees)[:-3], str(rupees)[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return f"₹{','.join([*pairs, tail])}.{rest:02}"


def _scenario(db: sqlite3.Connection, order: Order, pressed: str, now: int) -> str:
    """A page left open too long, else a planted rule, else the button, else the amount."""
    if order.token_expires <= now:
        return "expired"
    rule = take(db, "payment", order.mid, order.order_id)
    if rule is not None:
        return rule.scenario
    return (by_amount("payment", order.amount) if pressed == "success" else "") or pressed


def _method(request: HttpRequest, order: Order) -> str:
    """The method that was chosen, or the first on the page."""
    offered = _offered(order)
    method = request.POST.get("method") or next(iter(offered), "")
    if method not in offered:
        raise Malformed("This payment method is not offered")
    return method


def _bank(request: HttpRequest, method: str) -> str:
    bank = request.POST.get("emi_bank" if method == "EMI" else "bank", "")
    return bank if bank in BANKS and method in ("NB", "EMI") else ""


def _offer(order: Order) -> dict[str, object]:
    """What the payment page shows beside the order."""
    return {
        "methods": [
            (code, METHODS[code], f"panels/{code}.html", f"icons/{code}.svg")
            for code in _offered(order)
        ],
        "upi_apps": ("Google Pay", "PhonePe", "Paytm", "BHIM"),
        "banks": BANKS.items(),
        "emi": [(months, inr(-(-order.amount // months))) for months in EMI_MONTHS],
        "scenarios": [(n, plan.about) for n, plan in PAYMENTS.items() if n not in NO_BUTTON],
        "open_until": f"{ist(order.token_expires):%-I:%M %p}",
    }


def _offered(order: Order) -> list[str]:
    """The methods the merchant left open with enablePaymentMode and disablePaymentMode."""
    parameters = json.loads(order.parameters)
    enabled = _modes(parameters.get("enablePaymentMode")) or set(METHODS)
    disabled = _modes(parameters.get("disablePaymentMode"))
    return [code for code in METHODS if code in enabled and code not in disabled]


def _modes(listed: object) -> set[str]:
    modes = listed if isinstance(listed, list) else []
    names = [str(mode.get("mode")) for mode in modes if isinstance(mode, dict)]
    return {MODES.get(name, name) for name in names}


def _page(request: HttpRequest, template: str, order: Order, **context: object) -> HttpResponse:
    return render(request, template, {"order": order, "amount": inr(order.amount), **context})
