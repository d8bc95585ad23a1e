"""The payer's pages, and the addresses that Paytm calls."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.client_ip import client_network
from config.clock import now
from merchants import branding
from merchants.models import Profile
from payments import (
    collecting,
    ledger,
    notices,
    own_attempts,
    page_memory,
    reasons,
    receipting,
    shown,
)
from payments.asking import ask_on_view
from payments.forms import PayForm, ReportForm
from payments.methods import Method
from payments.models import Link, Message, Payment
from payments.paytm import payment_page_url
from payments.paytm_addresses import world_of
from payments.returning import return_url
from payments.states import REFUND_INSIDE
from tenants import limits
from tenants.access import PayerRequest, messenger, payer
from tenants.current import zone
from tenants.models import PageReport

MINUTE, HOUR = 60, 3600
POSTS = 120  # a minute, address and link
BEGUN = 30  # attempts of those that are new
REPORTS = 5  # an hour and address
PDFS = 30  # a minute, address and payment

# A receipt's number comes within seconds; longer than this a page does not look out for it.
NUMBERED_WITHIN = timedelta(minutes=2)


# What answers a payment that was not begun; a link that is closed is gone for now (410).
NOT_BEGUN = {
    "foreign": 403,
    "early": 403,
    "held": 409,
    "pending": 409,
    "own_pending": 409,
    "in_flight": 409,
    "changed": 409,
    "other_body": 422,
    "too_many": 429,
}


class TooMany(collecting.NotNow):
    """This address begins too many payments."""

    reason = "too_many"

    def __init__(self) -> None:
        super().__init__()
        self.seconds = limits.seconds_left(MINUTE)


class OldPrice(collecting.NotNow):
    """The page showed another price than the link has now."""

    reason = "changed"


@payer
@csrf_exempt
@cache_control(no_cache=True)  # browsers keep a 410 for ever, but a closed link may open again
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: PayerRequest, token: str) -> HttpResponse:
    """The pay page of a link; posting it starts a payment and leads to Paytm."""
    own = request.method == "POST" or own_attempts.known(request)
    true_of = None if own else page_memory.mark(request.tenant, token)  # before what it is true of
    link = _link(token)
    if request.method == "POST":
        return _start(request, link)
    if not shown.look(request.META, token):
        return _pay_page(request, link, PayForm(link=link), "too_many", MINUTE)
    return _look(request, link, true_of)


def _look(request: PayerRequest, link: Link, true_of: page_memory.Mark | None) -> HttpResponse:
    """The link's page; made to be shown again where it is for anybody."""
    form = PayForm(link=link, initial={"key": shown.KEY if true_of else shown.new_key()})
    refusal = collecting.why_not_now(link, own_attempts.known(request))
    if refusal is None:
        page = _pay_page(request, link, form)
    else:
        page = _pay_page(request, link, form, refusal.reason, refusal.seconds)
    if true_of:
        shown.offer(page, request.tenant, link, true_of, getattr(refusal, "until", None))
    return page


def _start(request: PayerRequest, link: Link) -> HttpResponse:
    form = PayForm(request.POST, link=link)
    if is_foreign(request):
        return _pay_page(request, link, form, "foreign")
    try:
        _count(request, link, "pay", POSTS)
        if not form.is_valid():
            return _pay_page(request, link, form, status=422)
        payment = _attempt(request, link, form)
    except collecting.NotNow as refusal:
        if isinstance(refusal, OldPrice):
            form = PayForm(link=link, initial={"key": shown.new_key()})
        return _pay_page(request, link, form, refusal.reason, refusal.seconds)
    response = _see("pay_go" if payment.can_be_paid_now else "pay_status", payment.token)
    return own_attempts.remember(request, response, payment)


def _attempt(request: PayerRequest, link: Link, form: PayForm) -> Payment:
    """The payer's own attempt, or a new one. Only new ones count against the lower limit, for
    behind one address may stand a shop full of people."""
    key = form.cleaned_data["key"]
    if form.is_of_old_price:
        raise OldPrice
    payment = collecting.resume(link, form.paise, key, own_attempts.known(request), form.told)
    if payment is None:
        _count(request, link, "begin", BEGUN)
        payment = collecting.begin(link, form.paise, key, form.told)
    return payment


def _count(request: PayerRequest, link: Link, what: str, most: int) -> None:
    if not limits.hit(f"{what}:{client_network(request.META)}:{link.pk}", most, MINUTE):
        raise TooMany


def _pay_page(
    request: PayerRequest,
    link: Link,
    form: PayForm,
    reason: str = "",
    seconds: int = 0,
    status: int = 200,
) -> HttpResponse:
    context = {
        "link": link,
        "form": form,
        "closed": reasons.CLOSED.get(reason),
        "said": link.closed_words if reason == collecting.Closed.DISABLED else "",
        "methods": [Method(word).label for word in link.methods],
        "under_way": collecting.under_way(link, own_attempts.known(request)),
    }
    code = NOT_BEGUN.get(reason, 410) if reason else status
    page = _page(request, "pay/link.html", link.live, context, code)
    if seconds:
        page["Retry-After"] = str(seconds)
    return page


@payer
@never_cache
@require_safe
def go(request: PayerRequest, token: str) -> HttpResponse:
    """The hop to Paytm's page: a form that submits itself, or by its button."""
    payment = _payment(token)
    if not _can_continue(payment):
        return _see("pay_status", token)
    base_url = payment.account.base_url
    action = payment_page_url(base_url, mid=payment.account.mid, order_id=payment.order_id)
    context = {"link": payment.link, "payment": payment, "action": action}
    response = _page(request, "pay/go.html", payment.live, context)
    response._csp_update = {"form-action": [_origin(base_url)]}  # type: ignore[attr-defined]
    return response


@payer
@never_cache
@require_safe
def status(request: PayerRequest, token: str) -> HttpResponse:
    """What became of a payment, as Paytm says now: paid, failed, or being checked."""
    payment = ask_on_view(_payment(token))
    can_continue, paise = _can_continue(payment), ledger.received(payment)
    receipt = receipting.of(payment) if payment.has_arrived else None
    settles = reasons.shown(payment) == "checking" and not payment.has_arrived
    context = {
        "link": payment.link,
        "payment": payment,
        "paise": paise,
        "return_url": return_url(payment, paise) if payment.has_arrived else "",
        "shown": reasons.shown(payment),
        "arrived": payment.has_arrived,
        "receipt": receipt,
        "thanks": reasons.thanks(payment),
        "settles": settles,
        "changes": settles or (receipt is None and _is_being_numbered(payment)),
        "words": reasons.of_payment(payment, can_continue),
        "can_continue": can_continue,
        # What waits for a second person of the merchant's, or was refused by one, is no promise.
        "refunds": payment.refunds.exclude(state__in=REFUND_INSIDE).order_by("created_at"),
    }
    return _page(request, "pay/status.html", payment.live, context)


@payer
@never_cache
@require_safe
def receipt(request: PayerRequest, token: str) -> HttpResponse:
    """The receipt as a PDF, once it has its number."""
    from payments.receipt_pdf import pdf_of  # late: fpdf2 takes half a second

    payment = _payment(token)
    numbered = receipting.of(payment)
    if numbered is None:
        raise Http404
    if not limits.hit(f"pdf:{client_network(request.META)}:{payment.pk}", PDFS, MINUTE):
        words = _("Asked for too often within a minute. Wait a little.")
        return limits.until_next(HttpResponse(words, "text/plain", 429), MINUTE)
    response = HttpResponse(pdf_of(payment, numbered), content_type="application/pdf")
    name = str(numbered).replace("/", "-")
    response["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return response


@payer
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: PayerRequest, token: str) -> HttpResponse:
    """A payer tells the platform's staff that this page is not right."""
    link = _link(token)
    form = ReportForm(request.POST or None)
    context = {"link": link, "form": form, "words": reasons.REPORTED}
    if request.method != "POST":
        return _page(request, "pay/report.html", link.live, context)
    if is_foreign(request):
        raise PermissionDenied
    if not form.is_valid():
        return _page(request, "pay/report.html", link.live, context, 422)
    if not limits.hit(f"report:{client_network(request.META)}", REPORTS, HOUR):
        page = _page(request, "pay/report.html", link.live, context | {"too_many": True}, 429)
        return limits.until_next(page, HOUR)
    PageReport.objects.create(tenant=request.tenant, link_token=link.token, **form.cleaned_data)
    return _page(request, "pay/reported.html", link.live, context)


@payer
@require_safe
def logo(request: PayerRequest, token: str) -> HttpResponse:
    """The merchant's logo on a link's page."""
    _link(token)
    profile = Profile.objects.get()
    if not profile.logo_png:
        raise Http404
    return _shared(HttpResponse(bytes(profile.logo_png), content_type="image/png"))


@payer
@require_safe
def brand(request: PayerRequest, token: str) -> HttpResponse:
    """The merchant's colour, as a style sheet of a link's page."""
    _link(token)
    colour = _profile().colour
    if not colour:
        raise Http404
    return _shared(HttpResponse(branding.style_sheet(colour), content_type="text/css"))


@payer
@require_safe
def terms(request: PayerRequest, token: str) -> HttpResponse:
    """What a payer agrees to, in the merchant's own words."""
    link = _link(token)
    if not _profile().terms:
        raise Http404
    return _page(request, "pay/terms.html", link.live, {"link": link})


@messenger
@csrf_exempt
def paytm_callback(request: PayerRequest, token: str) -> HttpResponse:
    """The payer's browser comes back from Paytm with a signed hint."""
    live = world_of(token)
    if request.method != "POST":  # the address was opened again by hand
        return _refused(request, live, None, 405)
    pairs = notices.pairs_of(_body(request))
    if pairs is None:
        return _refused(request, live, None, 400)
    received = notices.receive_form(pairs, live, Message.Source.CALLBACK)
    if received.token:
        return _see("pay_status", received.token)
    return _refused(request, live, received.payment, 400 if received.payment else 404)


@messenger
@csrf_exempt
@require_POST
def paytm_webhook(request: PayerRequest, token: str) -> HttpResponse:
    """Paytm's server tells of a payment or a refund."""
    live = world_of(token)
    body = _body(request)
    if body is not None and _is_json(request, body):
        received = notices.receive_json(body.decode("utf-8", "replace"), live)
    else:
        pairs = notices.pairs_of(body)
        if pairs is None:
            return HttpResponse("unreadable", status=400, content_type="text/plain")
        received = notices.receive_form(pairs, live, Message.Source.WEBHOOK)
    code = 200 if not received.refused else 400 if received.payment else 404
    return HttpResponse(received.refused or "ok", status=code, content_type="text/plain")


def is_foreign(request: HttpRequest) -> bool:
    """Whether another site's page sent this; a missing Origin is not a browser's."""
    origin = request.headers.get("Origin")
    return origin is not None and origin != f"{request.scheme}://{request.get_host()}"


def _refused(request: PayerRequest, live: bool, payment: Payment | None, code: int) -> HttpResponse:
    words = reasons.MISTRUSTED if payment else reasons.UNKNOWN_ORDER
    context: dict[str, Any] = {
        "link": payment and payment.link,
        "payment": payment,
        "words": words,
    }
    if payment:  # this page itself cannot be asked for again in another language
        context["here"] = reverse("pay_status", kwargs={"token": payment.token})
    return _page(request, "pay/refused.html", live, context, code)


def _shared(response: HttpResponse) -> HttpResponse:
    """Its address changes with what it holds, so anybody may keep it for an hour."""
    response["Cache-Control"] = "public, max-age=3600"
    return response


def _see(name: str, token: str) -> HttpResponse:
    response = HttpResponseRedirect(reverse(name, kwargs={"token": token}))
    response.status_code = 303
    return response


def _link(token: str) -> Link:
    link = Link.objects.filter(token=token).first()
    if link is None:
        raise Http404
    return link


def _payment(token: str) -> Payment:
    payment = Payment.objects.select_related("account", "link").filter(token=token).first()
    if payment is None:
        raise Http404
    return payment


def _is_being_numbered(payment: Payment) -> bool:
    """Whether it arrived so lately that the number of its receipt is still to come."""
    since = payment.decided_at
    return payment.has_arrived and since is not None and since > now() - NUMBERED_WITHIN


def _can_continue(payment: Payment) -> bool:
    """Whether the payer may still go to Paytm: the token lives, and the link takes money."""
    return payment.can_be_paid_now and not collecting.why_closed(payment.link)


def _body(request: HttpRequest) -> bytes | None:
    """The raw body, or None when it is too long."""
    body = request.read(notices.MAX_BYTES + 1)
    return body if len(body) <= notices.MAX_BYTES else None


def _is_json(request: HttpRequest, body: bytes) -> bool:
    """Whether the sender calls it JSON, or says nothing of it and it looks so."""
    vague = request.content_type in ("", "text/plain")
    return request.content_type == "application/json" or (vague and body.startswith(b"{"))


def _page(
    request: PayerRequest, template: str, live: bool, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """One of the merchant's pages for payers, its times in the merchant's zone."""
    face = {"merchant": request.tenant, "profile": _profile(), "live": live}
    with timezone.override(zone()):
        return render(request, template, context | face, status=status)


def _profile() -> Profile:
    """The merchant as payers see it, without the logo's bytes."""
    return Profile.objects.defer("logo_png").get()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
