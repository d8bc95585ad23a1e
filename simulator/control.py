"""The control interface under /_control/: JSON in, JSON out, documented at its root.

Without a token it answers to this machine alone. Posts must be application/json, which no
page of another site can send unasked.
"""

import hmac
import ipaddress
import re
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from simulator import payments, refunds, settlements
from simulator.books import View, books, order_view, refund_view
from simulator.books import settlements as settlements_view
from simulator.differences import DIFFERENCES, plant
from simulator.initiate import is_web_address
from simulator.pages import inr
from simulator.protocol import Body, Malformed, decode, parse
from simulator.records import (
    Delivery,
    Merchant,
    Order,
    Refund,
    Rule,
    Settlement,
    SettlementLine,
)
from simulator.scenarios import (
    AMOUNTS,
    BANK_DECLINED,
    DECLINED,
    ENDPOINTS,
    MAGIC_RUPEES,
    PAID,
    REFUNDED,
)
from simulator.store import find, get, save, select
from simulator.world import World

MID = re.compile(r"[A-Za-z0-9]{1,20}")
KEY_BYTES = 16
MOST_CALLS = 1_000_000
LONGEST_OFFSET = 100 * 365 * 24 * 3600
LONGEST_SILENCE = 600

Handler = Callable[..., View]


class Control:
    """The control views of one world. Each takes the given members and the address's parts."""

    def __init__(self, world: World) -> None:
        self._world = world

    def urls(self) -> list[URLPattern]:
        """Every address with the methods it answers to."""
        order, refund = "orders/<str:mid>/<str:order_id>", "refunds/<str:mid>/<str:ref_id>"
        return [
            path("", documentation),
            self._route("merchants", GET=self.merchants, POST=self.register),
            self._route("scenarios", GET=self.scenarios, POST=self.plant, DELETE=self.unplant),
            self._route("books", GET=self.books),
            self._route(order, GET=self.order),
            self._route(f"{order}/finish", POST=self.finish_order),
            self._route(f"{refund}/finish", POST=self.finish_refund),
            self._route("settlements", GET=self.settlements, POST=self.settle),
            self._route("settlements/<str:utr>/differences", POST=self.plant_difference),
            self._route("deliveries", GET=self.deliveries),
            self._route("clock", GET=self.clock, POST=self.move_clock),
            self._route("reset", POST=self.reset),
        ]

    def merchants(self, given: Body) -> View:
        """Every MID, without its key."""
        with self._world.transaction() as db:
            return {"merchants": [_without_key(merchant) for merchant in select(db, Merchant)]}

    def register(self, given: Body) -> View:
        """Make a MID known, or replace all that is known of it."""
        merchant = Merchant(
            mid=_string(given, "mid"),
            merchant_key=_string(given, "key"),
            website=_string(given, "website", ""),
            callback_url=_string(given, "callback_url", ""),
            webhook_url=_string(given, "webhook_url", ""),
        )
        if not MID.fullmatch(merchant.mid):
            raise Malformed("mid must be 1 to 20 letters and digits")
        if len(merchant.merchant_key.encode()) != KEY_BYTES:
            raise Malformed("key must be exactly 16 bytes")
        if not all(
            not u or is_web_address(u) for u in (merchant.callback_url, merchant.webhook_url)
        ):
            raise Malformed("callback_url and webhook_url must be http or https addresses")
        with self._world.transaction() as db:
            save(db, merchant)
        return _without_key(merchant)

    def scenarios(self, given: Body) -> View:
        """What can be planted where, and what is planted with how often it was taken."""
        with self._world.transaction() as db:
            planted = [asdict(rule) for rule in select(db, Rule)]
        known = {
            place: {n: s.about for n, s in named.items()} for place, named in ENDPOINTS.items()
        }
        return {"scenarios": known, "planted": planted}

    def plant(self, given: Body) -> View:
        """Plant a scenario for the next calls of an endpoint."""
        rule = Rule(
            endpoint=_string(given, "endpoint"),
            scenario=_string(given, "scenario"),
            mid=_string(given, "mid", ""),
            order_id=_string(given, "order_id", ""),
            times=_whole(given, "times", 1, 1, MOST_CALLS),
            seconds=_number(given, "seconds", 0, 0, LONGEST_SILENCE),
        )
        if rule.scenario not in ENDPOINTS.get(rule.endpoint, {}):
            raise Malformed("There is no such scenario at this endpoint")
        with self._world.transaction() as db:
            rule.id = save(db, rule)
        return asdict(rule)

    def unplant(self, given: Body) -> View:
        """Forget every planted scenario."""
        with self._world.transaction() as db:
            return {"forgotten": db.execute("DELETE FROM rule").rowcount}

    def books(self, given: Body) -> View:
        """Every order, refund and total; of one MID with `mid`."""
        mid = _string(given, "mid", "")
        with self._world.transaction() as db:
            return books(db, **({"mid": mid} if mid else {}))

    def order(self, given: Body, mid: str, order_id: str) -> View:
        """One order."""
        with self._world.transaction() as db:
            return self._order_view(db, _found(find(db, Order, mid=mid, order_id=order_id)))

    def finish_order(self, given: Body, mid: str, order_id: str) -> View:
        """Decide an open order now."""
        result = _choice(given, {"success": PAID, "failure": DECLINED})
        with self._world.transaction() as db:
            order = _found(find(db, Order, mid=mid, order_id=order_id))
            if order.state == PAID.state:
                raise Malformed("This order has succeeded", 409)
            payments.finish(db, order, result, self._world.clock.now())
            return self._order_view(db, order)

    def finish_refund(self, given: Body, mid: str, ref_id: str) -> View:
        """Decide a pending refund now."""
        result = _choice(given, {"success": REFUNDED, "failure": BANK_DECLINED})
        with self._world.transaction() as db:
            refund = _found(find(db, Refund, mid=mid, ref_id=ref_id))
            if refund.state != "PENDING":
                raise Malformed("This refund is final", 409)
            refunds.finish(db, refund, result, self._world.clock.now())
            return refund_view(refund)

    def settlements(self, given: Body) -> View:
        """Every payout with its lines; of one MID with `mid`."""
        mid = _string(given, "mid", "")
        with self._world.transaction() as db:
            return settlements_view(db, **({"mid": mid} if mid else {}))

    def settle(self, given: Body) -> View:
        """Pay out now what a MID has not been paid, today's money too."""
        mid = _string(given, "mid")
        with self._world.transaction() as db:
            _found(find(db, Merchant, mid=mid))
            payout = settlements.settle_now(db, mid, self._world.clock.now())
            return {"utr": payout.utr if payout else "", "amount": payout.amount if payout else 0}

    def plant_difference(self, given: Body, utr: str) -> View:
        """Make a payout differ from what happened."""
        name, order_id = _string(given, "difference"), _string(given, "order_id", "")
        if name not in DIFFERENCES:
            raise Malformed("There is no such difference")
        with self._world.transaction() as db:
            payout = _found(find(db, Settlement, utr=utr))
            line = find(db, SettlementLine, utr=utr, order_id=order_id) if order_id else None
            plant(db, name, payout, line, self._world.clock.now())
            return settlements_view(db, utr=utr)

    def deliveries(self, given: Body) -> View:
        """Every webhook and late or doubled callback, with how its delivery went."""
        with self._world.transaction() as db:
            return {"deliveries": [asdict(delivery) for delivery in select(db, Delivery)]}

    def clock(self, given: Body) -> View:
        """What time it is here."""
        clock = self._world.clock
        return {"offset_seconds": clock.offset_seconds(), "now_ms": clock.now()}

    def move_clock(self, given: Body) -> View:
        """Set the offset from real time, or add to it."""
        if len(given) != 1:
            raise Malformed("Give offset_seconds or advance_seconds")
        clock, far = self._world.clock, LONGEST_OFFSET
        if "offset_seconds" in given:
            clock.set_offset(_number(given, "offset_seconds", 0, -far, far))
        else:
            clock.advance(_number(given, "advance_seconds", None, -far, far))
        return self.clock({})

    def reset(self, given: Body) -> View:
        """Forget orders, refunds, payouts, scenarios and deliveries, not merchants and clock."""
        with self._world.transaction() as db:
            for kind in (Order, Refund, Rule, Delivery, Settlement, SettlementLine):
                db.execute(f"DELETE FROM {kind.table}")  # noqa: S608
        return {}

    def _order_view(self, db: sqlite3.Connection, order: Order) -> View:
        """An order with its signed callback, so that a test can play the browser."""
        view = order_view(order, select(db, Refund, mid=order.mid, order_id=order.order_id))
        key = get(db, Merchant, mid=order.mid).merchant_key
        return view | {"callback": payments.callback(order, key)}

    def _route(self, address: str, **handlers: Handler) -> URLPattern:
        def view(request: HttpRequest, **parts: str) -> HttpResponse:
            _admit(request, self._world.control_token)
            handler = handlers.get(request.method or "")
            if handler is None:
                raise Malformed(f"Use {' or '.join(handlers)} here", 405)
            return JsonResponse(handler(_given(request), **parts))

        return path(address, view)


def documentation(request: HttpRequest) -> HttpResponse:
    """A page for people. It says how to use the rest and holds no data, so it is open to all."""
    rows = [
        (inr(MAGIC_RUPEES * 100 + ending), endpoint, name, ENDPOINTS[endpoint][name].about)
        for ending, (endpoint, name) in AMOUNTS.items()
    ]
    context = {"endpoints": ENDPOINTS.items(), "amounts": rows, "differences": DIFFERENCES}
    return render(request, "control.html", context)


def _admit(request: HttpRequest, token: str) -> None:
    """With a token: whoever shows it. Without: this machine alone."""
    if token:
        shown = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {token}".encode()):
            raise Malformed("The control token is missing or wrong", 401)
    elif not ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback:
        raise Malformed("Without a control token only this machine is answered", 403)


def _given(request: HttpRequest) -> Body:
    if request.method != "POST":
        return dict(request.GET.items())
    if request.content_type != "application/json":
        raise Malformed("Send application/json", 415)
    return parse(decode(request) or "{}")


def _string(given: Body, name: str, default: str | None = None) -> str:
    value = given.get(name, default)
    if not isinstance(value, str):
        raise Malformed(f"{name} must be a string")
    return value


def _number(given: Body, name: str, default: float | None, least: float, most: float) -> float:
    value: Any = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Malformed(f"{name} must be a number from {least} to {most}")
    return value


def _whole(given: Body, name: str, default: int, least: int, most: int) -> int:
    number = _number(given, name, default, least, most)
    if number != int(number):
        raise Malformed(f"{name} must be a whole number")
    return int(number)


def _choice(given: Body, choices: dict[str, Any]) -> Any:
    outcome = _string(given, "outcome")
    if outcome not in choices:
        raise Malformed(f"outcome must be {' or '.join(choices)}")
    return choices[outcome]


def _found(record: Any) -> Any:
    if record is None:
        raise Malformed("There is no such record", 404)
    return record


def _without_key(merchant: Merchant) -> View:
    return {name: value for name, value in asdict(merchant).items() if name != "merchant_key"}
