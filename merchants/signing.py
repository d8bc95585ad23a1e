"""Secrets that sign what leaves us, as Standard Webhooks 1.0.0 has them.

A secret is `whsec_` and the base64 of 32 random bytes, sealed at rest. When it is replaced the
old one signs beside the new for a day, so that a receiver can change over without a gap.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Final

from config.clock import now
from merchants.models import Signer
from merchants.sealing import open_sealed, seal

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
OVERLAP: Final = timedelta(hours=24)


def give_secret(signer: Signer) -> str:
    """Put a new secret into a row (which is not saved) and return it, for once to be shown."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    signer.sealed_secret = seal(secret, signer, "sealed_secret")
    signer.secret_last4 = secret[-4:]
    return secret


def replace_secret(signer: Signer) -> str:
    """Give the row another secret; the one until now signs beside it for 24 hours. Saves.

    Hold the row's lock. Returns the new one, for once to be shown. Only one old secret is kept:
    replaced twice within a day, the first of the three no longer signs.
    """
    old = open_sealed(signer, "sealed_secret")
    signer.sealed_old_secret = seal(old, signer, "sealed_old_secret")
    signer.old_secret_until = now() + OVERLAP
    secret = give_secret(signer)
    signer.save(
        update_fields=["sealed_secret", "secret_last4", "sealed_old_secret", "old_secret_until"]
    )
    return secret


def signatures(signer: Signer, content: bytes) -> str:
    """`v1,<base64 of HMAC-SHA256>` by each secret that counts now, separated by a space.

    Raises merchants.sealing.CannotOpen.
    """
    return " ".join(_signature(secret, content) for secret in _current(signer))


def _current(signer: Signer) -> list[str]:
    found = [open_sealed(signer, "sealed_secret")]
    if signer.old_secret_until and signer.old_secret_until > now():
        found.append(open_sealed(signer, "sealed_old_secret"))
    return found


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
