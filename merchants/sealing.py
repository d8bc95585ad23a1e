"""A merchant's secrets at rest: AES-256-GCM under the tenant's own data key.

The data key is made for the tenant and wrapped by a master key. Each ciphertext is bound to
tenant, model, field and row, so moved to another of any of these it does not open.
"""

import secrets
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import models

from merchants.models import DataKey
from tenants import schema
from tenants.master_keys import CannotOpen, decrypt, encrypt, unwrap, wrap

__all__ = ["CannotOpen", "open_sealed", "seal"]


def seal(secret: str, row: models.Model, field: str) -> str:
    """The text to store in `field` of `row` (which has its key already). Needs a tenant."""
    data_key = DataKey.objects.order_by("-created_at").first() or _new_key()
    body = encrypt(_opened(data_key), secret.encode(), _place(row, field))
    return f"s1.{data_key.pk}.{body}"


def open_sealed(row: models.Model, field: str) -> str:
    """The secret in `field` of `row`. Raises CannotOpen when it was sealed for elsewhere."""
    version, _, rest = str(getattr(row, field)).partition(".")
    key_id, _, body = rest.partition(".")
    if version != "s1":
        raise CannotOpen("not a sealed text")
    try:
        data_key = DataKey.objects.get(pk=UUID(key_id))
    except (ValueError, DataKey.DoesNotExist) as error:
        raise CannotOpen("its data key is gone") from error
    return decrypt(_opened(data_key), body, _place(row, field)).decode()


def _new_key() -> DataKey:
    data_key = DataKey()
    data_key.wrapped = wrap(secrets.token_bytes(32), _key_place(data_key))
    data_key.save()
    return data_key


def _opened(data_key: DataKey) -> AESGCM:
    return AESGCM(unwrap(data_key.wrapped, _key_place(data_key)))


def _key_place(data_key: DataKey) -> str:
    return f"data-key|{schema.name()}|{data_key.pk}"


def _place(row: models.Model, field: str) -> str:
    return f"v1|{schema.name()}|{row._meta.label_lower}|{field}|{row.pk}"
