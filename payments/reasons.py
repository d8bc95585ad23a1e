"""What payers are told: why a link takes no money, and what became of a payment."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments.models import Payment, Refund
from payments.states import PaymentState, RefundState

Text = str | Promise


@dataclass(frozen=True)
class Words:
    """The head of a payer's page: what happened, whether money moved, and what to do.

    `go_on` is what can be done here: send the "form", open the "page" anew, look again "later",
    or nothing.
    """

    icon: str
    tone: str
    title: Text
    text: Text
    money: Text = ""
    advice: Text = ""
    go_on: str = ""


NOTHING_TAKEN = _("No money was taken.")
NOT_COLLECTED = _("Paytm says that it collected no money.")
BANK_RETURNS = _(
    "If your account shows a debit all the same, your bank gives it back by itself, usually "
    "within seven days. Should the money arrive late after all, this page will say so."
)

CLOSED = {
    "suspended": Words(
        "ban", "warning",
        _("No payments here now"),
        _("Payments to this merchant have been stopped for now."),
        NOTHING_TAKEN,
        _("Ask the merchant how else to pay. If you have already paid, that is still recorded."),
    ),
    "disabled": Words(
        "ban", "warning",
        _("This link is switched off"),
        _("The merchant has closed it."),
        NOTHING_TAKEN,
        _("If you still want to pay, ask the merchant for a new link."),
    ),
    "early": Words(
        "hourglass", "info",
        _("Not open yet"),
        _("Payments begin later here."),
        NOTHING_TAKEN,
        _("Come back then: this page opens by itself."),
    ),
    "changed": Words(
        "circle-alert", "warning",
        _("The price has changed"),
        _("The merchant changed it while this page was open."),
        NOTHING_TAKEN,
        _("Look at the new price below before you pay."),
        "form",
    ),
    "expired": Words(
        "hourglass", "warning",
        _("This link has expired"),
        _("The time to pay it is over."),
        NOTHING_TAKEN,
        _("If you still want to pay, ask the merchant for a new link."),
    ),
    "used": Words(
        "circle-check", "info",
        _("This link is already paid"),
        _("What it was made for has been paid."),
        _("No money was taken now."),
        _("If that was you, all is well: your receipt is on the page that Paytm brought you back "
          "to. If not, ask the merchant for a new link."),
    ),
    "full": Words(
        "circle-check", "info",
        _("Everything is taken"),
        _("This link has taken all the payments it was made for."),
        _("No money was taken now."),
        _("If one of them was yours, all is well: your receipt is on the page that Paytm brought "
          "you back to. If not, ask the merchant."),
    ),
    "no_account": Words(
        "plug", "warning",
        _("Payments cannot be taken yet"),
        _("The merchant is not connected to Paytm at the moment."),
        NOTHING_TAKEN,
        _("Try again later, or ask the merchant."),
    ),
    "too_many": Words(
        "clock", "warning",
        _("Too many tries"),
        _("Payments were started here too often within a minute."),
        _("No money was taken by this try."),
        _("Wait a minute, then start again."),
        "page",
    ),
    "foreign": Words(
        "ban", "warning",
        _("Open the payment page itself"),
        _("This was sent from another page, or from inside another app."),
        NOTHING_TAKEN,
        _("Open the link in your browser and pay there."),
        "form",
    ),
    "in_flight": Words(
        "clock", "info",
        _("Your payment is being started"),
        _("The form was sent twice."),
        NOTHING_TAKEN,
        _("Wait a few seconds, then continue. You will not pay twice."),
        "form",
    ),
    "held": Words(
        "clock", "info",
        _("This is being paid at the moment"),
        _("Somebody has begun to pay it and can still finish. Do not pay twice."),
        NOTHING_TAKEN,
        _("If that was you, go on in the browser where you began. Otherwise try again in a "
          "quarter of an hour."),
        "later",
    ),
    "pending": Words(
        "clock", "warning",
        _("A payment of it is being checked"),
        _("Somebody has paid at Paytm, and the bank has not confirmed it yet."),
        _("Do not pay again."),
        _("If that was you, look at the page that Paytm brought you back to. Otherwise look here "
          "again later: should that payment fail, it can be paid here."),
        "later",
    ),
    "own_pending": Words(
        "clock", "warning",
        _("Your payment is being checked"),
        _("You have paid here, and the bank has not confirmed it yet."),
        _("Do not pay again."),
        _("Its own page says how it stands, and changes by itself."),
    ),
    "other_body": Words(
        "circle-alert", "warning",
        _("The amount has changed"),
        _("On this page you had begun to pay another amount."),
        _("No money was taken for the new amount."),
        _("If you have paid already, you need not pay again. To pay a new amount, start again."),
        "page",
    ),
}  # fmt: skip

# Paytm's result codes (Paytm: payment RESPCODEs). What is not here is told in general words.
WHY = {
    "141": _("You left Paytm's page before the payment was complete."),
    "196": _("The amount is above the limit of your bank or wallet."),
    "205": _("Your bank declined the payment."),
    "207": _("The card has expired."),
    "208": _("Your bank declined the payment."),
    "209": _("The card's details were not right."),
    "227": _("Your bank declined the payment. Another card, account or UPI app may work."),
    "229": _("Your bank could not confirm that it was you (OTP or 3-D Secure)."),
    "235": _("The balance was too low."),
    "295": _("The UPI ID was not right."),
    "401": _("The payment was declined, or given up at the bank."),
    "804": _("The merchant's Paytm account refused the payment. Please tell the merchant."),
    "810": _("Paytm's page was closed, or stayed open too long."),
    "2271": _("You cancelled at your bank's page."),
    "2272": _("You cancelled at the bank's OTP page."),
}
WHY_NO_TOKEN = {
    "refused": _("Paytm did not take this payment on. Please tell the merchant if it stays so."),
    "unreachable": _("Paytm could not be reached."),
    "open": _("Paytm does not answer at the moment."),
}
NO_ANSWER = _("Paytm did not answer.")
WHY_NO_REFUND = {
    "602": _("The bank declined it."),
    "607": _("Paytm says that the payment was cancelled."),
    "610": _("Paytm says that the payment is refunded already."),
    "620": _("Your balance at Paytm was too low for it."),
    "635": _("Paytm refunds no parts under ₹1."),
    "given_up": _("Your team stopped trying."),
    "overtaken": _("Money was given back from Paytm's own dashboard meanwhile."),
    "640": _("Paytm has frozen the order."),
}
IN_GENERAL = _("Paytm says that the payment failed.")
NO_RECORD = _("The time to pay was over, and Paytm has no record of a payment.")

PAID = Words("circle-check", "success", _("Paid"), _("This is your receipt."))
REFUNDED = Words(
    "undo-2", "success", _("Paid, then refunded"), _("All of it has been sent back to you.")
)
WAITING = Words(
    "clock", "info",
    _("Waiting for your payment"),
    _("Paytm has not told us of a payment yet."),
    _("If you have paid, do not pay again."),
    _("This page then changes by itself. If you have not paid, continue at Paytm."),
)  # fmt: skip
CHECKING = Words(
    "clock", "warning",
    _("Being checked"),
    _("Your payment is not confirmed yet."),
    _("Do not pay again."),
    _("This page changes by itself. Mostly that takes minutes, with some banks up to three days. "
      "If the payment fails in the end, you get back whatever was taken."),
)  # fmt: skip
WHY_UNEXPECTED = {
    "amount": _("The amount that arrived is not the amount that was asked for."),
    "taken": _("It came after this link had taken the payment it was made for."),
    "expired": _("It came after this link had expired."),
    "disabled": _("It came after the merchant had closed this link."),
}

MISTRUSTED = Words(
    "triangle-alert", "warning",
    _("We could not trust that message"),
    _("What your browser brought back is not signed by Paytm as it should be."),
    _("Do not pay again."),
    _("We do not believe that message and are asking Paytm itself. See what became of your "
      "payment."),
)  # fmt: skip
UNKNOWN_ORDER = Words(
    "circle-help", "warning",
    _("We do not know this payment"),
    _("Your browser brought a message that we could not read, or about a payment that is not "
      "ours. It changed nothing."),
    _("If you have paid, do not pay again."),
    _("Ask the merchant, and say when and how you paid."),
)  # fmt: skip
REPORTED = Words(
    "circle-check", "success",
    _("Thank you for telling us"),
    _("Somebody will look at this page. You need not do anything else here."),
)  # fmt: skip


def of_payment(payment: Payment, can_continue: bool = False) -> Words:
    """The truth about a payment, as far as it is known; with the way on to Paytm, if open."""
    state = PaymentState(payment.state)
    if state == PaymentState.PAID:
        return REFUNDED if payment.refunded_paise == payment.amount_paise else PAID
    if state == PaymentState.SURPLUS:
        return _unexpected(payment)
    if not_paid(payment):
        return _unpaid(payment)
    return WAITING if can_continue else CHECKING


def thanks(payment: Payment) -> str:
    """The merchant's own words after a payment; none for surplus, nor once all went back."""
    return payment.link.thanks if of_payment(payment) is PAID else ""


def shown(payment: Payment) -> str:
    """`paid`, `failed` or `checking`, as scripts are told. Surplus is never told as paid: what
    it was for is not settled, though its money has arrived and it has a receipt."""
    if payment.state == PaymentState.PAID:
        return "paid"
    return "failed" if not_paid(payment) else "checking"


def not_paid(payment: Payment) -> bool:
    """Whether the payer may try again: it failed, or no one ever got a token to pay it with."""
    if payment.state == PaymentState.UNKNOWN:
        return not payment.paytm_token
    return payment.state in (PaymentState.FAILED, PaymentState.EXPIRED)


def _unpaid(payment: Payment) -> Words:
    # Without a transaction nothing was ever taken; with one we know no more than Paytm says.
    known = (NOT_COLLECTED, BANK_RETURNS) if payment.paytm_txn_id else (NOTHING_TAKEN, "")
    return Words("circle-x", "error", _("Not paid"), _why(payment), *known)


def why_no_refund(refund: Refund) -> Text:
    """Why a refund failed, for the merchant: in plain words, or else in Paytm's."""
    said = f"Paytm: {refund.result_message} ({refund.result_code})"
    return WHY_NO_REFUND.get(refund.result_code, said)


def _why(payment: Payment) -> Text:
    if payment.state == PaymentState.EXPIRED:
        return NO_RECORD
    if payment.state == PaymentState.FAILED and payment.result_code:
        return WHY.get(payment.result_code, IN_GENERAL)
    return WHY_NO_TOKEN.get(payment.result_message.partition(":")[0], NO_ANSWER)


def _unexpected(payment: Payment) -> Words:
    return Words(
        "triangle-alert",
        "warning",
        _("Your payment arrived, but was not expected"),
        WHY_UNEXPECTED[payment.surplus],
        _("Do not pay again."),
        _what_becomes_of_it(payment),
    )


def _what_becomes_of_it(payment: Payment) -> Text:
    if payment.accepted_at:
        return _("The merchant has taken it as your payment.")
    if payment.wants_decision or payment.refunds.filter(state=RefundState.HELD).exists():
        return _("The merchant has been told, and can send it back.")
    return _("It is being sent back to you, or has been.")
