"""Which attempts this browser began: a first-party cookie that names the latest of them.

It tells the payer who comes back from the next one who opens the same link. Paying works
without it; then only the form's own key tells.
"""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from payments.models import Payment
from tenants.routing import TOKEN

KEPT = 5
LIFE = 3 * 24 * 3600  # as long as a bank may take to decide (Paytm: late notification)


def known(request: HttpRequest) -> list[str]:
    """The tokens of the attempts that this browser began, newest first. Not to be trusted to
    exist: the cookie is the browser's to change."""
    told = request.COOKIES.get(settings.ATTEMPTS_COOKIE_NAME, "").split(".")
    return [token for token in told[:KEPT] if re.fullmatch(TOKEN, token)]


def remember(request: HttpRequest, response: HttpResponse, payment: Payment) -> HttpResponse:
    """Have the browser name this attempt from now on."""
    others = [token for token in known(request) if token != payment.token]
    response.set_cookie(
        settings.ATTEMPTS_COOKIE_NAME,
        ".".join([payment.token, *others][:KEPT]),
        max_age=LIFE,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
