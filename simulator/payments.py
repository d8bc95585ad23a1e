"""An order's life at Paytm: attempted, decided, perhaps decided again; and who is told."""

import json
import secrets
import sqlite3
from dataclasses import dataclass
from urllib.parse import urlencode

from simulator.clock import ist, stamp
from simulator.protocol import form_signature, rupees, text
from simulator.records import Delivery, Merchant, Order
from simulator.scenarios import PAYMENTS, WITHOUT_TRANSACTION, Payment, Result
from simulator.store import get, save, select_where
from simulator.webhooks import FORM, enqueue

FINAL = {"TXN_SUCCESS", "TXN_FAILURE"}
WRONG_KEY = "not-the-right-ke"


@dataclass(frozen=True)
class Method:
    """How PAYMENTMODE, GATEWAYNAME and BANKNAME are filled. Paytm sends no BANKNAME for UPI."""

    label: str
    about: str
    gateway: str
    bank: str


METHODS = {
    "UPI": Method("UPI", "Any UPI app", "PPBLC", ""),
    "CC": Method("Credit card", "Visa, Mastercard, RuPay, Amex", "HDFC", "HDFC Bank"),
    "DC": Method("Debit card", "Visa, Mastercard, RuPay", "SBI", "State Bank of India"),
    "NB": Method("Net banking", "All Indian banks", "ICICI", "ICICI Bank"),
    "PPI": Method("Paytm Wallet", "Pay from your balance", "WALLET", "WALLET"),
    "EMI": Method("EMI", "Pay month by month", "HDFC", "HDFC Bank"),
}
BANKS = {
    "HDFC": "HDFC Bank",
    "ICICI": "ICICI Bank",
    "SBI": "State Bank of India",
    "AXIS": "Axis Bank",
    "KOTAK": "Kotak Mahindra Bank",
    "PNB": "Punjab National Bank",
}


def attempt(
    db: sqlite3.Connection, order: Order, scenario: str, method: str, bank: str, now: int
) -> None:
    """The payer has tried to pay; only the first try of an order counts."""
    if order.state != "NEW":
        return
    plan = PAYMENTS[scenario]
    order.scenario, order.method, order.bank = scenario, method, bank
    _begin_transaction(order, plan, now)
    if plan.later is not None:
        order.next_time = now + plan.seconds * 1000
    decide(db, order, plan.first, now)
    _send_callbacks(db, order, plan, now)


def decide(db: sqlite3.Connection, order: Order, result: Result, now: int) -> None:
    """Give the order this result, and tell the merchant's webhook if that is final."""
    order.state, order.code, order.message = result.state, result.code, result.message
    save(db, order)
    copies = PAYMENTS[order.scenario].webhooks
    if order.state in FINAL and order.txn_id:
        for _ in range(copies):
            enqueue(db, _webhook(order, get(db, Merchant, mid=order.mid), now))


def finish(db: sqlite3.Connection, order: Order, result: Result, now: int) -> None:
    """Decide an order now, whatever was to come, one without a transaction too."""
    if not order.txn_id:
        order.scenario, order.method = "success", order.method or "UPI"
        _begin_transaction(order, PAYMENTS["success"], now)
    order.next_time = None
    decide(db, order, result, now)


def ripen(db: sqlite3.Connection, now: int) -> None:
    """Decide every order whose time has come."""
    for order in select_where(db, Order, "next_time <= ?", now):
        later = PAYMENTS[order.scenario].later
        order.next_time = None
        if later is not None:
            decide(db, order, later, now)


def callback(order: Order, key: str | None) -> dict[str, str]:
    """The uppercase fields Paytm posts to the merchant, with CHECKSUMHASH where there is a key."""
    fields = {
        "BANKTXNID": order.bank_txn_id,
        "CURRENCY": "INR",
        "MID": order.mid,
        "ORDERID": order.order_id,
        "RESPCODE": order.code,
        "RESPMSG": order.message,
        "STATUS": order.state,
        "TXNAMOUNT": rupees(order.stated),
    }
    if order.txn_id:
        fields |= _transaction_fields(order)
    return fields | form_signature(fields, key)


def merchant_reference(order: Order) -> str:
    """The merchant's own reference, `extendInfo.mercUnqRef` of the order; empty without one."""
    extend_info = json.loads(order.parameters).get("extendInfo")
    return text(extend_info, "mercUnqRef") if isinstance(extend_info, dict) else ""


def bank_name(order: Order) -> str:
    """The issuer's name; empty for UPI, where Paytm sends none."""
    if order.method == "UPI":
        return ""
    return BANKS.get(order.bank, METHODS[order.method].bank)


def gateway_name(order: Order) -> str:
    """The acquirer, or the chosen bank for net banking."""
    if order.method == "NB" and order.bank in BANKS:
        return order.bank
    return METHODS[order.method].gateway


def browser_callback(order: Order, merchant: Merchant) -> dict[str, str] | None:
    """What the payer's browser carries back; None when it never returns."""
    manner = PAYMENTS[order.scenario].callback
    if manner in ("lost", "late"):
        return None
    if manner == "forged":
        return forged_callback(order)
    return callback(order, None if manner == "unsigned" else merchant.merchant_key)


def forged_callback(order: Order) -> dict[str, str]:
    """A success that never was, signed with a key that is not the merchant's."""
    fields = callback(order, None)
    fields |= {"STATUS": "TXN_SUCCESS", "RESPCODE": "01", "RESPMSG": "Txn Success"}
    return fields | form_signature(fields, WRONG_KEY)


def _begin_transaction(order: Order, plan: Payment, now: int) -> None:
    order.stated = order.amount + plan.stated
    order.txn_time = now
    if plan.first in WITHOUT_TRANSACTION:
        return
    digits = f"{secrets.randbelow(10**20):020}"
    order.txn_id = f"{ist(now):%Y%m%d}1112128{digits}"
    order.bank_txn_id = f"{secrets.randbelow(10**12):012}"


def _transaction_fields(order: Order) -> dict[str, str]:
    fields = {
        "GATEWAYNAME": gateway_name(order),
        "PAYMENTMODE": order.method,
        "TXNDATE": stamp(order.txn_time),
        "TXNID": order.txn_id,
    }
    if bank_name(order):
        fields["BANKNAME"] = bank_name(order)
    if merchant_reference(order):
        fields["MERC_UNQ_REF"] = merchant_reference(order)
    return fields


def _send_callbacks(db: sqlite3.Connection, order: Order, plan: Payment, now: int) -> None:
    """The callbacks that come without a browser: the late one, and the two doubles."""
    fields = callback(order, get(db, Merchant, mid=order.mid).merchant_key)
    delays = {"late": [plan.seconds], "doubled": [0, 5]}.get(plan.callback, [])
    for seconds in delays:
        enqueue(db, _message(order, "callback", order.callback_url, fields, now + seconds * 1000))


def _webhook(order: Order, merchant: Merchant, now: int) -> Delivery:
    """The S2S notice: the callback's fields and a few more, with the date apart from the time."""
    fields = callback(order, None) | {
        "TXNDATE": f"{ist(order.txn_time):%Y-%m-%d}",
        "TXNDATETIME": f"{ist(order.txn_time):%Y-%m-%d %H:%M:%S}",
        "TXNTYPE": "SALE",
        "CUSTID": json.loads(order.parameters)["userInfo"]["custId"],
    }
    fields |= form_signature(fields, merchant.merchant_key)
    return _message(order, "payment webhook", merchant.webhook_url, fields, now)


def _message(order: Order, kind: str, url: str, fields: dict[str, str], due: int) -> Delivery:
    return Delivery(kind, order.mid, order.order_id, url, FORM, urlencode(fields), due)
