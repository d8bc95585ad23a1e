"""Who may enter a view. Every view wears exactly one of these; a system check says so.

Strangers and foreign things get 404, a weak role gets 403, and a view that belongs to a
tenant runs inside that tenant's schema and time zone and nowhere else.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails
from django_tenants.utils import tenant_context

from config.language import speak_to
from config.logs import tenant_key
from config.rows import OneRow
from merchants import presence, roles
from tenants import provisioning
from tenants.current import zone
from tenants.models import Membership, Tenant, User
from tenants.routing import recent_tenant_of_token, tenant_of_token

View = Callable[..., HttpResponseBase]

# Every request of a merchant's team asks, so the SQL is worked out once.
_MEMBERSHIPS: Final = OneRow(
    Membership.objects.select_related("tenant"), by=("user_id", "tenant__slug")
)
PROOFS = frozenset({"password", "mfa"})  # as allauth names them in its record of a session


class PersonRequest(HttpRequest):
    user: User
    htmx: HtmxDetails


class MerchantRequest(PersonRequest):
    tenant: Tenant
    membership: Membership


class WorldRequest(MerchantRequest):
    """A request in a merchant's test (`live` False) or live world."""

    live: bool


class PayerRequest(HttpRequest):
    tenant: Tenant


def public(view: View) -> View:
    """Anyone may enter. The view touches no tenant."""
    return _declare(view, view, "public")


def signed_in(view: View) -> View:
    """Anyone who is signed in. The view touches no tenant's schema."""

    def enter(request: PersonRequest, **kwargs: Any) -> HttpResponseBase:
        if _is_stranger(request):
            return redirect_to_login(request.get_full_path())
        speak_to(request, request.user)
        return view(request, **kwargs)

    return _declare(enter, view, "signed_in")


def member(permission: str, fresh: bool = False, back_to: str = "") -> Callable[[View], View]:
    """Members of the merchant whose role holds `permission`.

    Takes `slug`, and `live` where the address names a world, out of the address. With
    `fresh` the person must have proved who they are within five minutes; the proof returns to
    the view's own GET, or, where it answers POST alone, to the page named `back_to`.
    """
    if permission not in roles.PERMISSIONS:
        raise KeyError(permission)

    def decorate(view: View) -> View:
        def enter(
            request: WorldRequest, slug: str, live: bool | None = None, **kwargs: Any
        ) -> HttpResponseBase:
            if _is_stranger(request):
                return redirect_to_login(request.get_full_path())
            speak_to(request, request.user)
            request.membership = _membership(request.user, slug)
            request.tenant = request.membership.tenant
            request.live = live  # type: ignore[assignment]
            refusal = _refusal(request, permission)
            if refusal is None and fresh and not proved_recently(request):
                refusal = _proof_wanted(request, back_to)
            return refusal or _within(request.tenant, _seen(view), request, kwargs)

        return _declare(enter, view, permission)

    return decorate


def payer(view: View) -> View:
    """Anyone who holds a token: it names its tenant, whatever state that is in."""

    def enter(request: PayerRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        look = recent_tenant_of_token if request.method in ("GET", "HEAD") else tenant_of_token
        request.tenant = look(token)
        return _within(request.tenant, view, request, {"token": token, **kwargs})

    return _declare(enter, view, "payer")


def messenger(view: View) -> View:
    """As `payer`, for who brings Paytm's messages: the tenant may be a second old even where it
    is posted, for nothing but where it lives is asked of it."""

    def enter(request: PayerRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        request.tenant = recent_tenant_of_token(token)
        return _within(request.tenant, view, request, {"token": token, **kwargs})

    return _declare(enter, view, "payer")


def staff(role: User.StaffRole, back_to: str = "platform") -> Callable[[View], View]:
    """Platform staff with a second factor; ADMIN views are closed to support (403).

    An ADMIN view also wants a proof within five minutes, which returns to it, or, where it
    answers POST alone, to the page named `back_to`.
    """

    def decorate(view: View) -> View:
        def enter(request: PersonRequest, **kwargs: Any) -> HttpResponseBase:
            if _is_stranger(request):
                return redirect_to_login(request.get_full_path())
            if not request.user.staff_role:
                raise Http404
            if not is_mfa_enabled(request.user):
                return _second_factor_wanted(request)
            if role == User.StaffRole.ADMIN and request.user.staff_role != role:
                raise PermissionDenied
            if role == User.StaffRole.ADMIN and not proved_recently(request):
                return _proof_wanted(request, back_to)
            return view(request, **kwargs)

        return _declare(enter, view, f"staff:{role}")

    return decorate


def _declare(enter: View, view: View, name: str) -> View:
    if hasattr(view, "access"):
        raise TypeError(f"{view.__name__} declares its access twice")
    wrapped = view if enter is view else wraps(view)(enter)
    wrapped.access = name  # type: ignore[attr-defined]
    return wrapped


def _seen(view: View) -> View:
    """The view, once it is noted that this person was here today."""

    def enter(request: MerchantRequest, **kwargs: Any) -> HttpResponseBase:
        presence.note(request.user.pk)
        return view(request, **kwargs)

    return enter


def _is_stranger(request: HttpRequest) -> bool:
    return not request.user.is_authenticated


def _membership(user: User, slug: str) -> Membership:
    membership = _MEMBERSHIPS.find(user.pk, slug)
    if membership is None:
        raise Http404
    return membership


def _refusal(request: WorldRequest, permission: str) -> HttpResponse | None:
    if request.tenant.state != Tenant.State.ACTIVE:
        return render(request, "dashboard/suspended.html", status=403)
    if not roles.may(request.membership.role, permission):
        raise PermissionDenied
    if request.live and not request.tenant.live_open:
        return render(request, "dashboard/live_closed.html", status=403)
    live = request.tenant.live_open if request.live is None else request.live
    if live and permission in roles.SECOND_FACTOR and not is_mfa_enabled(request.user):
        return _second_factor_wanted(request)
    return None


def _second_factor_wanted(request: PersonRequest) -> HttpResponse:
    if request.method in ("GET", "HEAD"):
        return redirect("mfa_index")
    return render(request, "dashboard/second_factor.html", status=403)


def proved_recently(request: HttpRequest) -> bool:
    """Whether this session's person signed in, or proved again who they are, within five minutes.

    The one meaning of it: allauth's pages about passwords, addresses and second steps ask here
    too. Between the password and the second step the session is nobody's, so nothing is proved.
    """
    proofs = [
        record["at"]
        for record in get_authentication_records(request, request.user)
        if record["method"] in PROOFS
    ]
    return bool(proofs) and time.time() - max(proofs) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def _proof_wanted(request: PersonRequest, back_to: str) -> HttpResponse:
    """Send the person to prove who they are. What they posted is not kept: it may be a key."""
    url = request.get_full_path()
    if request.method == "POST":
        messages.info(request, _("Show that it is you first, then press the button again."))
        match = request.resolver_match
        if back_to and match:
            place: dict[str, Any] = {
                name: match.kwargs[name] for name in ("slug", "live") if name in match.kwargs
            }
            url = reverse(back_to, kwargs=place)
    methods = get_adapter().get_reauthentication_methods(request.user)
    where = methods[0]["url"] if methods else reverse("account_login")
    return HttpResponseRedirect(f"{where}?{urlencode({'next': url})}")


def _within(
    tenant: Tenant, view: View, request: HttpRequest, kwargs: dict[str, Any]
) -> HttpResponseBase:
    if tenant.schema_version != provisioning.schema_version():
        return render(request, "503.html", status=503)
    tenant_key.set(tenant.key)
    with tenant_context(tenant), timezone.override(zone()):
        return view(request, **kwargs)
