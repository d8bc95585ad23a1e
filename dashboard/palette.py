"""Ctrl-K: everything of this merchant that a person may go to, found by a few letters.

What is searched: pages, reports, links by what they are for, payments and refunds by their ids and
the bank's references, the team, and the person's own other merchants. Each only where their role
sees it, and in this world. For all else the list of payments is the last that is offered.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.frame import MERCHANT, WORLD, my_merchants
from dashboard.payment_filter import PaymentFilter
from dashboard.reports import REPORTS
from dashboard.templatetags.ui import PAYMENT_STATES, REFUND_STATES
from merchants import roles
from payments import finding
from payments.models import Link, Payment, Refund
from payments.money import format_inr
from payments.searching import Term, terms_of
from payments.selecting import Selection
from tenants.access import WorldRequest
from tenants.models import Membership

LONGEST: Final = 80  # characters that are looked for
MOST: Final = 6  # of each kind
# So many of the newest links are looked through for words, and of refunds for a reference.
NEWEST_LINKS: Final = 5000
NEWEST_REFUNDS: Final = 5000
REFERENCE = re.compile(r"[a-z0-9]{6,50}")
ID_PART = re.compile(r"[a-z0-9]{2,50}")


class Found(NamedTuple):
    """Something to go to."""

    label: str
    detail: str
    icon: str
    url: str


class Group(NamedTuple):
    title: str
    found: list[Found]


class Shortcut(NamedTuple):
    """A page that is not in the navigation, or a part of one."""

    label: Any
    icon: str
    permission: str
    page: str
    of_world: bool = True
    part: str = ""


SHORTCUTS: Final = (
    Shortcut(gettext_lazy("New link"), "plus", "links.manage", "link_new"),
    Shortcut(gettext_lazy("Many links at once"), "upload", "links.manage", "link_batches"),
    Shortcut(gettext_lazy("Exceptions in payouts"), "scale", "settlements.view", "exceptions"),
    Shortcut(
        gettext_lazy("Upload a settlement report"),
        "upload",
        "settlements.manage",
        "settlement_upload",
    ),
    Shortcut(gettext_lazy("Reports by mail"), "mail", "reports.view", "report_mails"),
    Shortcut(
        gettext_lazy("Reasons and limits of refunds"),
        "list-checks",
        "refunds.rules",
        "settings_refunds",
        False,
    ),
    Shortcut(gettext_lazy("Endpoints for webhooks"), "webhook", "events.view", "endpoints"),
    Shortcut(gettext_lazy("New endpoint"), "plus", "endpoints.manage", "endpoint_new"),
    Shortcut(gettext_lazy("Paytm keys"), "key-round", "credentials.manage", "paytm_keys"),
    Shortcut(gettext_lazy("Notices"), "bell", "home.view", "notices", False),
    Shortcut(gettext_lazy("Invite someone"), "user-plus", "team.manage", "team_invite", False),
    Shortcut(
        gettext_lazy("What each role may do"), "list-checks", "team.view", "team", False, "roles"
    ),
    Shortcut(
        gettext_lazy("Settings: what payers see, logo and colour"),
        "image",
        "settings.view",
        "settings",
        False,
        "payers",
    ),
    Shortcut(
        gettext_lazy("Settings: for your books, GSTIN and time zone"),
        "building-2",
        "settings.view",
        "settings",
        False,
        "books",
    ),
    Shortcut(
        gettext_lazy("Settings: live mode"), "badge-check", "settings.view", "settings", False,
        "live",
    ),
    Shortcut(gettext_lazy("Ask for live mode"), "badge-check", "live.ask", "settings_live", False),
)  # fmt: skip
# A person's own pages: no merchant, no role.
OWN: Final = (
    ("my_merchants", "store", gettext_lazy("Your merchants")),
    ("account_email", "mail", gettext_lazy("Your account: e-mail")),
    ("account_change_password", "key-round", gettext_lazy("Your account: password")),
    ("mfa_index", "shield-check", gettext_lazy("Your account: second step")),
    ("usersessions_list", "monitor-smartphone", gettext_lazy("Your account: sessions")),
)


def find(request: WorldRequest, text: str) -> list[Group]:
    """What fits the text, in groups that are not empty; without a text, where one may go."""
    text = " ".join(text.split())[:LONGEST]
    groups = [Group(_("Pages"), _pages(request, text))]
    if text:
        role = request.membership.role
        finders: tuple[tuple[str, str, Iterator[Found]], ...] = (
            ("payments.view", _("Payments"), _payments(request, text.lower())),
            ("payments.view", _("Refunds"), _refunds(request, text.lower())),
            ("links.view", _("Links"), _links(request, text)),
            ("team.view", _("People"), _people(request, text)),
        )
        groups += [Group(t, [*found]) for needs, t, found in finders if roles.may(role, needs)]
    groups.append(Group(_("Other merchants"), _merchants(request, text)))
    if text and roles.may(request.membership.role, "payments.view"):
        groups.append(Group(_("Search"), [*_search(request, text)]))
    return [group for group in groups if group.found]


def _pages(request: WorldRequest, text: str) -> list[Found]:
    pages = [*_navigation(request), *_worlds(request)]
    if text:
        pages += [*_shortcuts(request), *_reports(request), *_own()]
    return [page for label, page in pages if _fits(text, label)]


def _navigation(request: WorldRequest) -> Iterator[tuple[Any, Found]]:
    for places, of_world in ((WORLD, True), (MERCHANT, False)):
        for place in places:
            if roles.may(request.membership.role, place.permission):
                url = _url(request, place.pages[0], of_world)
                yield place.label, Found(str(place.label), "", place.icon, url)


def _worlds(request: WorldRequest) -> Iterator[tuple[Any, Found]]:
    """The other world's home, where that is open."""
    other = not request.live
    if other and not request.tenant.live_open:
        return
    label = gettext_lazy("Switch to live") if other else gettext_lazy("Switch to test")
    url = reverse("dashboard", kwargs={"slug": request.tenant.slug, "live": other})
    yield label, Found(str(label), "", "badge-check" if other else "flask-conical", url)


def _shortcuts(request: WorldRequest) -> Iterator[tuple[Any, Found]]:
    for each in SHORTCUTS:
        if roles.may(request.membership.role, each.permission):
            url = _url(request, each.page, each.of_world)
            url += f"#{each.part}" if each.part else ""
            yield each.label, Found(str(each.label), "", each.icon, url)


def _reports(request: WorldRequest) -> Iterator[tuple[Any, Found]]:
    if roles.may(request.membership.role, "reports.view"):
        for each in REPORTS:
            url = f"{_url(request, 'reports', True)}?{urlencode({'report': each.name})}"
            yield each.title, Found(str(each.title), _("Report"), "chart-column", url)


def _own() -> Iterator[tuple[Any, Found]]:
    return ((label, Found(str(label), "", icon, reverse(name))) for name, icon, label in OWN)


def _fits(text: str, label: Any) -> bool:
    """Whether every word is somewhere in the label, as it is shown or in English."""
    with translation.override("en"):
        english = str(label)
    whole = f"{label} {english}".casefold()
    return all(word in whole for word in text.casefold().split())


def _payments(request: WorldRequest, text: str) -> Iterator[Found]:
    """By order id, whole or begun, with or without its first four characters; then by any other
    identifier, as the list finds them."""
    part = text.removeprefix("pay_")
    begun = Payment.objects.filter(live=request.live, order_id__startswith=f"pay_{part}")
    rows = _payment_rows(begun) if ID_PART.fullmatch(part) else {}
    if len(rows) < MOST:
        named = Payment.objects.filter(live=request.live, pk__in=_named(request.live, text))
        rows |= _payment_rows(named)
    for row in [*rows.values()][:MOST]:
        state = PAYMENT_STATES[row["state"]][2]
        detail = f"{row['order_id']} · {format_inr(row['amount_paise'])} · {state}"
        url = _url(request, "payment", True, id=row["id"])
        yield Found(row["description"], detail, "credit-card", url)


def _payment_rows(payments: QuerySet[Payment]) -> dict[Any, dict[str, Any]]:
    fields = ("id", "order_id", "description", "state", "amount_paise")
    return {row["id"]: row for row in payments.values(*fields)[:MOST]}


def _named(live: bool, text: str) -> list[UUID]:
    """The newest payments with an identifier that is this or ends so: Paytm's, the bank's, a
    phone. None where it would take long."""
    terms = terms_of(text)
    if len(terms) != 1 or not Term(terms[0]).end or not re.search(r"\d", text):
        return []
    return finding.keys(Selection(live, words=terms), MOST, strides=finding.STRIDES[:1]) or []


def _refunds(request: WorldRequest, text: str) -> Iterator[Found]:
    """By reference id, as payments, and the newest by the bank's reference; each leads to its
    payment."""
    part = text.removeprefix("ref_")
    if not ID_PART.fullmatch(part):
        return
    refunds = Refund.objects.filter(live=request.live)
    rows = _refund_rows(refunds.filter(ref_id__startswith=f"ref_{part}"))
    if len(rows) < MOST and REFERENCE.fullmatch(text):
        newest = refunds.order_by("-created_at", "id").values("pk")[:NEWEST_REFUNDS]
        rows |= _refund_rows(refunds.filter(_of_the_bank(text), pk__in=newest))
    for row in [*rows.values()][:MOST]:
        state = REFUND_STATES[row["state"]][2]
        detail = f"{row['ref_id']} · {format_inr(row['amount_paise'])} · {state}"
        url = _url(request, "payment", True, id=row["payment_id"])
        yield Found(row["payment__description"], detail, "undo-2", url)


def _of_the_bank(text: str) -> Q:
    names = ("bank_reference", "arn", "paytm_refund_id")
    return Q(*((f"{name}__istartswith", text) for name in names), _connector=Q.OR)


def _refund_rows(refunds: QuerySet[Refund]) -> dict[str, dict[str, Any]]:
    fields = ("payment_id", "ref_id", "payment__description", "state", "amount_paise")
    return {row["ref_id"]: row for row in refunds.values(*fields)[:MOST]}


def _links(request: WorldRequest, text: str) -> Iterator[Found]:
    """The newest whose description or reference holds the text."""
    newest = Link.objects.filter(live=request.live).order_by("-created_at", "id")
    among = newest.values("pk")[:NEWEST_LINKS]
    holds = Q(description__icontains=text) | Q(reference__icontains=text)
    found = newest.filter(holds, pk__in=among).values("id", "description", "reference")
    for row in found[:MOST]:
        url = _url(request, "link", True, id=row["id"])
        yield Found(row["description"], row["reference"], "link", url)


def _people(request: WorldRequest, text: str) -> Iterator[Found]:
    holds = Q(user__name__icontains=text) | Q(user__email__icontains=text)
    team = Membership.objects.filter(holds, tenant=request.tenant).select_related("user")
    for each in team.order_by("pk")[:MOST]:
        detail = f"{each.user.email} · {each.get_role_display()}"
        url = f"{_url(request, 'team', False)}#member-{each.pk}"
        yield Found(str(each.user), detail, "circle-user", url)


def _merchants(request: WorldRequest, text: str) -> list[Found]:
    """The person's own memberships, and nobody else's."""
    mine: Iterable[dict[str, Any]] = my_merchants(request.user, request.tenant.slug)
    others = [each for each in mine if not each["active"] and _fits(text, each["name"])]
    return [Found(each["name"], "", "store", each["url"]) for each in others[:MOST]]


def _search(request: WorldRequest, text: str) -> Iterator[Found]:
    """The list of payments that have it, unless the list would refuse to look for it."""
    if PaymentFilter({"q": text}).is_valid():
        url = f"{_url(request, 'payments', True)}?{urlencode({'q': text})}"
        yield Found(_("Search payments for “%s”") % text, "", "search", url)


def _url(request: WorldRequest, name: str, of_world: bool, **ids: Any) -> str:
    world = {"live": request.live} if of_world else {}
    return reverse(name, kwargs={"slug": request.tenant.slug, **world, **ids})
