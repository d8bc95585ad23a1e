"""Amounts as Paytm writes them ("1.00", rupees) and as we keep them (paise)."""

import re

_RUPEES = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,2}))?")


def rupees_text(paise: int) -> str:
    """100 → "1.00". Raises ValueError unless given a whole number of paise, 0 or more."""
    if type(paise) is not int or paise < 0:
        raise ValueError("an amount is a whole number of paise, not negative")
    return f"{paise // 100}.{paise % 100:02d}"


def paise_from_text(text: str) -> int:
    """ "1.00", "1.5" or "1" → paise. Raises ValueError for every other form:
    signs, exponents, separators, spaces, other scripts' digits, a third decimal,
    more than ten digits of rupees."""
    match = _RUPEES.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("not an amount in rupees")
    rupees, decimals = match.groups(default="")
    return int(rupees) * 100 + int(decimals.ljust(2, "0"))
