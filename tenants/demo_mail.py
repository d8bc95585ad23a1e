"""The mails that demo mode caught instead of sending them."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from tenants.access import public
from tenants.models import CaughtMail

SHOWN = 100


@public
@require_safe
def caught_mails(request: HttpRequest) -> HttpResponse:
    """The newest mails, to everybody or to the one address of ?to=. 404 in production."""
    _refuse_in_production()
    to = request.GET.get("to", "").strip()
    mails = CaughtMail.objects.order_by("-id")
    if to:
        mails = mails.filter(to__iexact=to)
    return render(request, "demo/mail_list.html", {"mails": mails[:SHOWN], "to": to})


@public
@require_safe
def caught_mail(request: HttpRequest, id: int) -> HttpResponse:
    """One mail: its text with live links, its HTML as source. 404 in production."""
    _refuse_in_production()
    mail = get_object_or_404(CaughtMail, id=id)
    return render(request, "demo/mail_detail.html", {"mail": mail})


def _refuse_in_production() -> None:
    if settings.PRODUCTION:
        raise Http404
