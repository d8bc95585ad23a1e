"""Initiate Transaction: an order is named, checked and given a token for the payment page."""

import re
import secrets
import sqlite3
from urllib.parse import urlsplit

from simulator.protocol import MAX_AMOUNT, ORDER_ID, Body, Call, dump, paise, result, text
from simulator.records import Merchant, Order, Rule
from simulator.scenarios import Result, by_amount
from simulator.store import find, save

TOKEN_MS = 15 * 60 * 1000
MANDATORY = ("requestType", "mid", "websiteName", "orderId", "txnAmount", "userInfo")
WEBSITE = re.compile(r"[A-Za-z0-9]{1,30}")

SUCCESS = Result("S", "0000", "Success")
IDEMPOTENT = Result("S", "0002", "Success Idempotent")
DUPLICATE = Result("F", "325", "Duplicate order id")
INCONSISTENT = Result("F", "2023", "Repeat Request Inconsistent")
TOO_MUCH = Result("F", "196", "Transaction amount exceeds the allowed limit")
MISSING = Result("F", "1007", "Missing mandatory element")
PIPE = Result("F", "1008", "Pipe character is not allowed")
BAD_CHECKSUM = Result("F", "2005", "Checksum provided is invalid")
BAD_AMOUNT = Result("F", "2007", "Txn amount is invalid")
MID_DIFFERS = Result("F", "2013", "Mid in the query param doesnt match with the Mid in the request")
ORDER_DIFFERS = Result(
    "F", "2014", "OrderId in the query param doesnt match with the OrderId in the request"
)
BAD_ORDER_ID = Result("F", "334", "Invalid Order ID")
BAD_MID = Result("F", "335", "Mid is invalid")
SYSTEM = Result("F", "501", "System Error")


def initiate(
    db: sqlite3.Connection, call: Call, query: tuple[str, str], now: int
) -> tuple[Body, str | None]:
    """The answer's body, and the key that signs it: none when Paytm cannot tell who asked."""
    merchant = find(db, Merchant, mid=call.mid)
    if merchant is None:
        return _refusal(BAD_MID if call.mid else MISSING), None
    if not call.is_signed_by(merchant):
        return _refusal(BAD_CHECKSUM), None
    fault = _fault(call, merchant, query)
    if fault is not None:
        return _refusal(fault), merchant.merchant_key
    return _open(db, call, merchant, now), merchant.merchant_key


def order_amount(call: Call) -> int | None:
    """The order's amount in paise; None when it is not a valid one."""
    amount = call.body.get("txnAmount")
    return paise(amount.get("value")) if isinstance(amount, dict) else None


def _fault(call: Call, merchant: Merchant, query: tuple[str, str]) -> Result | None:
    """The first rule the request breaks, in Paytm's order as far as it is known."""
    mid, order_id = query
    if mid != call.mid:
        return MID_DIFFERS
    if any(not call.body.get(name) for name in MANDATORY):
        return MISSING
    if order_id != call.order_id:
        return ORDER_DIFFERS
    if "|" in dump(call.body):
        return PIPE
    return _amount_fault(call) or _detail_fault(call, merchant)


def _amount_fault(call: Call) -> Result | None:
    amount, currency = order_amount(call), call.body["txnAmount"]
    if not amount or currency.get("currency") != "INR":
        return BAD_AMOUNT
    return TOO_MUCH if amount > MAX_AMOUNT else None


def _detail_fault(call: Call, merchant: Merchant) -> Result | None:
    """501 is what Paytm answers to most faults of configuration, a wrong website above all."""
    user, website = call.body["userInfo"], text(call.body, "websiteName")
    if not isinstance(user, dict) or not text(user, "custId"):
        return MISSING
    if not ORDER_ID.fullmatch(call.order_id):
        return BAD_ORDER_ID
    website_known = website == merchant.website if merchant.website else WEBSITE.fullmatch(website)
    if not website_known or len(text(user, "custId")) > 64:
        return SYSTEM
    url = _callback_url(call, merchant)
    if not url:
        return MISSING
    return None if is_web_address(url) and call.body["requestType"] == "Payment" else SYSTEM


def _open(db: sqlite3.Connection, call: Call, merchant: Merchant, now: int) -> Body:
    """A new order, or the one there is: same parameters, same order; others, a refusal."""
    parameters = dump(dict(sorted(call.body.items())))
    order = find(db, Order, mid=call.mid, order_id=call.order_id)
    if order is None:
        save(db, order := _new_order(call, merchant, parameters, now))
        _plant_by_amount(db, order)
        return _granted(SUCCESS, order)
    if order.parameters != parameters:
        return _refusal(INCONSISTENT)
    if order.state != "NEW":
        return _refusal(DUPLICATE)
    if order.token_expires <= now:
        order.token, order.token_expires = new_token(now), now + TOKEN_MS
        save(db, order)
    return _granted(IDEMPOTENT, order)


def _new_order(call: Call, merchant: Merchant, parameters: str, now: int) -> Order:
    amount = order_amount(call) or 0
    return Order(
        mid=call.mid,
        order_id=call.order_id,
        parameters=parameters,
        amount=amount,
        stated=amount,
        callback_url=_callback_url(call, merchant),
        token=new_token(now),
        token_expires=now + TOKEN_MS,
        created=now,
    )


def _plant_by_amount(db: sqlite3.Connection, order: Order) -> None:
    """An amount that stands for a spoilt status answer spoils the first two."""
    name = by_amount("status", order.amount)
    if name:
        save(db, Rule("status", name, order.mid, order.order_id, times=2))


def new_token(now: int) -> str:
    """A txnToken in Paytm's form: 32 hex digits and the time."""
    return f"{secrets.token_hex(16)}{now}"


def is_web_address(url: str) -> bool:
    """Whether Paytm could send somebody there: http or https, a host, at most 255 characters."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= 255
    except ValueError:
        return False


def _callback_url(call: Call, merchant: Merchant) -> str:
    return text(call.body, "callbackUrl") or merchant.callback_url


def _granted(outcome: Result, order: Order) -> Body:
    answer = result(outcome.state, outcome.code, outcome.message)
    return answer | {"txnToken": order.token, "isPromoCodeValid": False, "authenticated": False}


def _refusal(outcome: Result) -> Body:
    return {"extraParamsMap": None} | result(outcome.state, outcome.code, outcome.message)
