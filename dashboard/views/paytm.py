"""Connecting Paytm: the guide, the keys, and whether they are right."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from merchants import connecting
from merchants.diagnosing import diagnose, words_of
from merchants.forms import KeysForm
from merchants.roles import may
from payments.collecting import callback_url, webhook_url
from tenants.access import WorldRequest, member


@member("credentials.view")
@require_safe
def page(request: WorldRequest) -> HttpResponse:
    """The account in use, the addresses that Paytm must know, and where to find the keys."""
    account = connecting.current_account(request.live)
    context = {
        "account": account,
        "words": words_of(account) if account else None,
        "offers_simulator": bool(settings.SIMULATOR_URL) and not request.live,
        "may_manage": may(request.membership.role, "credentials.manage"),
        "callback_url": callback_url(request.live),
        "webhook_url": webhook_url(request.live),
        "webhook_reachable": settings.SECURE and urlsplit(settings.BASE_URL).port in (None, 443),
    }
    return render(request, "dashboard/paytm/page.html", context)


@member("credentials.manage")
@require_POST
def simulator(request: WorldRequest) -> HttpResponse:
    """Connect the test world to the simulator, with keys made here and now."""
    if request.live or not settings.SIMULATOR_URL:
        raise Http404
    try:
        account = connecting.connect_simulator(request.user)
    except connecting.SimulatorAway:
        messages.error(request, _("The simulator does not answer. Nothing was changed."))
        return redirect("paytm", slug=request.tenant.slug, live=False)
    messages.success(request, _("Connected to the simulator as %(mid)s.") % {"mid": account.mid})
    return redirect("paytm", slug=request.tenant.slug, live=False)


@member("credentials.manage", fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: WorldRequest) -> HttpResponse:
    """Enter keys of Paytm's: staging in the test world, production in the live one."""
    website = "DEFAULT" if request.live else "WEBSTAGING"
    form = KeysForm(request.POST or None, initial={"website": website})
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "account": connecting.current_account(request.live)}
        status = 422 if request.method == "POST" else 200
        return render(request, "dashboard/paytm/keys.html", context, status=status)
    environment = connecting.environment_of_keys(request.live)
    connecting.store(environment=environment, by=request.user, **form.cleaned_data)
    messages.success(request, _("The keys are sealed and in use. Check them now."))
    return redirect("paytm", slug=request.tenant.slug, live=request.live)


@member("credentials.manage")
@require_POST
def check(request: WorldRequest) -> HttpResponse:
    """Try the keys in use at Paytm; their page says what was found."""
    account = connecting.current_account(request.live)
    if account is None:
        raise Http404
    diagnose(account)
    return redirect("paytm", slug=request.tenant.slug, live=request.live)
