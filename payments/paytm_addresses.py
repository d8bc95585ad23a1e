"""The two addresses that Paytm is told: the test world's and the live one's."""

import secrets

from django.http import Http404

from config.remembered import Remembered
from merchants.models import Profile

# What ends the test and the live address, by the tenant's key.
_endings = Remembered[str, tuple[str, str]](seconds=1.0)


def world_of(token: str) -> bool:
    """Whether the token names the tenant's live address for Paytm, or its test address. Raises
    Http404."""
    known = _endings.get(token[:-22], _paytm_secrets)
    for live, secret in enumerate(known):
        if secrets.compare_digest(token[-22:], secret):
            return bool(live)
    raise Http404


def _paytm_secrets() -> tuple[str, str]:
    profile = Profile.objects.defer("logo_png").get()
    return profile.paytm_secret(False), profile.paytm_secret(True)
