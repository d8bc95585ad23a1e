"""The simulator's books as JSON, in integer paise, for an oracle to compare with."""

import sqlite3
from collections import Counter
from dataclasses import asdict
from typing import Any

from simulator.records import Order, Refund, Settlement, SettlementLine
from simulator.store import select

View = dict[str, Any]


def books(db: sqlite3.Connection, **where: str) -> View:
    """Every order with its refunds, totals per MID, payouts. `mid=` narrows it to one."""
    refunds = _by_order(select(db, Refund, **where))
    orders = [
        order_view(order, refunds.get((order.mid, order.order_id), []))
        for order in select(db, Order, **where)
    ]
    return {"orders": orders, "totals": _totals(orders)} | settlements(db, **where)


def settlements(db: sqlite3.Connection, **where: str) -> View:
    """Every payout with its lines, those too that no report has (`visible` null or to come)."""
    return {
        "settlements": [
            asdict(payout)
            | {"lines": [asdict(line) for line in select(db, SettlementLine, utr=payout.utr)]}
            for payout in select(db, Settlement, **where)
        ]
    }


def order_view(order: Order, refunds: list[Refund]) -> View:
    """One order. `paid_paise` is what Paytm states was paid: 0 unless it succeeded."""
    return {
        "mid": order.mid,
        "order_id": order.order_id,
        "state": order.state,
        "code": order.code,
        "scenario": order.scenario,
        "amount_paise": order.amount,
        "paid_paise": order.stated if order.state == "TXN_SUCCESS" else 0,
        "refunded_paise": sum(r.amount for r in refunds if r.state == "TXN_SUCCESS"),
        "txn_id": order.txn_id,
        "payment_mode": order.method,
        "created_ms": order.created,
        "callback_url": order.callback_url,
        "refunds": [refund_view(refund) for refund in refunds],
    }


def refund_view(refund: Refund) -> View:
    """One refund."""
    return {
        "ref_id": refund.ref_id,
        "refund_id": refund.refund_id,
        "state": refund.state,
        "code": refund.code,
        "amount_paise": refund.amount,
    }


def _by_order(refunds: list[Refund]) -> dict[tuple[str, str], list[Refund]]:
    grouped: dict[tuple[str, str], list[Refund]] = {}
    for refund in refunds:
        grouped.setdefault((refund.mid, refund.order_id), []).append(refund)
    return grouped


def _totals(orders: list[View]) -> dict[str, Counter[str]]:
    totals: dict[str, Counter[str]] = {}
    for order in orders:
        total = totals.setdefault(order["mid"], Counter(paid_paise=0, refunded_paise=0))
        total["orders"] += 1
        total[order["state"]] += 1
        total["paid_paise"] += order["paid_paise"]
        total["refunded_paise"] += order["refunded_paise"]
    return totals
