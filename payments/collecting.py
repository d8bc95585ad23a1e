"""Starting a payment: a payer pressed *Pay* on a link's page."""

import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse

from config import metrics
from config.clock import now
from merchants.models import PaytmAccount, Profile
from merchants.sealing import CannotOpen
from payments import searching
from payments.asking import ask_later, ask_on_view
from payments.clients import client_for
from payments.models import Link, Payment
from payments.outbox import payment_changed
from payments.paytm import PaytmError, Refused, Unreachable
from payments.questions import Answer
from payments.schedule import DAY, MINUTE
from payments.settling import GRACE, TOKEN_LIFE
from payments.states import PAYMENT_RANK, PaymentState, may_become
from payments.timeline import note
from tenants.current import current_tenant
from tenants.models import Tenant
from tenants.routing import new_token

logger = logging.getLogger(__name__)

IN_FLIGHT = MINUTE
HOLDS = 3 * DAY  # Paytm: late notification
STARTING = (PaymentState.CREATED, PaymentState.UNKNOWN, PaymentState.OPEN)
ASKED_AT_ONCE = 3  # attempts that a newcomer waits for


class NotNow(Exception):
    """No payment was begun. `reason` is a word that reasons.CLOSED tells the payer more about;
    `seconds`, where it is not 0, says when it is worth to try again."""

    reason = ""
    seconds = 0


class CannotPay(NotNow):
    """The link takes no payment now; `reason` is a word of `Closed`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InFlight(NotNow):
    """The same form is being worked on this moment."""

    reason = "in_flight"


class OtherBody(NotNow):
    """The same form key came with another amount."""

    reason = "other_body"


class OwnPending(NotNow):
    """A payment of this browser's is being decided at the bank."""

    reason = "own_pending"


class Held(NotNow):
    """Others pay, or have paid and the bank decides, and hold every place left. `seconds` until
    one may be free; `until` then what is said here is to be looked at anew."""

    def __init__(self, holders: Collection[Payment]) -> None:
        super().__init__(len(holders))
        pending = all(holder.state == PaymentState.PENDING for holder in holders)
        self.reason = "pending" if pending else "held"
        self.seconds = _seconds_until_free([holder.paytm_token_until for holder in holders])
        self.until = min(_holds_until(holder) for holder in holders)


@dataclass(frozen=True)
class Closed:
    """Why a link takes no money, in the words of its page."""

    SUSPENDED = "suspended"
    EARLY = "early"
    DISABLED = "disabled"
    EXPIRED = "expired"
    USED = "used"
    FULL = "full"
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True)
class Told:
    """What a payer said when starting: as payments.models.Payment keeps it."""

    payer_name: str = ""
    payer_email: str = ""
    payer_phone: str = ""
    answers: list[list[Answer]] = field(default_factory=list)
    language: str = "en"


NOTHING = Told()


def why_closed(link: Link) -> str:
    """A word of `Closed`, or an empty string while the link takes money."""
    if current_tenant().state != Tenant.State.ACTIVE:
        return Closed.SUSPENDED
    if link.state != Link.State.ACTIVE:
        return Closed.DISABLED
    if link.not_yet_open:
        return Closed.EARLY
    if link.expired:
        return Closed.EXPIRED
    if _is_used_up(link):
        return _used_up(link)
    if not active_accounts(link.live).exists():
        return Closed.NO_ACCOUNT
    return ""


def why_not_now(link: Link, own: Collection[str]) -> NotNow | None:
    """What tells whoever looks at a link that they cannot begin to pay; None when they can.

    An attempt whose token is dead holds off nobody who only looks: to begin asks Paytm about it.
    """
    reason, mine = why_closed(link), under_way(link, own)
    if reason:
        return CannotPay(reason)
    if mine and mine.state == PaymentState.PENDING:
        return OwnPending()
    if link.max_payments is None or mine:
        return None
    holders = [each for each in _holding(link) if _holds_until(each) > now()]
    return Held(holders) if holders and _is_used_up(link, len(holders)) else None


def _is_used_up(link: Link, held: int = 0) -> bool:
    """Whether every place of a link is taken, or `held`."""
    if link.max_payments is None:
        return False
    return link.payments.exclude(slot=None).count() + held >= link.max_payments


def _used_up(link: Link) -> str:
    return Closed.USED if link.one_time else Closed.FULL


def active_accounts(live: bool) -> QuerySet[PaytmAccount]:
    return PaytmAccount.objects.filter(live=live, state=PaytmAccount.State.ACTIVE)


def resume(
    link: Link,
    amount_paise: int,
    request_key: str | None,
    own: Collection[str] = (),
    told: Told = NOTHING,
) -> Payment | None:
    """The attempt that this payer has here already, or None: then they may `begin` one.

    It is theirs by the key of the form they sent, or because their browser names its token
    among its `own`. While it can still be paid, it goes on with what they tell now. Raises
    CannotPay, InFlight and OtherBody.
    """
    payment = _same_form(link, amount_paise, request_key) or _own(link, amount_paise, own)
    if payment and payment.state in STARTING:
        _refuse_closed(link)
        if told != NOTHING:
            _tell(payment, told)
    return payment


def _tell(payment: Payment, told: Told) -> None:
    with transaction.atomic():
        same = Payment.objects.filter(pk=payment.pk, state=payment.state)
        if same.update(**asdict(told)):
            searching.write(payment.pk)


def begin(link: Link, amount_paise: int, request_key: str | None, told: Told = NOTHING) -> Payment:
    """A new attempt, handed over to Paytm in this call and never again.

    Afterwards its state says how to go on: OPEN has a token to pay with, anything else is
    told on the status page. Raises CannotPay, Held and InFlight.
    """
    _refuse_closed(link)
    if link.max_payments is not None:
        _ask_about_the_late(link)
    return _hand_over(_create(link, amount_paise, request_key, told))


def under_way(link: Link, own: Collection[str]) -> Payment | None:
    """The newest attempt of this browser's that may yet become a payment of the link."""
    return _holding(link).filter(token__in=own).order_by("-created_at").first() if own else None


def _same_form(link: Link, amount_paise: int, request_key: str | None) -> Payment | None:
    if not request_key:
        return None
    payment = _attempts(link).filter(request_key=request_key).first()
    if payment is None:
        return None
    if payment.amount_paise != amount_paise:
        raise OtherBody
    if payment.state != PaymentState.CREATED:
        return payment
    if payment.created_at > now() - IN_FLIGHT:
        raise InFlight
    # Whoever was to hand it over is gone, and with them the token, if Paytm gave one.
    return _move(payment, PaymentState.UNKNOWN, "no_token", words="interrupted")


def _own(link: Link, amount_paise: int, own: Collection[str]) -> Payment | None:
    """What this browser has under way here: an attempt at this very amount, or whatever is
    pending at the bank. Nobody is sent to pay another amount than they typed."""
    same = Q(amount_paise=amount_paise) | Q(state=PaymentState.PENDING)
    mine = _holding(link).filter(same, token__in=own).order_by("-created_at").first()
    if mine is None or mine.can_be_paid_now or mine.state == PaymentState.PENDING:
        return mine
    asked = ask_on_view(mine)
    return None if asked.state in (PaymentState.FAILED, PaymentState.EXPIRED) else asked


def _attempts(link: Link) -> QuerySet[Payment]:
    return Payment.objects.select_related("account", "link").filter(link=link)


def _holding(link: Link) -> QuerySet[Payment]:
    """Attempts that may yet become payments of the link. Each holds one of its places.

    One without a token was never anybody's to pay; all others hold until a status answer says
    that they failed, or that Paytm knows of none after their token was dead. After three days
    none does: Paytm itself asks the bank no longer, and what comes then is surplus.
    """
    fresh = Q(state=PaymentState.CREATED, created_at__gt=now() - IN_FLIGHT)
    at_paytm = Q(state__in=(PaymentState.OPEN, PaymentState.UNKNOWN)) & ~Q(paytm_token="")
    young = _attempts(link).filter(created_at__gt=now() - HOLDS)
    return young.filter(fresh | at_paytm | Q(state=PaymentState.PENDING))


def _ask_about_the_late(link: Link) -> None:
    """Free the places of attempts whose time is over, if Paytm says that they were not paid."""
    late = _holding(link).filter(paytm_token_until__lt=now() - GRACE)
    late = late.exclude(state=PaymentState.PENDING).order_by(F("asked_at").asc(nulls_first=True))
    for payment in late[:ASKED_AT_ONCE]:
        ask_on_view(payment)


def _create(link: Link, amount_paise: int, request_key: str | None, told: Told) -> Payment:
    payment = Payment(
        live=link.live,
        token=new_token(current_tenant()),
        link=link,
        account=active_accounts(link.live).get(),
        description=link.description,
        amount_paise=amount_paise,
        request_key=request_key or None,
        **asdict(told),
    )
    try:
        with transaction.atomic():
            _take_place(link)
            payment.save(force_insert=True)
            searching.write(payment.pk)
            note(payment, "created")
            ask_later(payment)
    except IntegrityError as error:
        raise InFlight from error  # the same form a moment earlier holds the key
    return payment


def _take_place(link: Link) -> None:
    """Lock a link that takes n payments until commit, and see that one is left to begin."""
    if link.max_payments is None:
        return
    Link.objects.select_for_update(no_key=True).get(pk=link.pk)
    if _is_used_up(link):
        raise CannotPay(_used_up(link))
    holders = [*_holding(link)]
    if _is_used_up(link, len(holders)):
        raise Held(holders)


def _holds_until(holder: Payment) -> datetime:
    """When an attempt lets its place go, or may, if nothing is heard of it."""
    if holder.state == PaymentState.PENDING:
        return holder.created_at + HOLDS
    return holder.paytm_token_until or holder.created_at + IN_FLIGHT


def _seconds_until_free(tokens_until: list[datetime | None]) -> int:
    """Until the first of these tokens is dead, at least a minute: a dead one waits for Paytm."""
    first = min((until for until in tokens_until if until), default=now() + TOKEN_LIFE)
    return max(60, int((first + GRACE - now()).total_seconds()) + 1)


def _refuse_closed(link: Link) -> None:
    reason = why_closed(link)
    if reason:
        raise CannotPay(reason)


def _hand_over(payment: Payment) -> Payment:
    """Ask Paytm for the token of this attempt, once."""
    try:
        with client_for(payment.account) as client:
            initiated = client.initiate(
                order_id=payment.order_id,
                amount_paise=payment.amount_paise,
                customer_id=payment.order_id,
                callback_url=callback_url(payment.live),
                email=payment.payer_email,
                mobile=payment.payer_phone,
                modes=payment.link.methods,
            )
    except (PaytmError, CannotOpen) as error:
        return _no_token(payment, error)
    metrics.paytm_calls.labels("initiate", "token").inc()
    return _move(payment, PaymentState.OPEN, "handed_over", token=initiated.token)


def _no_token(payment: Payment, error: PaytmError | CannotOpen) -> Payment:
    """Without a token the payer cannot have paid. Only silence leaves Paytm's side unknown."""
    reason = type(error).__name__.lower()
    metrics.paytm_calls.labels("initiate", reason).inc()
    logger.warning("no token", extra={"order_id": payment.order_id, "reason": str(error)[:200]})
    sure = isinstance(error, Refused | Unreachable | CannotOpen)
    state = PaymentState.FAILED if sure else PaymentState.UNKNOWN
    return _move(payment, state, "no_token", words=f"{reason}: {error}")


def _move(payment: Payment, state: str, kind: str, *, words: str = "", token: str = "") -> Payment:
    with transaction.atomic():
        locked = _attempts(payment.link).select_for_update(of=("self",)).get(pk=payment.pk)
        if token:
            locked.paytm_token, locked.paytm_token_until = token, now() + TOKEN_LIFE
        # A refusal speaks for the first request alone: after it somebody may hold a token.
        if not token and locked.state != PaymentState.CREATED:
            state = locked.state
        if may_become(locked.state, state, PAYMENT_RANK):
            locked.state, locked.result_message = state, words[:500]
            if state == PaymentState.FAILED:
                _tell_failed(locked)
        locked.save()
        note(locked, kind, words)
    return locked


def _tell_failed(payment: Payment) -> None:
    payment_changed.enqueue(
        current_tenant().pk, payment_id=str(payment.pk), state=PaymentState.FAILED
    )


def callback_url(live: bool) -> str:
    """The merchant's address for Paytm's callback in this world."""
    return _paytm_url("paytm_callback", live)


def webhook_url(live: bool) -> str:
    """The merchant's address for Paytm's payment and refund webhooks in this world."""
    return _paytm_url("paytm_webhook", live)


def _paytm_url(name: str, live: bool) -> str:
    token = current_tenant().key + Profile.objects.get().paytm_secret(live)
    return f"{settings.BASE_URL}{reverse(name, kwargs={'token': token})}"
