"""From a stored Paytm account to a client that speaks for it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from uuid import UUID

from django.conf import settings

from config import metrics
from config.remembered import Remembered
from merchants.models import PaytmAccount
from merchants.sealing import open_sealed
from payments.paytm import Breaker, Client, Credentials

logger = logging.getLogger(__name__)


# An account's sealed key never changes; what may is whether we can still open it.
_keys = Remembered[tuple[UUID, str], str](seconds=1.0)


def credentials_of(account: PaytmAccount) -> Credentials:
    """Raises merchants.sealing.CannotOpen when the sealed key did not open here a second ago."""
    place = (account.pk, account.sealed_key)
    return Credentials(
        mid=account.mid,
        key=_keys.get(place, lambda: open_sealed(account, "sealed_key")),
        website=account.website,
        base_url=account.base_url,
    )


@contextmanager
def client_for(account: PaytmAccount, *, patience: float | None = None) -> Iterator[Client]:
    """A client for one conversation. No database transaction may be open around it.

    `patience` is how many seconds an answer may take, settings.PAYTM_PATIENCE by default.
    """
    client = Client(
        credentials_of(account),
        timeout=(3.05, patience or settings.PAYTM_PATIENCE),
        breaker=breaker_of(account.base_url),
    )
    try:
        yield client
    finally:
        client.close()


@cache
def breaker_of(base_url: str) -> Breaker:
    """This process's breaker of a host of Paytm's; there are few hosts."""
    return Breaker(base_url, _breaker_moved)


def _breaker_moved(base_url: str, is_open: bool) -> None:
    metrics.paytm_breaker.labels(base_url, "opened" if is_open else "closed").inc()
    if is_open:
        logger.error("Paytm does not answer; not asked for a while", extra={"host": base_url})
    else:
        logger.warning("Paytm answers again", extra={"host": base_url})
