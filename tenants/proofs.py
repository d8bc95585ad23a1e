"""Whether a person has shown lately who they are. One rule for every page that asks."""

import time

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

PROOFS = frozenset({"password", "mfa"})  # as allauth names them in its record of a session


def proved_recently(request: HttpRequest) -> bool:
    """Whether this session began, or its person proved again who they are, within five minutes."""
    proofs = [
        record["at"]
        for record in get_authentication_records(request, request.user)
        if record["method"] in PROOFS
    ]
    return bool(proofs) and time.time() - max(proofs) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
