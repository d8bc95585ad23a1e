"""What a person may choose for themselves."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tenants.access import PersonRequest, signed_in


@signed_in
@require_safe
def language(request: PersonRequest) -> HttpResponse:
    """The languages of dashboards and mails; the one chosen is in the address, as on any page."""
    return render(request, "account/language.html", {"languages": settings.LANGUAGES})
