"""From Paytm's answers to ours: which status and code means what.

The status string decides; codes only where the tables below say so. They come from Paytm's
published code lists, which contradict each other in places: whatever is in doubt is UNKNOWN,
which costs one more question and never money.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from payments.paytm import fields
from payments.paytm.errors import Refused, TooOften, Unknown
from payments.paytm.messages import (
    Initiated,
    OrderStatus,
    Outcome,
    RefundAnswer,
    RefundOutcome,
    RefundStatus,
    SettlementPage,
)
from payments.paytm.settlements import raw_row

R = TypeVar("R", bound=RefundAnswer)


@dataclass(frozen=True)
class Answer:
    """An answer's body, its text as it may be stored, and whether a true signature came with it."""

    body: Mapping[str, Any]
    raw: str
    signed: bool

    @property
    def result(self) -> tuple[str, str, str]:
        """Status, code and message of resultInfo; "" for what is not stated."""
        info = self.body.get("resultInfo")
        info = info if isinstance(info, Mapping) else {}
        names = ("resultStatus", "resultCode", "resultMsg")
        status, code, message = (fields.text(info, name) or "" for name in names)
        return status, code, message


# --- Initiate Transaction


def initiated(answer: Answer) -> Initiated:
    """Raises Refused for a plain no (F), Unknown for everything that is not a token."""
    status, code, message = answer.result
    if status == "F":
        raise Refused(code, message, answer.raw)
    token = fields.identifier(answer.body, "txnToken", 500)
    if status != "S" or token is None:
        raise Unknown(f"initiate answered {status or 'no status'} {code}", answer.raw)
    return Initiated(token, answer.raw)


# --- Transaction Status

ORDER_IN_DOUBT = frozenset({"330", "334", "335", "501"})
"""About our question or Paytm's health, not about the payment; or read two ways."""

ORDER_FAILED = frozenset(
    {"141", "196", "205", "207", "208", "209", "222", "227", "229", "235"}
    | {"295", "401", "804", "810", "2271", "2272"}
)
"""Failures that Paytm lists, believed even where no transaction id comes with them."""


def order_status(answer: Answer, *, mid: str, order_id: str) -> OrderStatus:
    """Read the answer to a question about this MID and order."""
    body = answer.body
    status, code, message = answer.result
    stated = OrderStatus(
        outcome=Outcome.UNKNOWN,
        code=code,
        message=message,
        mid=fields.identifier(body, "mid"),
        order_id=fields.order_id(body, "orderId"),
        txn_id=fields.identifier(body, "txnId"),
        bank_txn_id=fields.identifier(body, "bankTxnId"),
        amount_paise=fields.paise(body, "txnAmount"),
        currency=fields.text(body, "currency", 10),
        payment_mode=fields.text(body, "paymentMode", 40),
        gateway=fields.text(body, "gatewayName", 64),
        bank=fields.text(body, "bankName", 64),
        refunded_paise=fields.paise(body, "refundAmt"),
        txn_date=fields.text(body, "txnDate", 40),
        raw=answer.raw,
        signed=answer.signed,
    )
    if _is_about_another(body, {"mid": mid, "orderId": order_id}):
        return stated
    return replace(stated, outcome=_order_outcome(status, stated))


def _order_outcome(status: str, stated: OrderStatus) -> Outcome:
    if stated.code in ORDER_IN_DOUBT:
        return Outcome.UNKNOWN
    if status == "TXN_SUCCESS" and _is_whole_success(stated):
        return Outcome.SUCCESS
    if status == "TXN_FAILURE" and (stated.code in ORDER_FAILED or stated.txn_id):
        return Outcome.FAILURE
    if status == "PENDING":
        return Outcome.PENDING
    if status == "NO_RECORD_FOUND":
        return Outcome.NO_RECORD
    return Outcome.UNKNOWN


def _is_whole_success(stated: OrderStatus) -> bool:
    return bool(
        stated.mid
        and stated.order_id
        and stated.txn_id
        and stated.amount_paise
        and stated.currency in (None, "INR")
    )


# --- Refund and Refund Status

REFUND_REFUSED = frozenset({"330", "335", "600", "607", "619", "620", "627", "631", "635"})
"""A first apply was plainly refused."""

REFUND_QUESTION_IN_DOUBT = frozenset({"330", "335", "501", "617", "626", "629", "701"})
"""From refund status: about our question or another request, not about this refund."""

REFUND_FAILED = frozenset({"610", "619", "620", "635", "640"})
"""From refund status: can only be about the refund itself. Every other failure (600, 602, 607, 627
and those not listed) may be about the question; it is believed where it names Paytm's refund id."""


def refund_answer(answer: Answer, asked: Mapping[str, str]) -> RefundAnswer:
    """Read the answer to a first apply. `asked`: mid, orderId, txnId, refId and refundAmount."""
    stated = _refund(RefundAnswer, answer)
    if _is_about_another(answer.body, asked, amounts=("refundAmount",)):
        return stated
    return replace(stated, outcome=_first_apply_outcome(answer.result[0], stated))


def refund_status(answer: Answer, asked: Mapping[str, str]) -> RefundStatus:
    """Read the answer to a question. `asked`: mid, orderId and refId."""
    stated = _refund(RefundStatus, answer)
    if _is_about_another(answer.body, asked):
        return stated
    return replace(stated, outcome=_refund_status_outcome(answer.result[0], stated))


def _first_apply_outcome(status: str, stated: RefundAnswer) -> RefundOutcome:
    if status == "PENDING" and stated.code == "601":
        return RefundOutcome.ACCEPTED
    if status == "TXN_SUCCESS" and stated.code == "10" and _is_whole_refund(stated):
        return RefundOutcome.DONE
    if status in _FAILURE and stated.code in REFUND_REFUSED:
        return RefundOutcome.REFUSED
    return RefundOutcome.UNKNOWN


def _refund_status_outcome(status: str, stated: RefundStatus) -> RefundOutcome:
    code = stated.code
    if status == "TXN_SUCCESS" and code == "10" and _is_whole_refund(stated):
        return RefundOutcome.DONE
    if code in REFUND_QUESTION_IN_DOUBT:
        return RefundOutcome.UNKNOWN
    if status == "PENDING" or (status in _FAILURE and code == "628"):  # 628: pending at the bank
        return RefundOutcome.ACCEPTED
    if status in (*_FAILURE, "NO_RECORD_FOUND") and code == "631":
        return RefundOutcome.NO_RECORD
    if status in _FAILURE and (code in REFUND_FAILED or stated.refund_id):
        return RefundOutcome.FAILED
    return RefundOutcome.UNKNOWN


_FAILURE = ("TXN_FAILURE", "FAILURE")


def _is_whole_refund(stated: RefundAnswer) -> bool:
    return bool(stated.refund_id and stated.amount_paise)


def _refund(kind: type[R], answer: Answer) -> R:
    body = answer.body
    _, code, message = answer.result
    return kind(
        outcome=RefundOutcome.UNKNOWN,
        code=code,
        message=message,
        refund_id=fields.identifier(body, "refundId"),
        ref_id=fields.order_id(body, "refId"),
        order_id=fields.order_id(body, "orderId"),
        txn_id=fields.identifier(body, "txnId"),
        amount_paise=fields.paise(body, "refundAmount"),
        total_refunded_paise=fields.paise(body, "totalRefundAmount"),
        rrn=refund_detail(body, "rrn"),
        arn=refund_detail(body, "arn"),
        credit_expected=refund_detail(body, "userCreditExpectedDate"),
        raw=answer.raw,
        signed=answer.signed,
    )


def refund_detail(body: fields.Message, name: str) -> str | None:
    """The first value of this name in refundDetailInfoList: a refund may go back in parts."""
    parts = body.get("refundDetailInfoList")
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, Mapping) and (value := fields.text(part, name, 64)):
            return value
    return None


def _is_about_another(
    body: fields.Message, asked: Mapping[str, str], amounts: tuple[str, ...] = ()
) -> bool:
    """Whether the answer names another MID, order, refund or amount than was asked about."""
    for name, expected in asked.items():
        stated = body.get(name)
        if name in amounts and fields.paise(body, name) == fields.paise(asked, name):
            continue
        if stated not in (None, "", expected):
            return True
    return False


# --- Settlement List

SETTLEMENTS_OK = "00000000"
SETTLEMENTS_TOO_OFTEN = "00000074"
SETTLEMENTS_REFUSED = frozenset({"00000022", "00000030"})
"""A checksum that is not taken, an illegal parameter."""


def settlement_page(answer: Mapping[str, Any], raw: str) -> SettlementPage:
    """Read a page in either of the documented forms. Raises TooOften, Refused and Unknown."""
    inner = answer.get("settlementListResponse")
    whole = {**answer, **inner} if isinstance(inner, Mapping) else answer
    status, code = fields.text(whole, "status") or "", fields.text(whole, "resultCode") or ""
    message = fields.text(whole, "errorMessage") or ""
    if code == SETTLEMENTS_TOO_OFTEN:
        raise TooOften(message, raw)
    if code in SETTLEMENTS_REFUSED:
        raise Refused(code, message, raw)
    if status == "RECORD_NOT_FOUND":
        return SettlementPage((), 0)
    rows = whole.get("settlementTransactionList", whole.get("settlementDetailList"))
    is_list = isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows)
    if status != "SUCCESS" or code not in ("", SETTLEMENTS_OK) or not is_list:
        raise Unknown(f"settlement list answered {status} {code}", raw)
    total = fields.text(whole, "totalCount") or ""
    return SettlementPage(
        tuple(raw_row(row) for row in rows or ()), int(total) if total.isdecimal() else None
    )
