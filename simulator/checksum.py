"""Paytm's checksum: AES-CBC over a salted SHA-256, base64, always 108 characters.

Written apart from the product's own so that each proves the other (Paytm: Checksum).
"""

import hashlib
import hmac
import secrets
import string
from base64 import b64decode, b64encode
from collections.abc import Mapping

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad

IV = b"@@@@&&&&####$$$$"
KEY_BYTES = 16
SALT_LENGTH = 4
ALPHABET = string.ascii_letters + string.digits


def sign(text: str, key: str) -> str:
    """The checksum of a JSON body, exactly as it will be sent."""
    return sign_with_salt(text, key, "".join(secrets.choice(ALPHABET) for _ in range(SALT_LENGTH)))


def sign_with_salt(text: str, key: str, salt: str) -> str:
    """The checksum for a known salt of four characters."""
    return b64encode(_cipher(key).encrypt(pad(_digest(text, salt), AES.block_size))).decode()


def verify(text: str, key: str, checksum: str) -> bool:
    """Whether the checksum was made over this text with this key. Never raises on bad input."""
    try:
        opened = unpad(_cipher(key).decrypt(b64decode(checksum, validate=True)), AES.block_size)
        salt = opened[-SALT_LENGTH:].decode()
        return hmac.compare_digest(opened, _digest(text, salt))
    except ValueError:  # not base64, wrong length, wrong padding, not UTF-8
        return False


def join(fields: Mapping[str, str]) -> str:
    """The text that is signed for form fields: the values by sorted name, joined with `|`."""
    names = sorted(name for name in fields if name != "CHECKSUMHASH")
    return "|".join("" if fields[name].lower() == "null" else fields[name] for name in names)


def _cipher(key: str):  # type: ignore[no-untyped-def]  # pycryptodome's mode classes are private
    return AES.new(key.encode(), AES.MODE_CBC, IV)


def _digest(text: str, salt: str) -> bytes:
    return (hashlib.sha256(f"{text}|{salt}".encode()).hexdigest() + salt).encode()
