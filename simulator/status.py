"""Transaction Status, in its v3 form and in the older flat one."""

import sqlite3

from simulator.clock import stamp
from simulator.payments import bank_name, callback, gateway_name, merchant_reference
from simulator.protocol import ORDER_ID, Body, Call, result, rupees
from simulator.records import Merchant, Order
from simulator.refunds import given_back
from simulator.scenarios import Result
from simulator.store import find

UNKNOWN = Result("NO_RECORD_FOUND", "331", "No Record Found")
BAD_CHECKSUM = Result("TXN_FAILURE", "330", "Invalid checksum")
BAD_ORDER_ID = Result("TXN_FAILURE", "334", "Invalid Order ID")
BAD_MID = Result("TXN_FAILURE", "335", "Mid is invalid")


def status(db: sqlite3.Connection, call: Call) -> tuple[Body, str | None]:
    """The answer's body, and the key that signs it: none when Paytm cannot tell who asked.

    An order nobody has tried to pay is not found; one that ended without a transaction
    (cancelled, expired) is a bare resultInfo.
    """
    merchant, order, outcome = _look_up(db, call)
    body = result(outcome.state, outcome.code, outcome.message)
    if order is not None and order.txn_id:
        body |= _transaction(db, order)
    return body, merchant.merchant_key if merchant else None


def flat_status(db: sqlite3.Connection, call: Call) -> tuple[Body, str | None]:
    """The same as uppercase fields, for the older `/order/status`."""
    merchant, order, outcome = _look_up(db, call)
    if order is None:
        fields: Body = {
            "MID": call.mid,
            "ORDERID": call.order_id,
            "STATUS": "TXN_FAILURE",
            "RESPCODE": outcome.code,
            "RESPMSG": outcome.message,
        }
    else:
        fields = callback(order, None)
        fields |= {"TXNTYPE": "SALE", "REFUNDAMT": rupees(given_back(db, order))}
    return fields, merchant.merchant_key if merchant else None


def _look_up(db: sqlite3.Connection, call: Call) -> tuple[Merchant | None, Order | None, Result]:
    """Who asked (None: a stranger), the order if it was attempted, and the result."""
    merchant = find(db, Merchant, mid=call.mid)
    if merchant is None:
        return None, None, BAD_MID
    if not call.is_signed_by(merchant):
        return None, None, BAD_CHECKSUM
    if not ORDER_ID.fullmatch(call.order_id):
        return merchant, None, BAD_ORDER_ID
    order = find(db, Order, mid=call.mid, order_id=call.order_id)
    if order is None or order.state == "NEW":
        return merchant, None, UNKNOWN
    return merchant, order, Result(order.state, order.code, order.message)


def _transaction(db: sqlite3.Connection, order: Order) -> Body:
    body = {
        "txnId": order.txn_id,
        "bankTxnId": order.bank_txn_id,
        "orderId": order.order_id,
        "txnAmount": rupees(order.stated),
        "txnType": "SALE",
        "gatewayName": gateway_name(order),
        "mid": order.mid,
        "paymentMode": order.method,
        "refundAmt": rupees(given_back(db, order)),
        "txnDate": stamp(order.txn_time),
    }
    if bank_name(order):
        body["bankName"] = bank_name(order)
    if merchant_reference(order):
        body["merchantUniqueReference"] = merchant_reference(order)
    return body
