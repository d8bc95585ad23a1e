"""Paytm's payment gateway for India, as a typed client. Depends on requests, pycryptodome
and cryptography alone. Money is paise. See `Client`, `verify_message`, and the tree in `errors`."""

from payments.paytm.amounts import paise_from_text, rupees_text
from payments.paytm.breaker import Breaker
from payments.paytm.callbacks import (
    blank_secrets,
    read_json_order_id,
    read_order_id,
    verify_json_message,
    verify_message,
)
from payments.paytm.checksum import generate, verify, verify_text
from payments.paytm.client import Client, Credentials
from payments.paytm.errors import (
    BadFile,
    BadMessage,
    BadRow,
    Forged,
    NoAnswer,
    NotPaytm,
    Open,
    PaytmError,
    Reason,
    Refused,
    TooOften,
    Unknown,
    Unreachable,
)
from payments.paytm.hosts import HOSTS, Hosts, environment_of, host_for, payment_page_url
from payments.paytm.messages import (
    Diagnosis,
    Initiated,
    Notice,
    OrderStatus,
    Outcome,
    RefundAnswer,
    RefundOutcome,
    RefundStatus,
    SettlementPage,
    method_of,
)
from payments.paytm.settlement_csv import SettlementFile, read_file
from payments.paytm.settlements import SettlementKind, SettlementRow, raw_row, read_rows

__all__ = [
    "HOSTS",
    "BadFile",
    "BadMessage",
    "BadRow",
    "Breaker",
    "Client",
    "Credentials",
    "Diagnosis",
    "Forged",
    "Hosts",
    "Initiated",
    "NoAnswer",
    "NotPaytm",
    "Notice",
    "Open",
    "OrderStatus",
    "Outcome",
    "PaytmError",
    "Reason",
    "RefundAnswer",
    "RefundOutcome",
    "RefundStatus",
    "Refused",
    "SettlementFile",
    "SettlementKind",
    "SettlementPage",
    "SettlementRow",
    "TooOften",
    "Unknown",
    "Unreachable",
    "blank_secrets",
    "environment_of",
    "generate",
    "host_for",
    "method_of",
    "paise_from_text",
    "payment_page_url",
    "raw_row",
    "read_file",
    "read_json_order_id",
    "read_order_id",
    "read_rows",
    "rupees_text",
    "verify",
    "verify_json_message",
    "verify_message",
    "verify_text",
]
