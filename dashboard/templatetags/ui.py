"""The components every page is made of. Their markup is in templates/ui, their classes in
frontend/components.css; frontend/README.md shows one line of use for each.
"""

import json
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import segno
from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config import clock
from payments import crediting
from payments.methods import Method
from payments.models import Refund
from payments.models.event import Failure, Kind
from payments.money import format_inr, grouped

register = template.Library()
register.filter("grouped", grouped)

THEMES = ("paper", "ink")
NONE = mark_safe('<span class="none">—</span>')  # a card leaves such a cell out

# state → icon, tone, word. A state is never told by colour alone.
PAYMENT_STATES = {
    "created": ("circle-dashed", "neutral", _("Started")),
    "open": ("circle-dot", "info", _("At Paytm")),
    "pending": ("clock", "warning", _("Pending")),
    "unknown": ("circle-help", "warning", _("Being checked")),
    "paid": ("circle-check", "success", _("Paid")),
    "failed": ("circle-x", "error", _("Failed")),
    "expired": ("hourglass", "neutral", _("Not completed")),
    "surplus": ("layers-plus", "warning", _("Surplus")),
}
REFUND_STATES = {
    "held": ("circle-pause", "warning", _("Waits for approval")),
    "requested": ("circle-dashed", "info", _("Requested")),
    "sent": ("send", "info", _("Sent to Paytm")),
    "accepted": ("clock", "warning", _("Accepted")),
    "done": ("circle-check", "success", pgettext_lazy("refund", "Refunded")),
    "failed": ("circle-x", "error", _("Failed")),
    "rejected": ("ban", "error", _("Rejected")),
    "withdrawn": ("rotate-ccw", "neutral", _("Withdrawn")),
}
DELIVERY_STATES = {
    "waiting": ("clock", "info", _("On its way")),
    "delivered": ("circle-check", "success", _("Delivered")),
    "dead": ("circle-x", "error", _("Given up")),
}
ENDPOINT_STATES = {
    "enabled": ("circle-check", "success", _("Enabled")),
    "disabled": ("ban", "neutral", _("Disabled")),
    "stopped": ("triangle-alert", "error", _("Stopped by us")),
}
ALERT_ICONS = {
    "info": "info",
    "success": "circle-check",
    "warning": "triangle-alert",
    "error": "circle-alert",
}


@register.simple_tag
def product() -> str:
    """The product's name; works where there is no context."""
    return settings.PRODUCT_NAME


@register.filter
def inr(paise: int | None) -> str:
    """Integer paise as ₹1,23,45,678.50; a dash where there is no amount."""
    return "—" if paise is None else format_inr(paise)


@register.filter
def or_none(value: str) -> str:
    """The text, or a dash where there is none."""
    return value or NONE


@register.filter
def payment_method(method: str) -> str:
    """How it was paid, in a word; a dash while that is not known."""
    return str(Method(method).label) if method else "—"


@register.filter
def expected_on(refund: Refund) -> date | None:
    """The day by which the payer should have it, if one can be named."""
    return crediting.expected_on(refund)


@register.simple_tag
def when(moment: datetime | date | None, form: str = "time") -> SafeString | str:
    """A time in the active zone, short, with the exact one on hover. "date" gives the day.

    The zone of a merchant is known to its team; elsewhere the time says that it is UTC.
    """
    if moment is None:
        return "—"
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), _day(moment))
    local = timezone.localtime(moment)
    short = _day(local) if form == "date" else f"{_day(local)}, {local:%H:%M}{zone_word()}"
    exact = dateformat.format(local, "l j F Y, H:i:s T")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, short)


def zone_word() -> str:
    """What stands behind a time whose zone its reader could not know."""
    name = timezone.get_current_timezone_name()
    return f" {name}" if name == timezone.get_default_timezone_name() else ""


def _day(day: date) -> str:
    this_year = day.year == timezone.localtime(clock.now()).year
    return dateformat.format(day, "j M" if this_year else "j M Y")


@cache
def _icons() -> dict[str, str]:
    """Drawings by name, from Lucide (ISC licence; the note is in the file)."""
    text = (Path(__file__).parent.parent / "icons.json").read_text()
    icons: dict[str, str] = json.loads(text)
    return icons


@register.simple_tag
def icon(name: str, classes: str = "size-5") -> SafeString:
    """An inline drawing that says nothing by itself: a word must stand beside it.

    An unknown name draws nothing: no page of a payer's may fail over a picture.
    """
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" '
        'aria-hidden="true" focusable="false">{}</svg>',
        classes,
        mark_safe(_icons().get(name, "")),  # noqa: S308 - our own file
    )


@register.simple_tag
def badge(word: str, tone: str = "neutral", icon: str = "") -> SafeString:
    return _badge(icon, tone, word)


@register.simple_tag
def payment_state(state: str) -> SafeString:
    return _badge(*PAYMENT_STATES[state])


@register.simple_tag
def refund_state(state: str) -> SafeString:
    return _badge(*REFUND_STATES[state])


@register.simple_tag
def delivery_state(state: str) -> SafeString:
    return _badge(*DELIVERY_STATES[state])


@register.simple_tag
def endpoint_state(state: str) -> SafeString:
    return _badge(*ENDPOINT_STATES[state])


@register.filter
def event_kind(kind: str) -> str:
    """What happened, in words."""
    return str(Kind(kind).label)


@register.simple_tag
def delivery_answer(status: int | None, failure: str) -> str:
    """What an attempt brought: an HTTP status, or why there is none; a dash before the first."""
    if status:
        return f"HTTP {status}"
    return str(Failure(failure).label) if failure else "—"


def _badge(name: str, tone: str, word: Any) -> SafeString:
    drawing = icon(name, "size-3.5") if name else ""
    return format_html('<span class="badge tone-{}">{}{}</span>', tone, drawing, word)


@register.simple_tag(takes_context=True)
def theme_attr(context: template.Context) -> SafeString:
    """The data-theme a person chose, from the cookie the toggle sets; else nothing."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme") if request else None
    return format_html(' data-theme="{}"', chosen) if chosen in THEMES else mark_safe("")


@register.simple_block_tag
def page_header(
    content: str, title: str, intro: str = "", back: str = "", back_label: str = ""
) -> str:
    return _ui("page_header", actions=content, title=title, intro=intro, back=back,
               back_label=back_label)  # fmt: skip


@register.simple_block_tag
def card(content: str, title: str = "", flush: bool = False) -> str:
    return _ui("card", content=content, title=title, flush=flush)


@register.simple_block_tag
def empty_state(content: str, icon: str, title: str, text: str) -> str:
    return _ui("empty_state", action=content, icon=icon, title=title, text=text)


@register.simple_block_tag
def alert(content: str, tone: str, title: str = "") -> str:
    return _ui("alert", content=content, tone=tone, title=title, icon=ALERT_ICONS[tone])


@register.simple_block_tag
def data_table(content: str, caption: str) -> str:
    return _ui("data_table", content=content, caption=caption)


@register.simple_block_tag
def facts(content: str) -> SafeString:
    return format_html('<dl class="facts">{}</dl>', content)


@register.simple_block_tag
def confirm(content: str, label: str, title: str, tone: str = "", open: bool = False) -> str:
    return _ui("confirm", content=content, label=label, title=title, tone=tone, open=open)


@register.simple_tag
def stat(label: str, value: str, url: str = "", note: str = "", tone: str = "") -> str:
    return _ui("stat", label=label, value=value, url=url, note=note, tone=tone)


@register.simple_tag
def pagination(newer: str = "", older: str = "") -> str:
    return _ui("pagination", newer=newer, older=older)


@register.simple_tag
def copy_field(label: str, value: str, secret: bool = False) -> str:
    """A value to take away. The id is derived from the label: one of a label per page."""
    return _ui("copy_field", label=label, value=value, secret=secret)


@register.simple_tag
def copy_id(value: str) -> SafeString:
    """A small button that copies what stands before it; there is none without JavaScript."""
    return format_html(
        '<button class="copy-id" type="button" title="{}" data-copy-text="{}" data-done="{}"'
        " hidden>{}<span class=\"sr-only\">{}</span><span data-copy-word>{}</span></button>",
        _("Copy"), value, _("Copied"), icon("copy", "size-3.5"), value, _("Copy"),
    )  # fmt: skip


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    """A QR code, dark on white in every theme and on paper."""
    drawing = segno.make_qr(text, error="m").svg_inline(
        border=3, light="#fff", dark="#000", omitsize=True, svgclass=None, lineclass=None
    )
    return format_html(
        '<div class="qr" role="img" aria-label="{}">{}</div>',
        label,
        mark_safe(drawing),  # noqa: S308 - drawn by us
    )


@register.simple_tag
def timeline(entries: list[Any]) -> str:
    return _ui("timeline", entries=entries)


@register.simple_tag
def steps(items: list[Any]) -> str:
    return _ui("steps", items=items)


@register.simple_tag
def tabs(items: list[Any]) -> str:
    return _ui("tabs", items=items)


@register.simple_tag
def bar_chart(title: str, bars: list[dict[str, Any]]) -> str:
    """Bars, oldest first, as a list of links or words. A value is an int ≥ 0."""
    highest = max((bar["value"] for bar in bars), default=0)
    every = len(bars) // 6 + 1
    drawn = [
        {
            **bar,
            "height": _height(bar["value"], highest),
            "tick": place % every == 0 and place + every <= len(bars),
        }
        for place, bar in enumerate(reversed(bars))
    ]
    top = max(bars, key=lambda bar: bar["value"], default=None)
    return _ui("bar_chart", title=title, bars=drawn, top=top)


@register.simple_tag
def named_bars(title: str, bars: list[dict[str, Any]]) -> str:
    """Bars with names of their own, one below the other: a picture of the table beneath it."""
    highest = max((bar["value"] for bar in bars), default=0)
    drawn = [{**bar, "height": _height(bar["value"], highest)} for bar in bars]
    return _ui("named_bars", title=title, bars=drawn)


def _height(value: int, highest: int) -> int:
    """Of 100; a value that is not nothing can always be seen."""
    return max(1, value * 100 // highest) if value else 0


def _ui(name: str, **context: Any) -> str:
    return render_to_string(f"ui/{name}.html", context)
