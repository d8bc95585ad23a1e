"""What may be stored of a message: secrets blanked, cards cut to their last four digits,
nothing a database would refuse."""

import re
from collections.abc import Iterable

RAW_LIMIT = 16_384
BLANK = "[blanked]"

_SECRETS = frozenset(
    {"signature", "checksumhash", "txntoken", "txn_token", "token", "ssotoken", "paytmssotoken"}
    | {"enc_data", "bin_number", "cardindexno"}
)
_CARDS = frozenset({"maskedcardno", "maskedcardnumber"})
_NAMES = "|".join(sorted(_SECRETS | _CARDS))
_MEMBER = re.compile(
    rf'"({_NAMES})"(\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^\s",{{}}\[\]]+)',
    re.IGNORECASE | re.DOTALL,
)


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which PostgreSQL refuses."""
    if text.isascii():
        return text.replace("\x00", "\ufffd")
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\x00", "\ufffd")


def blank_text(text: str) -> str:
    """JSON text, whole or truncated, as it may be stored: capped, secret members blanked."""
    blanked = _MEMBER.sub(lambda m: f'"{m[1]}"{m[2]}"{_blank(m[1], m[3])}"', text)
    return storable(blanked)[:RAW_LIMIT]


def blank_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Flat fields as they may be stored."""
    return [(storable(name), _blank(name, storable(value))) for name, value in pairs]


def _blank(name: str, value: str) -> str:
    key = name.lower()
    if key in _SECRETS:
        return BLANK
    if key in _CARDS:
        return re.sub(r"\W", "", value)[-4:]
    return value
