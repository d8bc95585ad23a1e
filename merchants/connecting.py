"""Connecting a merchant to Paytm: its MID and key, replaced but never changed.

Simulator and staging accounts belong to the test world, production accounts to the live one.
"""

import hashlib
import secrets
import string
from typing import Final

import requests
from django.conf import settings
from django.db import transaction

from merchants.audit import record
from merchants.models import PaytmAccount, Profile
from merchants.sealing import seal
from payments.collecting import callback_url, webhook_url
from tenants.models import User

Environment = PaytmAccount.Environment

ALPHABET: Final = string.ascii_uppercase + string.digits
KEY_ALPHABET: Final = string.ascii_letters + string.digits
SIMULATOR_WEBSITE: Final = "WEBSTAGING"
SIMULATOR_TIMEOUT: Final = (3.05, 10)


class SimulatorAway(Exception):
    """The simulator could not be told of the new MID. Nothing was changed."""


def environment_of_keys(live: bool) -> str:
    """Where keys that a person enters belong: production is live, staging is test."""
    return Environment.PRODUCTION if live else Environment.STAGING


def current_account(live: bool) -> PaytmAccount | None:
    """The account that new payments of this world go to."""
    return PaytmAccount.objects.filter(live=live, state=PaytmAccount.State.ACTIVE).first()


def store(
    *, environment: str, mid: str, key: str, website: str, by: User, legacy_host: bool = False
) -> PaytmAccount:
    """Seal the key, put the account in use and retire the one before it, all or nothing.

    Payments that were begun with the earlier account keep asking with it.
    """
    account = PaytmAccount(
        environment=environment,
        live=environment == Environment.PRODUCTION,
        mid=mid,
        website=website,
        legacy_host=legacy_host,
        key_last4=key[-4:],
        key_fingerprint=fingerprint(key),
        created_by_id=by.pk,
        created_by_name=str(by)[:80],
    )
    with transaction.atomic():
        Profile.objects.select_for_update().get()  # one at a time: a world has one account in use
        before = _retire(account.live)
        account.sealed_key = seal(key, account, "sealed_key")
        account.save(force_insert=True)
        facts = _facts(account)
        record(by, "paytm.connected", account.mid, before, facts, of=account)
    return account


def connect_simulator(by: User) -> PaytmAccount:
    """Make a MID and a key, tell the simulator, and put them in use in the test world.

    Only where settings.SIMULATOR_URL is set. Raises SimulatorAway.
    """
    mid = "SIM" + _random(ALPHABET, 17)
    key = _random(KEY_ALPHABET, 16)
    _tell_simulator(mid, key)
    return store(
        environment=Environment.SIMULATOR, mid=mid, key=key, website=SIMULATOR_WEBSITE, by=by
    )


def fingerprint(key: str) -> str:
    """The first 8 hex digits of the key's SHA-256: enough to tell two keys apart, and what
    anybody who holds a key can work out to compare. Of the key's 16 characters it gives away
    32 bits at most."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _retire(live: bool) -> dict[str, str | bool]:
    """Take the world's account out of use; its facts, or none where there was none."""
    account = current_account(live)
    if account is None:
        return {}
    account.state = PaytmAccount.State.RETIRED
    account.save(update_fields=["state"])
    return _facts(account)


def _facts(account: PaytmAccount) -> dict[str, str | bool]:
    """What the record may say of an account."""
    return {
        "environment": account.environment,
        "mid": account.mid,
        "website": account.website,
        "legacy_host": account.legacy_host,
        "key_fingerprint": account.key_fingerprint,
    }


def _tell_simulator(mid: str, key: str) -> None:
    merchant = {
        "mid": mid,
        "key": key,
        "website": SIMULATOR_WEBSITE,
        "callback_url": callback_url(live=False),
        "webhook_url": webhook_url(live=False),
    }
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{settings.SIMULATOR_URL}/_control/merchants",
                json=merchant,
                headers={"Authorization": f"Bearer {settings.SIMULATOR_TOKEN}"},
                timeout=SIMULATOR_TIMEOUT,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        raise SimulatorAway(type(error).__name__) from error
    if not 200 <= answer.status_code < 300:
        raise SimulatorAway(f"HTTP {answer.status_code}")


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
