"""From a stored Paytm account to a client that speaks for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from merchants.models import PaytmAccount
from merchants.sealing import open_sealed
from payments.paytm import Client, Credentials


def credentials_of(account: PaytmAccount) -> Credentials:
    """Raises merchants.sealing.CannotOpen when the sealed key does not open here."""
    return Credentials(
        mid=account.mid,
        key=open_sealed(account, "sealed_key"),
        website=account.website,
        base_url=account.base_url,
    )


@contextmanager
def client_for(account: PaytmAccount, *, patience: float | None = None) -> Iterator[Client]:
    """A client for one conversation. No database transaction may be open around it.

    `patience` is how many seconds an answer may take, settings.PAYTM_PATIENCE by default.
    """
    client = Client(credentials_of(account), timeout=(3.05, patience or settings.PAYTM_PATIENCE))
    try:
        yield client
    finally:
        client.close()
