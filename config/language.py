"""Which language an answer speaks. One rule, for every request.

Payers' pages are read in English or Hindi: what the address asks for (`?lang=hi`), else what was
chosen before, else what the browser prefers. So is a merchant's dashboard, except that there the
browser has no say: where it was never told Hindi, it is as the person chose elsewhere, or English.
What a person signed in chooses is kept with them, for their mails and their other devices. All
else is English.
"""

import re
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import activate, get_language, get_language_from_request

if TYPE_CHECKING:  # it answers with error pages, which offer a language
    from config.middleware import Answer
    from tenants.models import User

PAYERS: Final = ("/p/", "/paytm/")
TEAM: Final = ("/m/", "/merchants/", "/invitations/", "/accounts/language")
YEAR: Final = 365 * 24 * 3600
# Read as it stands: what is wrong with the rest of the query is for others to refuse.
CHOICE = re.compile(r"(?:^|&)lang=([a-z]{2})(?=&|$)")


def spoken(get_response: "Answer") -> "Answer":
    """Answer in the language of `language_of`, and remember what a person chose for a year.

    Stands outside all that speaks, or that would speak the last request's language.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        activate(language_of(request))
        response = get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Language", get_language())
            if request.path_info.startswith(PAYERS + TEAM):
                _remember(request, response)
        return response

    return middleware


def speak_to(request: HttpRequest, person: "User") -> None:
    """Go on in this person's language where neither the address nor the browser has one.

    Keeps with them what they choose, and at first what the browser has. Writes where that is new.
    """
    asked, chosen = _asked_for(request), _chosen(request)
    new = asked or (chosen if not person.language else "")
    if new and new != person.language:
        person.language = new
        person.save(update_fields=["language"])
    if not asked and not chosen:
        activate(person.reads)


def is_of_payers(request: HttpRequest) -> bool:
    """Whether payers read what this address answers, and so may choose the language."""
    return request.path_info.startswith(PAYERS)


def language_of(request: HttpRequest) -> str:
    """The language to answer this request in, one of settings.LANGUAGES."""
    if is_of_payers(request):
        return _asked_for(request) or get_language_from_request(request)
    if request.path_info.startswith(TEAM):
        return _asked_for(request) or _chosen(request) or settings.LANGUAGE_CODE
    return settings.LANGUAGE_CODE


def _asked_for(request: HttpRequest) -> str:
    """What the address asks for, "" where that is nothing we speak."""
    asked = CHOICE.search(request.META.get("QUERY_STRING", ""))
    return asked[1] if asked and asked[1] in dict(settings.LANGUAGES) else ""


def _chosen(request: HttpRequest) -> str:
    """What was chosen before, "" where that is nothing we speak."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def _remember(request: HttpRequest, response: HttpResponse) -> None:
    if is_of_payers(request) and not 300 <= response.status_code < 400:
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
    asked = _asked_for(request)
    if asked and asked != request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            asked,
            max_age=YEAR,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
