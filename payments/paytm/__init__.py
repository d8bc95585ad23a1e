"""Paytm's payment gateway for India, as a typed client. Depends on requests and pycryptodome
alone. Money is paise. See `Client`, `verify_message`, and the tree in `errors`."""

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
    BadMessage,
    Forged,
    NoAnswer,
    NotPaytm,
    Open,
    PaytmError,
    Reason,
    Refused,
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
    method_of,
)

__all__ = [
    "HOSTS",
    "BadMessage",
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
    "Unknown",
    "Unreachable",
    "blank_secrets",
    "environment_of",
    "generate",
    "host_for",
    "method_of",
    "paise_from_text",
    "payment_page_url",
    "read_json_order_id",
    "read_order_id",
    "rupees_text",
    "verify",
    "verify_json_message",
    "verify_message",
    "verify_text",
]
