"""Who did what in a merchant: the record narrowed, page by page, in words that people read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import dateformat, timezone, translation
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_tenants.utils import tenant_context

from dashboard import lists
from dashboard.filters import DayField
from dashboard.paging import SIZE
from merchants import acts, refund_rules
from merchants.models import AuditEvent, Endpoint, PaytmAccount
from payments.methods import Method
from payments.models import ExportFile, Link, Listed
from payments.models.event import Kind
from payments.money import format_inr
from tenants.current import zone
from tenants.models import Membership, Role, Tenant

CHUNK: Final = 1000
LONGEST: Final = 120  # characters of one value
NOTHING: Final = "—"

_of_rules = lazy(refund_rules.in_words, str)

FIELDS: Final[dict[str, Any]] = {
    "amount_paise": gettext_lazy("Amount"),
    "min_paise": gettext_lazy("At least"),
    "max_paise": gettext_lazy("At most"),
    "suggestions": gettext_lazy("Suggested amounts"),
    "description": gettext_lazy("Description"),
    "questions": gettext_lazy("Questions"),
    "ask_name": gettext_lazy("Payer's name"),
    "ask_email": gettext_lazy("Payer's e-mail"),
    "ask_phone": gettext_lazy("Payer's phone"),
    "methods": gettext_lazy("Ways to pay"),
    "reference": gettext_lazy("Reference"),
    "notes": gettext_lazy("Notes"),
    "note": gettext_lazy("Note"),
    "thanks": gettext_lazy("Thank-you message"),
    "starts_at": gettext_lazy("Opens"),
    "expires_at": gettext_lazy("Expires"),
    "since": gettext_lazy("Since"),
    "max_payments": gettext_lazy("Payments it takes"),
    "return_url": gettext_lazy("Return address"),
    "surplus_policy": gettext_lazy("Surplus"),
    "closed_words": gettext_lazy("Message while closed"),
    "state": gettext_lazy("State"),
    "why": gettext_lazy("Why"),
    "reason": gettext_lazy("Reason"),
    "reasons": gettext_lazy("Reasons"),
    "words": gettext_lazy("Words"),
    "asked_by": gettext_lazy("Asked by"),
    "approve_above_paise": gettext_lazy("A second person approves above"),
    "role": gettext_lazy("Role"),
    "invited_by": gettext_lazy("Invited by"),
    "name": gettext_lazy("Name"),
    "time_zone": gettext_lazy("Time zone"),
    "legal_name": gettext_lazy("Legal name"),
    "gstin": gettext_lazy("GSTIN"),
    "support_email": gettext_lazy("Support e-mail"),
    "support_phone": gettext_lazy("Support phone"),
    "colour": gettext_lazy("Colour"),
    "terms": gettext_lazy("Terms"),
    "terms_url": gettext_lazy("Address of the terms"),
    "logo": gettext_lazy("Logo"),
    "environment": gettext_lazy("Environment"),
    "mid": gettext_lazy("MID"),
    "website": gettext_lazy("Website name"),
    "legacy_host": gettext_lazy("Paytm's old host"),
    "key_fingerprint": gettext_lazy("Fingerprint of the key"),
    "last4": gettext_lazy("Ends with"),
    "url": gettext_lazy("Address"),
    "kinds": gettext_lazy("Wants"),
    "rows": gettext_lazy("Rows"),
    "done": gettext_lazy("Done"),
    "to": gettext_lazy("To"),
    "live": gettext_lazy("World"),
    "of": gettext_lazy("List"),
    "format": gettext_lazy("Format"),
    "selection": gettext_lazy("Narrowed to"),
    "query": gettext_lazy("Narrowed to"),
    "count": gettext_lazy("Rows"),
    "payments": gettext_lazy("On so many payments"),
    "tag": gettext_lazy("Tag"),
    **{name: _of_rules(name) for name in refund_rules.CEILINGS},
}
UNSHOWN: Final = {"id"}
NOT_YET: Final = {"count"}  # nothing to tell until it is known
SELECTIONS: Final = {"selection", "query"}
SECRET: Final = re.compile(r"secret|password|token|(^|_)key$")
TIMES: Final = {"starts_at", "expires_at", "since"}
CHOICES: Final[dict[str, dict[Any, Any]]] = {
    "role": dict(Role.choices),
    "environment": dict(PaytmAccount.Environment.choices),
    "surplus_policy": dict(Link.SurplusPolicy.choices),
    "why": dict(Endpoint.Why.choices),
    "state": dict([*Link.State.choices, *Endpoint.State.choices]),
    "of": dict(Listed.choices),
    "format": dict(ExportFile.Format.choices),
    **{name: dict(Link.Asked.choices) for name in ("ask_name", "ask_email", "ask_phone")},
}
# Where the thing is that was done to, by what stands before the act's dot; in its world, if any.
PLACES: Final = {
    "link": "link",
    "batch": "link_batch",
    "payment": "payment",
    "payments": "payments",
    "refund": "refund",
    "surplus": "payment",
    "receipt": "payment",
    "exception": "exception",
    "endpoint": "endpoint",
    "settlements": "settlements",
    "return_key": "endpoints",
    "paytm": "paytm",
    "team": "team",
    "merchant": "settings",
    "refund_rules": "settings",
    "live": "settings",
    "view": "payments",
    "export": "export",
}
OF_ONE_THING: Final = {
    *("link", "link_batch", "payment", "refund", "exception", "endpoint", "export"),
}
OF_NO_WORLD: Final = {"team", "settings"}


class ActivityFilter(forms.Form):
    """By person, kind of act and days of the merchant's, both included."""

    person = forms.UUIDField(label=gettext_lazy("Who"), required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[("", gettext_lazy("Everything")), *acts.KINDS.items()],
        required=False,
    )

    def __init__(self, data: Any, tenant: Tenant) -> None:
        super().__init__(data)
        people = _people(tenant, str(data.get("person", "")))
        self.fields["person"].widget = forms.Select(choices=[("", _("Everybody")), *people])
        self.fields["from"] = DayField(label=gettext_lazy("From"), required=False)
        self.fields["to"] = DayField(label=gettext_lazy("To"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        first, last = cleaned.get("from"), cleaned.get("to")
        if first and last and last < first:
            self.add_error("to", _("Choose a day that is not before the first."))
        return cleaned

    def narrow(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        said = self.cleaned_data
        if said["person"]:
            events = events.filter(by_id=said["person"])
        if said["kind"]:
            events = events.filter(act__in=acts.of_kind(said["kind"]))
        if said["from"]:
            events = events.filter(at__gte=_midnight(said["from"]))
        if said["to"]:
            events = events.filter(at__lt=_midnight(said["to"] + timedelta(days=1)))
        return events


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone())


def _people(tenant: Tenant, asked: str) -> list[tuple[str, str]]:
    """The team; and who is asked for, by the name they had when they were on it."""
    members = Membership.objects.filter(tenant=tenant).select_related("user").order_by("pk")
    people = {str(member.user_id): str(member.user) for member in members}
    if asked and asked not in people and (left := _by_name(asked)):
        people[asked] = left
    return [*people.items()]


def _by_name(asked: str) -> str:
    try:
        events = AuditEvent.objects.filter(by_id=UUID(asked)).order_by("-id")
    except ValueError:
        return ""
    return events.values_list("by_name", flat=True).first() or ""


@dataclass(frozen=True)
class Page:
    rows: list[dict[str, Any]]
    newer: str
    older: str


def page_of(events: QuerySet[AuditEvent], request: HttpRequest, slug: str) -> Page:
    """The page that `before` or `after` in the address names, newest first; else the newest.

    Raises BadRequest for a cursor not ours.
    """
    before, after = _cursor(request, "before"), _cursor(request, "after")
    found = list(_slice(events, before, after))
    more, found = len(found) > SIZE, found[:SIZE]
    if after:
        found.reverse()
    newer = found and (more if after else bool(before))
    older = found and (True if after else more)
    return Page(
        [row_of(event, slug) for event in found],
        _address(request, "after", found[0].pk) if newer else "",
        _address(request, "before", found[-1].pk) if older else "",
    )


def _slice(
    events: QuerySet[AuditEvent], before: int | None, after: int | None
) -> QuerySet[AuditEvent]:
    if after:
        return events.filter(pk__gt=after).order_by("pk")[: SIZE + 1]
    if before:
        events = events.filter(pk__lt=before)
    return events.order_by("-pk")[: SIZE + 1]


def _cursor(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise BadRequest(f"{name} is no cursor")
    return int(text)


def _address(request: HttpRequest, name: str, key: int) -> str:
    query = {n: v for n, v in request.GET.items() if n not in ("before", "after")}
    return f"?{urlencode(query | {name: str(key)})}"


def row_of(event: AuditEvent, slug: str) -> dict[str, Any]:
    """An act as a row of the list: who, what in words, to what, and what it changed."""
    return {
        "id": event.pk,
        "at": event.at,
        "by_id": event.by_id,
        "who": event.by_name,
        "what": acts.in_words(event.act),
        "subject": _subject_of(event),
        "url": _place_of(event, slug),
        "changes": [*changes_of(event)],
    }


def _subject_of(event: AuditEvent) -> str:
    """What it was done to; nothing where that only repeats what changed."""
    if event.subject_id and event.subject == str(event.subject_id):
        return _unnamed(event)
    return "" if set(event.subject.split(", ")) <= event.after.keys() else event.subject


def _unnamed(event: AuditEvent) -> str:
    """Early exports were written down by their ids alone: what such a one is of, and the day."""
    known = [_told(name, event.after[name]) for name in ("of", "format") if name in event.after]
    day = dateformat.format(timezone.localtime(event.at), "j M Y")
    return ", ".join([*known, day])


def changes_of(event: AuditEvent) -> Iterator[tuple[str, str, str]]:
    """What changed: its name, before and after; where there was nothing before, "" is."""
    for name in dict.fromkeys([*event.before, *event.after]):
        before, after = event.before.get(name), event.after.get(name)
        if name in UNSHOWN or (name in event.before and name in event.after and before == after):
            continue
        if name in NOT_YET and before is None and after is None:
            continue
        yield (
            str(FIELDS.get(name, name)),
            readable(name, before, event) if name in event.before else "",
            readable(name, after, event) if name in event.after else "",
        )


def readable(name: str, value: Any, event: AuditEvent | None = None) -> str:
    """A recorded value as people write it: ₹, the merchant's time, words. Never a secret. What
    narrows a list is told as the event's list tells it, or, unknown, the first that can."""
    if SECRET.search(name):
        return "•••"
    if name == "live":
        return _("Live") if value else _("Test")
    if name == "kinds":
        return _kinds(value)
    if name in SELECTIONS:
        words = _narrowed(str(value or ""), event)
    else:
        words = NOTHING if value in (None, "", [], "[]") else _told(name, value)
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def _told(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if name.endswith("_paise") and isinstance(value, int):
        return format_inr(value)
    if name in TIMES:
        local = timezone.localtime(datetime.fromisoformat(value))
        return dateformat.format(local, "j M Y, H:i")
    if name in CHOICES:
        return str(CHOICES[name].get(value, value))
    if isinstance(value, str) and value.startswith("["):
        return _listed(name, value)
    return str(value)


def _narrowed(query: str, event: AuditEvent | None) -> str:
    facts = {**event.before, **event.after} if event else {}
    known = [lists.LISTS[of] for of in Listed if facts.get("of", of) == of]
    told = (lists.in_words(listed, query) for listed in known)
    words = next((words for words in told if words is not None), [query])
    return ", ".join(words) or _("Everything")


def _listed(name: str, text: str) -> str:
    """A list, as it was written down in JSON."""
    try:
        values = json.loads(text)
    except ValueError:
        return text
    if name == "suggestions":
        return ", ".join(format_inr(paise) for paise in values)
    if name == "methods":
        return ", ".join(str(dict(Method.choices).get(word, word)) for word in values)
    return ", ".join(str(v.get("label", v)) if isinstance(v, dict) else str(v) for v in values)


def _kinds(value: Any) -> str:
    words = [str(dict(Kind.choices).get(kind, kind)) for kind in str(value or "").split()]
    return ", ".join(words) or _("Every kind")


def _place_of(event: AuditEvent, slug: str) -> str:
    """Where to look at what it was done to; "" where there is no such page."""
    name = PLACES.get(event.act.partition(".")[0], "")
    live = event.after.get("live", event.live) if event.live is None else event.live
    where: dict[str, Any] = {"slug": slug}
    if name in OF_ONE_THING:
        where["id"] = event.subject_id or _old_id(event)
    if name not in OF_NO_WORLD:
        where["live"] = live
    return reverse(name, kwargs=where) if name and None not in where.values() else ""


def _old_id(event: AuditEvent) -> UUID | None:
    """Earlier entries kept their thing's id, if at all, among what they say of it."""
    try:
        return UUID(str(event.after.get("id")))
    except ValueError:
        return None


def table_of(events: QuerySet[AuditEvent], tenant: Tenant) -> tuple[list[str], Iterator[list[Any]]]:
    """The head and the rows of a file of these acts.

    The rows are read while the file is on its way, when the request's tenant, zone and language
    are left already: each thousand enters them anew.
    """
    head = [_("When"), _("Who"), _("What"), _("Subject"), _("Changes")]
    return head, _lines(events, tenant, translation.get_language() or "en")


def _lines(events: QuerySet[AuditEvent], tenant: Tenant, language: str) -> Iterator[list[Any]]:
    last: int | None = None
    while last is None or last:
        place = ZoneInfo(tenant.time_zone)
        with tenant_context(tenant), timezone.override(place), translation.override(language):
            rest = events.filter(pk__lt=last) if last else events
            chunk = list(rest.order_by("-pk")[:CHUNK])
            lines = [_line(event, str(tenant.slug)) for event in chunk]
        yield from lines
        last = chunk[-1].pk if len(chunk) == CHUNK else 0


def _line(event: AuditEvent, slug: str) -> list[str]:
    row = row_of(event, slug)
    told = [f"{name}: {_step(before, after)}" for name, before, after in row["changes"]]
    at = timezone.localtime(event.at).isoformat(sep=" ", timespec="seconds")
    return [at, row["who"] or _("By itself"), row["what"], row["subject"], "; ".join(told)]


def _step(before: str, after: str) -> str:
    return f"{before} → {after}" if before and after else after or f"{before} → {NOTHING}"
