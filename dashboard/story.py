"""A payment's timeline in words: every claim, who made it, and its evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import attrgetter
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.templatetags.ui import PAYMENT_STATES, REFUND_STATES
from payments.failures import cause
from payments.models import Message, Payment, Refund, TimelineEntry
from payments.money import format_inr
from payments.states import PaymentState

# What happened → icon and words. `%(amount)s` is the refund's.
KINDS = {
    "created": ("circle-dashed", gettext_lazy("The payer pressed Pay")),
    "handed_over": ("external-link", gettext_lazy("Paytm took the order; the payer goes there")),
    "no_token": ("circle-alert", gettext_lazy("Paytm did not take the order")),
    "callback": ("inbox", gettext_lazy("The payer's browser came back from Paytm")),
    "webhook": ("bell", gettext_lazy("Paytm's webhook arrived")),
    "status": ("badge-check", gettext_lazy("Paytm answered: %(state)s")),
    "no_answer": ("circle-help", gettext_lazy("Paytm gave no usable answer")),
    "refund_no_answer": (
        "circle-help",
        gettext_lazy("Paytm gave no usable answer about the refund of %(amount)s"),
    ),
    "asked": ("search", gettext_lazy("Paytm was asked by hand")),
    "surplus_kept": ("layers-plus", gettext_lazy("The surplus was kept as a sale")),
    "refund_waits": ("hourglass", gettext_lazy("The refund of %(amount)s is tried again later")),
    "refund_given_up": ("ban", gettext_lazy("The refund of %(amount)s is not tried again")),
    "refund_overtaken": (
        "ban",
        gettext_lazy("The refund of %(amount)s is not tried again: Paytm gave money back itself"),
    ),
    "refund_discovered": (
        "undo-2",
        gettext_lazy("Paytm says that %(amount)s was given back from its own dashboard"),
    ),
    "refund_conflict": (
        "triangle-alert",
        gettext_lazy("Paytm says that more was given back than ever arrived"),
    ),
    "refund_requested": ("undo-2", gettext_lazy("Refund of %(amount)s asked for")),
    "refund_held": (
        "circle-pause",
        gettext_lazy("Refund of %(amount)s asked for; a second person must approve it"),
    ),
    "refund_approved": ("circle-check", gettext_lazy("Refund of %(amount)s approved")),
    "refund_rejected": ("ban", gettext_lazy("Refund of %(amount)s rejected")),
    "refund_withdrawn": ("rotate-ccw", gettext_lazy("Refund of %(amount)s withdrawn")),
    "refund": ("undo-2", gettext_lazy("Paytm answered about the refund of %(amount)s: %(state)s")),
    "receipt_sent": ("mail", gettext_lazy("The receipt was sent again")),
    "settled": ("landmark", gettext_lazy("Paytm paid it out")),
    "refund_settled": (
        "landmark",
        gettext_lazy("Paytm took the refund of %(amount)s off a payout"),
    ),
    "refund_webhook": ("bell", gettext_lazy("Paytm's refund webhook arrived")),
    "note": ("message-circle", gettext_lazy("Note")),
}
SILENCE = {"no_answer", "refund_no_answer"}
WARNINGS = {"no_token", "refund_conflict", *SILENCE}

# The verdict on a message, or the word for why there was no answer → what it means.
MEANINGS = {
    "verified": gettext_lazy("Its checksum is right: a reason to ask Paytm, not yet a proof."),
    "refused:bad_checksum": gettext_lazy("Not believed: its checksum is wrong. Paytm is asked."),
    "refused:no_checksum": gettext_lazy("Not believed: it carries no checksum. Paytm is asked."),
    "refused:wrong_mid": gettext_lazy("Not believed: it names another MID. Paytm is asked."),
    "refused:malformed": gettext_lazy("Not believed: it cannot be read. Paytm is asked."),
    "unreachable": gettext_lazy("No connection was made, so nothing happened there."),
    "noanswer": gettext_lazy("Silence, or an error of the server. We ask again."),
    "unknown": gettext_lazy("What came back says nothing for certain. We ask again."),
    "notpaytm": gettext_lazy("Something else than Paytm answered. We ask again."),
    "forged": gettext_lazy("The answer's signature is wrong, so it counts for nothing."),
    "refused": gettext_lazy("Paytm refused the question."),
}
REFUSED = gettext_lazy("Not believed: it breaks Paytm's own rules. Paytm is asked.")

# What a state means for the merchant and the payer.
OUTCOMES = {
    "created": gettext_lazy("The payer pressed Pay. Paytm has not taken the order yet."),
    "open": gettext_lazy("The payer is at Paytm. Nothing is decided, and no money has moved."),
    "pending": gettext_lazy("The bank has not decided. The payer must not pay again meanwhile."),
    "unknown": gettext_lazy("Paytm's answer is missing. The payer must not pay again meanwhile."),
    "paid": gettext_lazy("Paytm confirmed it and owes you this money."),
    "failed": gettext_lazy("No money reached you. Should Paytm correct itself, it shows here."),
    "expired": gettext_lazy("The payer did not finish. Paytm knows of no money that moved."),
    "surplus": gettext_lazy(
        "Paytm took money that was not owed: another amount than asked, or a link that was"
        " already paid. It is not counted as a sale. Speak with the payer."
    ),
}


@dataclass(frozen=True)
class Outcome:
    """A payment's state: a drawing, a word, and what it means."""

    icon: str
    tone: str
    word: Any
    meaning: Any


def outcome_of(payment: Payment) -> Outcome:
    return Outcome(*PAYMENT_STATES[payment.state], _meaning_of(payment))


def _meaning_of(payment: Payment) -> Any:
    if payment.state == PaymentState.FAILED:
        known = cause(payment.result_code)
        return f"{known.why}. {known.advice} {OUTCOMES[payment.state]}"
    if payment.state != PaymentState.PAID:
        return OUTCOMES[payment.state]
    if payment.settled_on:
        day = format_date(payment.settled_on, "j M Y")
        return _("Paytm confirmed it, and paid it out on %(day)s.") % {"day": day}
    left = payment.received_paise - payment.refunded_paise
    if payment.refunded_paise and left:
        return _("Paytm confirmed it and owes you what was not given back: %(left)s.") % {
            "left": format_inr(left)
        }
    return _("Paytm confirmed it. All of it was given back.") if not left else OUTCOMES["paid"]


@dataclass(frozen=True)
class Moment:
    """An entry as ui/timeline.html shows it; `raw` is the message, secrets blanked."""

    time: datetime
    icon: str
    tone: str
    title: str
    detail: str
    who: str
    source: str
    raw: str


def story_of(payment: Payment) -> Iterator[Moment]:
    """What happened to the payment and what Paytm said unasked, oldest first. Two queries."""
    entries = payment.timeline.exclude(kind__in=Message.UNASKED)
    told = map(_moment, entries.select_related("message", "refund").order_by("id"))
    unasked = payment.messages.filter(source__in=Message.UNASKED).order_by("id")
    return merge(map(_heard, unasked), told, key=attrgetter("time"))


def story_of_refund(refund: Refund) -> Iterator[Moment]:
    """What happened to one refund, oldest first. One query."""
    entries = TimelineEntry.objects.filter(payment=refund.payment_id, refund=refund)
    for entry in entries.select_related("message", "refund").order_by("id"):
        yield _moment(entry)


def _heard(message: Message) -> Moment:
    icon, title = KINDS[message.source]
    refused = message.verdict.startswith("refused:")
    return Moment(
        time=message.received_at,
        icon=icon,
        tone="warning" if refused else "neutral",
        title=str(title),
        detail=str(MEANINGS.get(message.verdict, REFUSED if refused else message.verdict)),
        who="",
        source=message.get_source_display(),
        raw=message.raw,
    )


def _moment(entry: TimelineEntry) -> Moment:
    icon, title = KINDS.get(entry.kind, ("info", entry.kind))
    states = REFUND_STATES if entry.refund else PAYMENT_STATES
    state_icon, state_tone, word = states[entry.state]
    answered = entry.kind in ("status", "refund")
    amount = format_inr(entry.refund.amount_paise) if entry.refund else ""
    return Moment(
        time=entry.at,
        icon=state_icon if answered else icon,
        tone=state_tone if answered else "warning" if entry.kind in WARNINGS else "neutral",
        title=str(title) % {"amount": amount, "state": word},
        detail=_detail(entry),
        who=entry.by_name,
        source=entry.message.get_source_display() if entry.message else "",
        raw=entry.message.raw if entry.message else "",
    )


def _detail(entry: TimelineEntry) -> Any:
    if entry.kind in SILENCE:
        return MEANINGS.get(entry.words, entry.words)
    if entry.kind == "refund_conflict":
        return format_inr(int(entry.words))
    if entry.kind in ("refund_requested", "refund_held") and entry.words:
        return _("Reason: %(reason)s") % {"reason": entry.words}
    if entry.kind == "receipt_sent":
        return _("To %(address)s") % {"address": entry.words}
    return entry.words
