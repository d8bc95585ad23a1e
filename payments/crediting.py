"""On which day a payer should have their money back.

Paytm names a day for some refunds; that counts. For the others it publishes how many days each
way of paying takes, from the refund's success, holidays excluded (Paytm: refund management):
wallet 1, UPI 5, net banking 7, cards 10 for private and 14 for nationalised banks. We do not
know the bank, so the longer one is said: a day too late disappoints nobody.

Closed are Sundays and second and fourth Saturdays (Reserve Bank of India, press release of
28 August 2015), the three national holidays, and 1 April, when banks close their accounts of the
year (Reserve Bank's list of holidays; a few states keep open, and wait a day less than we say).
These are the same each year. What moves with the moon, and holidays of states, are not known
here: the day is what to expect, not a promise.
"""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from payments.methods import Method
from payments.models import Refund
from payments.states import REFUND_CAME_TO_NOTHING, RefundState

INDIA: Final = ZoneInfo("Asia/Kolkata")
LONGEST: Final = 14
WORKING_DAYS: Final = {
    Method.WALLET: 1,
    Method.UPI: 5,
    Method.NET_BANKING: 7,
}
NATIONAL_HOLIDAYS: Final = {(1, 26), (8, 15), (10, 2)}  # Republic, Independence, Gandhi's birth
CLOSING_OF_ACCOUNTS: Final = {(4, 1)}
SATURDAY, SUNDAY = 5, 6


def expected_on(refund: Refund) -> date | None:
    """The day by which the payer should see it; None where it came to nothing, waits, or was not
    sent by us. While it is under way it counts from when it was sent, or asked for.

    Reads the refund's payment.
    """
    if refund.state in (*REFUND_CAME_TO_NOTHING, RefundState.HELD) or refund.waits_for_balance:
        return None
    if refund.origin == Refund.Origin.PAYTM:
        return None
    if refund.credit_on:
        return refund.credit_on
    begun = refund.decided_at or refund.first_sent_at or refund.judged_at or refund.created_at
    return after_working_days(begun, days_of(refund.payment.method))


def days_of(method: str) -> int:
    """How many working days a refund of a payment by this method takes at most."""
    return WORKING_DAYS.get(Method(method), LONGEST)


def after_working_days(moment: datetime, days: int) -> date:
    """The day that is so many working days of Indian banks after this moment's."""
    day = moment.astimezone(INDIA).date()
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return day


def is_working_day(day: date) -> bool:
    """Whether banks all over India are open, state holidays aside."""
    if (day.month, day.day) in NATIONAL_HOLIDAYS | CLOSING_OF_ACCOUNTS:
        return False
    if day.weekday() == SUNDAY:
        return False
    nth = (day.day - 1) // 7 + 1
    return not (day.weekday() == SATURDAY and nth in (2, 4))


def named_day(text: str | None) -> date | None:
    """The day that Paytm names, which begins with the ISO date; None where it names none."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
