"""Paytm's envelopes: `{"head": …, "body": …}` in and out, form fields, amounts.

An answer is compact ASCII with `head` before `body`, and its signature covers the body's exact
text, because Paytm's own SDK cuts that text out of the answer to check it. The SDK reads the
answer through Python's repr of bytes, so no backslash and no quote may appear in a value.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse

from simulator import checksum
from simulator.records import Merchant

AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,2})?")
ORDER_ID = re.compile(r"[A-Za-z0-9@._-]{1,50}")
MAX_AMOUNT = 99_99_999_99

Body = dict[str, Any]


class Malformed(Exception):
    """A request that is not in Paytm's language at all. Carries the message and the status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """A JSON request: its parsed body and the exact text that was signed."""

    body: Body
    signature: str
    signed_text: str

    @property
    def mid(self) -> str:
        """The MID of the body, or the empty string."""
        return text(self.body, "mid")

    @property
    def order_id(self) -> str:
        """The order id of the body, or the empty string."""
        return text(self.body, "orderId")

    def is_signed_by(self, merchant: Merchant) -> bool:
        """Whether the signature fits the body's text as it was received."""
        return checksum.verify(self.signed_text, merchant.merchant_key, self.signature)


@dataclass(frozen=True)
class Answer:
    """A JSON answer before it is signed. No key: it leaves without a signature."""

    body: Body
    key: str | None
    now: int
    flat: bool = False

    def render(self) -> HttpResponse:
        """The answer as HTTP, always status 200 (Paytm: business errors are 200 too)."""
        return HttpResponse(self.text(), content_type="application/json;charset=UTF-8")

    def text(self) -> str:
        """The exact text of the answer."""
        if self.flat:
            return dump(self.body | form_signature(self.body, self.key))
        body = dump(self.body)
        head = {"responseTimestamp": str(self.now), "version": "v1"}
        if self.key is not None:
            head["signature"] = checksum.sign(body, self.key)
        return f'{{"head":{dump(head)},"body":{body}}}'


def read_call(request: HttpRequest) -> Call:
    """The request's head and body. Malformed when it is not such an envelope."""
    source = decode(request)
    envelope = parse(source)
    head, body = envelope.get("head"), envelope.get("body")
    if not isinstance(head, dict) or not isinstance(body, dict):
        raise Malformed("The request must hold a head and a body")
    return Call(body, text(head, "signature"), value_text(source, "body"))


def read_flat_call(request: HttpRequest) -> Call:
    """A request of the older flat form, `{MID, ORDERID, CHECKSUMHASH}`."""
    fields = {name: value for name, value in parse(decode(request)).items() if value is not None}
    if not all(isinstance(value, str) for value in fields.values()):
        raise Malformed("Every value must be a string")
    body = {"mid": fields.get("MID", ""), "orderId": fields.get("ORDERID", "")}
    return Call(body, fields.get("CHECKSUMHASH", ""), checksum.join(fields))


def decode(request: HttpRequest) -> str:
    """The request's text. Malformed when it is not UTF-8."""
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        raise Malformed("The request is not UTF-8") from None


def parse(source: str) -> Body:
    """A JSON object. Malformed on anything else: NaN, lone surrogates and endless nesting too."""
    try:
        value = json.loads(source, parse_constant=_refuse, object_pairs_hook=_unique)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Malformed("The request is not valid JSON") from None
    if not isinstance(value, dict):
        raise Malformed("The request must be a JSON object")
    return value


def value_text(source: str, name: str) -> str:
    """The exact text of a top-level member of a JSON object that `parse` has accepted."""
    decoder = json.JSONDecoder()
    position = _skip(source, source.index("{") + 1)
    while True:
        key, position = decoder.raw_decode(source, position)
        start = _skip(source, _skip(source, position) + 1)
        _, position = decoder.raw_decode(source, start)
        if key == name:
            return source[start:position]
        position = _skip(source, _skip(source, position) + 1)


def text(body: Body, name: str) -> str:
    """A member that should be a string; the empty string when it is absent or something else."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def paise(value: object) -> int | None:
    """`"123.45"` as 12345; None when Paytm would not take it as an amount."""
    if not isinstance(value, str) or len(value) > 12 or not AMOUNT.fullmatch(value):
        return None
    rupees, _, rest = value.partition(".")
    return int(rupees) * 100 + int(rest.ljust(2, "0"))


def rupees(amount: int) -> str:
    """12345 paise as `"123.45"`, the form of every amount Paytm sends."""
    return f"{amount // 100}.{amount % 100:02}"


def result(status: str, code: str, message: str) -> Body:
    """The `resultInfo` every answer begins with."""
    return {"resultInfo": {"resultStatus": status, "resultCode": code, "resultMsg": message}}


def form_signature(fields: Body, key: str | None) -> dict[str, str]:
    """The CHECKSUMHASH field for these form fields; nothing without a key."""
    return {} if key is None else {"CHECKSUMHASH": checksum.sign(checksum.join(fields), key)}


def dump(value: Body) -> str:
    """Compact ASCII JSON."""
    return json.dumps(value, separators=(",", ":"))


def _skip(source: str, position: int) -> int:
    while source[position] in " \t\r\n":
        position += 1
    return position


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _unique(pairs: list[tuple[str, Any]]) -> Body:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("A member appears twice")
    return members
