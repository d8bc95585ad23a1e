"""Paytm's JSON envelope {"head": …, "body": …}, whose signature covers the body's exact text.

So a body is written once and spliced in, and read back by its place in the text: never parsed
and written again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from payments.paytm.checksum import generate


class Malformed(ValueError):
    """Not an envelope."""


class Duplicate(Malformed):
    """An object names a member twice, so two readers could see two messages."""


class Number(str):
    """A JSON number as it was written: "1.00" stays "1.00", and no digit is lost."""


@dataclass(frozen=True)
class Envelope:
    """A message, `body_text` being the exact text that its signature covers."""

    head: Mapping[str, Any]
    body: Mapping[str, Any]
    body_text: str

    @property
    def signature(self) -> str | None:
        """None if the message is not signed."""
        signature = self.head.get("signature")
        return None if signature in (None, "") else str(signature)


def seal(body: Mapping[str, Any], key: str) -> bytes:
    """A signed request: compact ASCII JSON.

    Raises ValueError if a value holds `|`: Paytm refuses those (1008), and a signed text with
    one could be cut up into the fields of a callback.
    """
    body_text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    if "|" in body_text:
        raise ValueError("a request to Paytm may not contain a pipe character")
    head_text = json.dumps(
        {"version": "v1", "signature": generate(body_text, key)}, separators=(",", ":")
    )
    return f'{{"head":{head_text},"body":{body_text}}}'.encode("ascii")


def unseal(text: str) -> Envelope:
    """Read an envelope; its signature is not checked here. Raises Malformed."""
    whole = read_object(text)
    head, body = whole.get("head", {}), whole.get("body")
    if not isinstance(head, dict) or not isinstance(body, dict):
        raise Malformed("no head or body")
    return Envelope(head, body, dict(_members(text))["body"])


def read_object(text: str) -> dict[str, Any]:
    """A JSON object, its numbers as they were written. Raises Malformed."""
    try:
        whole = _DECODER.decode(text)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(whole, dict):
        raise Malformed("not an object")
    return whole


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Name and exact text of each member of a JSON object already known to be valid."""
    position = text.index("{") + 1
    while (quote := text.find('"', position)) >= 0:
        name, position = _DECODER.raw_decode(text, quote)
        start = _skip_space(text, text.index(":", position) + 1)
        _, position = _DECODER.raw_decode(text, start)
        yield name, text[start:position]


def _skip_space(text: str, position: int) -> int:
    while text[position] in " \t\n\r":
        position += 1
    return position


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Duplicate("a member named twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=Number, parse_float=Number, parse_constant=_no_constant
)
