"""How a link does, and its payments as a table to take away."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from dashboard.exports import Amount
from dashboard.templatetags.ui import PAYMENT_STATES
from payments.methods import Method
from payments.models import Link, LinkViews, Payment
from payments.money import plain_inr
from payments.states import PaymentState

Cell = str | int


@dataclass(frozen=True)
class Funnel:
    """How many opened the page, began to pay, and paid."""

    seen: int
    started: int
    paid: int

    @property
    def started_share(self) -> int | None:
        """Of those who opened the page, in per cent."""
        return _share(self.started, self.seen)

    @property
    def paid_share(self) -> int | None:
        """Of the attempts begun, in per cent."""
        return _share(self.paid, self.started)


def _share(part: int, whole: int) -> int | None:
    """None where there is no telling: pages are counted in batches, and so a little late."""
    return part * 100 // whole if part <= whole and whole else None


def funnel_of(link: Link) -> Funnel:
    """Counted now; surplus counts as paid once it was kept as a sale."""
    seen = LinkViews.objects.filter(link=link).values_list("seen", flat=True).first()
    sale = Q(state=PaymentState.PAID) | Q(accepted_at__isnull=False)
    counts = link.payments.aggregate(started=Count("pk"), paid=Count("pk", filter=sale))
    return Funnel(seen or 0, counts["started"], counts["paid"])


def payments_table(link: Link) -> tuple[list[str], Iterator[list[Cell]]]:
    """The head and the rows, newest first. Each question that is or was asked has a column."""
    questions = [*dict.fromkeys(_labels(link))]
    head = [
        _("Time"), _("Order ID"), _("State"), _("Amount (INR)"), _("Received (INR)"),
        _("Refunded (INR)"), _("Method"), _("Name"), _("E-mail"), _("Phone"),
        *questions, _("Paytm’s transaction ID"),
    ]  # fmt: skip
    payments = link.payments.order_by("-created_at", "id")
    return head, _rows(payments.iterator(), questions)


def _labels(link: Link) -> Iterator[str]:
    yield from (each["label"] for each in link.questions)
    answered = link.payments.exclude(answers=[]).order_by("created_at", "id")
    for answers in answered.values_list("answers", flat=True).iterator():
        yield from (label for label, _answer in answers)


def _rows(payments: Iterable[Payment], questions: list[str]) -> Iterator[list[Cell]]:
    for payment in payments:
        answers = dict(payment.answered)
        yield [
            timezone.localtime(payment.created_at).isoformat(sep=" ", timespec="seconds"),
            payment.order_id,
            str(PAYMENT_STATES[payment.state][2]),
            Amount(plain_inr(payment.amount_paise)),
            Amount(plain_inr(payment.received_paise)),
            Amount(plain_inr(payment.refunded_paise)),
            str(Method(payment.method).label) if payment.method else "",
            payment.payer_name,
            payment.payer_email,
            payment.payer_phone,
            *(answers.get(label, "") for label in questions),
            payment.paytm_txn_id,
        ]
