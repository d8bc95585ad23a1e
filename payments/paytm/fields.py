"""Reading single values of a message, where nothing can be taken for granted."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from payments.paytm.amounts import paise_from_text
from payments.paytm.envelope import Number
from payments.paytm.redaction import storable

_ORDER_ID = re.compile(r"[A-Za-z0-9@_.-]{1,50}")
_ID = re.compile(r"[!-~]+")
_DIGITS = re.compile(r"[0-9]+")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,6})?")
_IST = timezone(timedelta(hours=5, minutes=30))

Message = Mapping[str, Any]


def is_order_id(text: str) -> bool:
    """Whether Paytm takes this as an order id (Paytm: Transaction Status)."""
    return _ORDER_ID.fullmatch(text) is not None


def text(message: Message, name: str, limit: int = 500) -> str | None:
    """A string, or a whole number as it was written. Null, "null" and "" count as absent."""
    value = message.get(name)
    if not isinstance(value, str) or value.lower() in ("", "null"):
        return None
    if isinstance(value, Number) and not _DIGITS.fullmatch(value):
        return None
    return storable(str(value))[:limit]


def identifier(message: Message, name: str, limit: int = 64) -> str | None:
    """An id of printable ASCII characters without spaces, not longer than the limit."""
    value = text(message, name, limit + 1)
    return value if value and len(value) <= limit and _ID.fullmatch(value) else None


def order_id(message: Message, name: str) -> str | None:
    """An order id of the documented alphabet."""
    value = text(message, name)
    return value if value and is_order_id(value) else None


def paise(message: Message, name: str) -> int | None:
    """An amount in rupees, as a string or a plain number."""
    try:
        return paise_from_text(message.get(name))  # type: ignore[arg-type]  # refuses all but str
    except ValueError:
        return None


def moment(stated: str | None) -> datetime | None:
    """`2026-11-22 10:30:00.0` in Indian time, as Paytm writes TXNDATE; the fraction is dropped."""
    match = _MOMENT.fullmatch(stated or "")
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=_IST)
    except ValueError:
        return None
