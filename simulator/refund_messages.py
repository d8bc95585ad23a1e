"""What Paytm says about a refund: the apply and status answers, the two webhooks."""

from simulator import checksum
from simulator.clock import stamp
from simulator.payments import bank_name
from simulator.protocol import Body, dump, rupees
from simulator.records import Delivery, Merchant, Order, Refund
from simulator.webhooks import JSON

DAY = 24 * 3600 * 1000  # milliseconds, as all times here


def registered(order: Order, refund: Refund) -> Body:
    """The rest of the apply answer beside its resultInfo."""
    return {
        "txnTimestamp": stamp(order.txn_time),
        "orderId": refund.order_id,
        "mid": refund.mid,
        "refId": refund.ref_id,
        "refundId": refund.refund_id,
        "txnId": order.txn_id,
        "refundAmount": rupees(refund.amount),
    }


def status_body(order: Order, refund: Refund, total: int) -> Body:
    """The rest of the refund status answer beside its resultInfo. `total`: paise given back."""
    body = _common(order, refund) | {
        "mid": refund.mid,
        "userCreditInitiateStatus": "SUCCESS" if refund.state == "TXN_SUCCESS" else "PENDING",
        "acceptRefundStatus": refund.accept_state,
        "totalRefundAmount": rupees(total),
    }
    if refund.state == "TXN_SUCCESS":
        body |= _credit(order, refund)
    return body


def accept_notice(order: Order, refund: Refund, merchant: Merchant) -> Delivery:
    """The accept webhook: the merchant's balance was debited, or could not be."""
    body = _common(order, refund) | {"status": refund.accept_state}
    if refund.accept_state == "FAILED":
        body |= {"rejectRefundReasonCode": "620", "rejectRefundReasonMessage": "BALANCE_NOT_ENOUGH"}
    return _notice("refund accept webhook", refund, merchant, body, refund.accept_time)


def success_notice(order: Order, refund: Refund, merchant: Merchant, total: int) -> Delivery:
    """The success webhook: handed to the acquirer. Like Paytm's, it has no status field."""
    body = _common(order, refund) | _credit(order, refund)
    body |= {"source": "MERCHANT", "mid": refund.mid, "totalRefundAmount": rupees(total)}
    return _notice("refund success webhook", refund, merchant, body, refund.final_time)


def _common(order: Order, refund: Refund) -> Body:
    body = registered(order, refund) | {
        "txnAmount": rupees(order.stated),
        "merchantRefundRequestTimestamp": stamp(refund.created),
        "refundReason": refund.reason,
    }
    del body["mid"]
    if refund.accept_time:
        body["acceptRefundTimestamp"] = stamp(refund.accept_time)
    return body


def _credit(order: Order, refund: Refund) -> Body:
    detail = {
        "refundType": "TO_SOURCE",
        "payMethod": order.method,
        "refundAmount": rupees(refund.amount),
        "userCreditExpectedDate": stamp(refund.final_time + _days(order) * DAY)[:10],
    }
    if order.method != "PPI":
        detail["rrn"] = refund.refund_id[-12:]
    if bank_name(order):
        detail["issuingBankName"] = bank_name(order)
    return {
        "userCreditInitiateTimestamp": stamp(refund.final_time),
        "refundDetailInfoList": [detail],
    }


def _days(order: Order) -> int:
    """After which the payer has the money, about; a wallet has it at once."""
    return {"PPI": 0, "UPI": 2}.get(order.method, 5)


def _notice(kind: str, refund: Refund, merchant: Merchant, body: Body, due: int) -> Delivery:
    text = dump(body)
    head = dump({"signature": checksum.sign(text, merchant.merchant_key), "version": "v1"})
    payload = f'{{"head":{head},"body":{text}}}'
    return Delivery(kind, refund.mid, refund.order_id, merchant.webhook_url, JSON, payload, due)
