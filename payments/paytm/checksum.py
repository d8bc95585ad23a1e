"""Paytm's checksum (CHECKSUMHASH, head.signature).

base64(AES-128-CBC(hex(SHA-256(text + "|" + salt)) + salt)), salt of four characters,
a fixed IV, the merchant key as the AES key. Always 108 characters.

It covers no field names and no time, and `|` inside a value can be cut another way: a valid
checksum is necessary, never sufficient. The verifying functions here are stricter than Paytm's
library (one exact spelling per checksum, constant-time comparison) and never raise.

What is signed here is checked by another library than the one that signed it, as Paytm does too.
That which checks is four times as fast, and lets no other thread in between.
"""

import binascii
import hashlib
import hmac
import secrets
import string
from collections.abc import Mapping

from Crypto.Cipher import AES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC

KEY_BYTES = 16
_IV = b"@@@@&&&&####$$$$"
_PADDING = b"\x0c" * 12  # PKCS#7: 64 of digest and 4 of salt, filled up to 80
_LENGTH = 108
_LAST = frozenset("AEIMQUYcgkosw048")  # base64 with its two unused bits zero: one spelling only
_SALT = string.ascii_letters + string.digits


def generate(params: Mapping[str, str | None] | str, key: str) -> str:
    """Sign a text (JSON APIs: the exact body sent) or flat parameters (forms).

    Raises ValueError unless the key is 16 bytes.
    """
    text = params if isinstance(params, str) else _joined(params, sorted(params))
    salt = "".join(secrets.choice(_SALT) for _ in range(4)).encode()
    plain = _signed(text, salt)
    sealed = AES.new(_secret(key), AES.MODE_CBC, _IV).encrypt(plain)
    return binascii.b2a_base64(sealed, newline=False).decode()


def verify(params: Mapping[str, str | None], key: str, checksum: str) -> bool:
    """Whether `checksum` covers these flat parameters (CHECKSUMHASH itself left out).

    False for anything odd: never raises, whatever it is given.
    """
    try:
        text = _joined(params, [name for name in sorted(params) if name != "CHECKSUMHASH"])
    except (TypeError, AttributeError):
        return False
    return verify_text(text, key, checksum)


def verify_text(text: str, key: str, checksum: str) -> bool:
    """Whether `checksum` covers this exact text. False for anything odd: never raises."""
    try:
        if len(checksum) != _LENGTH or checksum[-2] not in _LAST or checksum[-1] != "=":
            return False
        sealed = binascii.a2b_base64(checksum, strict_mode=True)
        plain = Cipher(AES128(_secret(key)), CBC(_IV)).decryptor().update(sealed)
        return hmac.compare_digest(plain, _signed(text, plain[64:68]))
    except (TypeError, ValueError, AttributeError):
        return False


def _joined(params: Mapping[str, str | None], names: list[str]) -> str:
    """The values in this order. Paytm's libraries read null, and the word "null", as empty."""
    values = [params[name] for name in names]
    return "|".join(["" if v is None or v.lower() == "null" else v for v in values])


def _signed(text: str, salt: bytes) -> bytes:
    digest = hashlib.sha256(text.encode() + b"|" + salt).hexdigest()
    return digest.encode() + salt + _PADDING


def _secret(key: str) -> bytes:
    secret = key.encode()
    if len(secret) != KEY_BYTES:
        raise ValueError("a merchant key is 16 bytes long")
    return secret
