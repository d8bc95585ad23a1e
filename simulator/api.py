"""Paytm's server-to-server addresses: read, let a planted fault in, act, sign, answer."""

import sqlite3
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from simulator import faults, initiate, refunds, settlement_list, status
from simulator.protocol import Answer, Body, Call, paise, read_call, read_flat_call
from simulator.records import Rule
from simulator.scenarios import FAULTS, by_amount, take
from simulator.world import World

Act = Callable[[sqlite3.Connection], tuple[Body, str | None]]


class Api:
    """The views of one world. Business errors are status 200; what is no request at all is 4xx."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.initiate = require_POST(self._initiate)
        self.status = require_POST(self._status)
        self.flat_status = require_POST(self._flat_status)
        self.refund = require_POST(self._refund)
        self.refund_status = require_POST(self._refund_status)
        self.settlements = require_POST(self._settlements)

    def _initiate(self, request: HttpRequest) -> HttpResponseBase:
        call, now = read_call(request), self._world.clock.now()
        query = request.GET.get("mid", ""), request.GET.get("orderId", "")
        rule = self._rule("initiate", call, initiate.order_amount(call))
        return self._answer(rule, lambda db: initiate.initiate(db, call, query, now))

    def _status(self, request: HttpRequest) -> HttpResponseBase:
        call = read_call(request)
        return self._answer(self._rule("status", call, None), lambda db: status.status(db, call))

    def _flat_status(self, request: HttpRequest) -> HttpResponseBase:
        call = read_flat_call(request)
        rule = self._rule("status", call, None)
        return self._answer(rule, lambda db: status.flat_status(db, call), flat=True)

    def _refund(self, request: HttpRequest) -> HttpResponseBase:
        call, now = read_call(request), self._world.clock.now()
        rule = self._rule("refund", call, paise(call.body.get("refundAmount")))
        scenario = rule.scenario if rule and rule.scenario not in FAULTS else "success"
        return self._answer(rule, lambda db: refunds.apply(db, call, scenario, now))

    def _refund_status(self, request: HttpRequest) -> HttpResponseBase:
        call = read_call(request)
        rule = self._rule("refund_status", call, None)
        return self._answer(rule, lambda db: refunds.status(db, call))

    def _settlements(self, request: HttpRequest) -> HttpResponseBase:
        given, now = settlement_list.read(request), self._world.clock.now()
        rule = self._rule("settlement", Call({"mid": given.get("MID", "")}, "", ""), None)
        scenario = rule.scenario if rule else ""
        return self._answer(
            rule, lambda db: settlement_list.answer(db, given, scenario, now), flat=True
        )

    def _rule(self, endpoint: str, call: Call, amount: int | None) -> Rule | None:
        """The planted rule for this call, or the one its amount stands for."""
        with self._world.transaction() as db:
            rule = take(db, endpoint, call.mid, call.order_id)
        name = by_amount(endpoint, amount)
        return rule or (Rule(endpoint, name) if name else None)

    def _answer(self, rule: Rule | None, act: Act, flat: bool = False) -> HttpResponseBase:
        def carry_out() -> Answer:
            with self._world.transaction() as db:
                body, key = act(db)
            return Answer(body, key, self._world.clock.now(), flat)

        if rule is not None and rule.scenario in FAULTS:
            return faults.carry_out(rule, carry_out)
        return carry_out().render()
