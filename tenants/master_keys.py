"""Master keys, and what they seal directly.

The first key of MASTER_KEYS wraps; the others only open what they once wrapped, so a master
key is replaced by putting a new one in front. AES-256-GCM (NIST SP 800-38D), a random
96-bit nonce for each sealing, and associated data that says where the secret belongs: moved
elsewhere it does not open.
"""

import base64
import binascii
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12


class CannotOpen(Exception):
    """The sealed text is damaged, was moved, or its key is gone."""


@cache
def _keys() -> dict[str, AESGCM]:
    return dict(_read(entry) for entry in settings.MASTER_KEYS)


def fault() -> str:
    """What is wrong with MASTER_KEYS, without a word of what they are; "" when they are sound."""
    try:
        keys = [_read(entry) for entry in settings.MASTER_KEYS]
    except ImproperlyConfigured as problem:
        return str(problem)
    if not keys:
        return "MASTER_KEYS is not set"
    return "" if len(keys) == len(dict(keys)) else "MASTER_KEYS gives one id to two keys"


def _read(entry: str) -> tuple[str, AESGCM]:
    """Raises ImproperlyConfigured. A key of few different bytes was made up by a person."""
    name, _, encoded = entry.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:  # not base64, or not even ASCII
        key = b""
    if not name.isalnum() or len(key) != 32 or len(set(key)) < 16:
        raise ImproperlyConfigured("MASTER_KEYS holds an entry that is not id:base64-of-32-bytes")
    return name, AESGCM(key)


def wrap(secret: bytes, place: str) -> str:
    """Seal under the first master key, bound to `place`. The text names its key."""
    name, key = next(iter(_keys().items()), ("", None))
    if key is None:
        raise ImproperlyConfigured("MASTER_KEYS is not set: nothing can be sealed")
    return f"m1.{name}.{encrypt(key, secret, place)}"


def unwrap(sealed: str, place: str) -> bytes:
    """Open what `wrap` sealed for the same place. Raises CannotOpen."""
    version, _, rest = sealed.partition(".")
    name, _, body = rest.partition(".")
    key = _keys().get(name)
    if version != "m1" or key is None:
        raise CannotOpen("no master key of that name")
    return decrypt(key, body, place)


def encrypt(key: AESGCM, secret: bytes, place: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + key.encrypt(nonce, secret, place.encode())).decode()


def decrypt(key: AESGCM, body: str, place: str) -> bytes:
    """Raises CannotOpen."""
    try:
        raw = base64.b64decode(body, validate=True)
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode())
    except (binascii.Error, ValueError, InvalidTag) as error:
        raise CannotOpen("damaged, or sealed for another place") from error
