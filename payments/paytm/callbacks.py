"""Messages that Paytm sends us: the browser's callback and webhooks.

A checksum covers no field names, so a true one is necessary and never sufficient; a message is
a hint to ask Paytm, and only that. Which key to check with is the caller's to know: from its own
record of the order (`read_order_id`), never from the message.
"""

from collections.abc import Sequence
from typing import NoReturn

from payments.paytm import fields
from payments.paytm.checksum import verify, verify_text
from payments.paytm.client import Credentials
from payments.paytm.envelope import Duplicate, Envelope, Malformed, unseal
from payments.paytm.errors import BadMessage, Reason
from payments.paytm.messages import CallbackMessage, RefundNotice
from payments.paytm.reading import refund_detail
from payments.paytm.redaction import blank_pairs, blank_text

Pairs = Sequence[tuple[str, str]]


def read_order_id(pairs: Pairs) -> str | None:
    """The order that a flat message claims to be about. Nothing is verified but its alphabet."""
    claimed = [value for name, value in pairs if name == "ORDERID"]
    return claimed[0] if len(claimed) == 1 and fields.is_order_id(claimed[0]) else None


def verify_message(pairs: Pairs, credentials: Credentials) -> CallbackMessage:
    """Check a callback or flat webhook, fields in the order received, and read what it may say.

    The checksum must cover every field that came, known to us or not. Raises BadMessage.
    """
    message = dict(pairs)
    if len(message) != len(pairs):
        raise BadMessage(Reason.DUPLICATE_FIELD)
    if any("|" in value for value in message.values()):
        raise BadMessage(Reason.PIPE)
    checksum = message.pop("CHECKSUMHASH", "")
    if not checksum:
        raise BadMessage(Reason.NO_CHECKSUM)
    if not verify(message, credentials.key, checksum):
        raise BadMessage(Reason.BAD_CHECKSUM)
    if message.get("MID") != credentials.mid:
        raise BadMessage(Reason.WRONG_MID)
    return _callback(message)


def _callback(message: dict[str, str]) -> CallbackMessage:
    status, ref_id = fields.text(message, "STATUS", 40), fields.order_id(message, "REFID")
    if status is None and ref_id is None:
        raise BadMessage(Reason.MISSING_FIELD)
    return CallbackMessage(
        order_id=fields.order_id(message, "ORDERID") or _refuse(Reason.NO_ORDER),
        status=status,
        code=fields.text(message, "RESPCODE", 64) or "",
        message=fields.text(message, "RESPMSG") or "",
        txn_id=fields.identifier(message, "TXNID"),
        bank_txn_id=fields.identifier(message, "BANKTXNID"),
        amount_paise=fields.paise(message, "TXNAMOUNT"),
        currency=fields.text(message, "CURRENCY", 10),
        payment_mode=fields.text(message, "PAYMENTMODE", 40),
        gateway=fields.text(message, "GATEWAYNAME", 64),
        bank=fields.text(message, "BANKNAME", 64),
        txn_date=fields.text(message, "TXNDATE", 40),
        ref_id=ref_id,
        refund_id=fields.identifier(message, "REFUNDID"),
    )


def read_json_order_id(text: str) -> str | None:
    """As `read_order_id`, of a JSON webhook."""
    try:
        return fields.order_id(unseal(text).body, "orderId")
    except Malformed:
        return None


def verify_json_message(text: str, credentials: Credentials) -> RefundNotice:
    """Check a JSON webhook and read what it may say. Raises BadMessage.

    Paytm's accept notice states no MID, so a missing one is taken: the key is the merchant's.
    """
    envelope = _unseal(text)
    if not envelope.signature:
        raise BadMessage(Reason.NO_CHECKSUM)
    if not verify_text(envelope.body_text, credentials.key, envelope.signature):
        raise BadMessage(Reason.BAD_CHECKSUM)
    if envelope.body.get("mid", credentials.mid) != credentials.mid:
        raise BadMessage(Reason.WRONG_MID)
    return _notice(envelope.body, blank_text(text))


def _notice(body: fields.Message, raw: str) -> RefundNotice:
    refund_id, status = fields.identifier(body, "refundId"), fields.text(body, "status", 40)
    if refund_id is None and status is None:  # a request of ours, sent back: it states neither
        raise BadMessage(Reason.MISSING_FIELD)
    code = fields.text(body, "rejectRefundReasonCode") or fields.text(body, "respCode")
    said = fields.text(body, "rejectRefundReasonMessage") or fields.text(body, "respMsg")
    return RefundNotice(
        order_id=fields.order_id(body, "orderId") or _refuse(Reason.NO_ORDER),
        ref_id=fields.order_id(body, "refId"),
        refund_id=refund_id,
        status=status,
        code=code or "",
        message=said or "",
        txn_id=fields.identifier(body, "txnId"),
        amount_paise=fields.paise(body, "refundAmount"),
        total_refunded_paise=fields.paise(body, "totalRefundAmount"),
        rrn=refund_detail(body, "rrn"),
        arn=refund_detail(body, "arn"),
        credit_expected=refund_detail(body, "userCreditExpectedDate"),
        raw=raw,
    )


def blank_secrets(pairs: Pairs) -> list[tuple[str, str]]:
    """The fields as they may be stored: checksum, tokens and card numbers blanked."""
    return blank_pairs(pairs)


def _unseal(text: str) -> Envelope:
    try:
        return unseal(text)
    except Duplicate as error:
        raise BadMessage(Reason.DUPLICATE_FIELD) from error
    except Malformed as error:
        raise BadMessage(Reason.MALFORMED) from error


def _refuse(reason: Reason) -> NoReturn:
    raise BadMessage(reason)
