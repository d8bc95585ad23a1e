"""A merchant's days at Paytm: payments, refunds and payouts, under one clock that moves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django_tenants.utils import schema_context

from config.clock import now
from payments import collecting
from payments.asking import ask
from payments.models import Payment
from payments.paytm import payment_page_url
from payments.paytm.settlements import IST
from payments.refunding import ask_refund
from payments.settlement_import import ask_everywhere
from tenants.jobs import NO_TENANT, run_due
from tenants.models import User
from tests import make
from tests.conftest import MIDS
from tests.forms import Form
from tests.wire import Simulator

DAY = 86_400
METHODS = ("UPI", "DC", "CC", "NB", "PPI", "EMI")


@dataclass
class Month:
    """Begins at noon in India, so that no test is near a day's end."""

    paytm: Simulator
    move: Callable[[float], None]
    mid: str = MIDS["acme"][0]
    ahead: float = 0

    def __post_init__(self) -> None:
        noon = datetime.now(IST).replace(hour=12, minute=0, second=0)
        self.ahead = (noon + timedelta(days=1) - datetime.now(IST)).total_seconds()
        self.move(self.ahead)

    def later(self, seconds: float) -> None:
        """Let time pass; what is due is done, at Paytm and here."""
        self.ahead += seconds
        self.move(self.ahead)
        run_due()

    def next_day(self) -> None:
        """The next noon, and the day's question about payouts."""
        moment = now().astimezone(IST)
        noon = moment.replace(hour=12, minute=0, second=0, microsecond=0)
        self.later((noon + timedelta(days=1) - moment).total_seconds())
        self.look()

    def look(self) -> None:
        with schema_context("public"):
            ask_everywhere.enqueue(NO_TENANT)
        run_due()

    def pay(self, paise: int = 500_00, method: str = "UPI", outcome: str = "success") -> Payment:
        """A payer pays at Paytm, and we have heard of it."""
        link = make.link(amount_paise=paise)
        payment = collecting.begin(link, paise, None)
        self.press(payment, outcome, method)
        return ask(payment)

    def press(self, payment: Payment, outcome: str, method: str) -> None:
        url = payment_page_url(self.paytm.url, mid=self.mid, order_id=payment.order_id)
        fields = {"mid": self.mid, "orderId": payment.order_id, "txnToken": payment.paytm_token}
        self.paytm.decide(Form(url, fields), outcome, method=method)

    def refund(self, payment: Payment, paise: int, by: User) -> None:
        """Money goes back, and Paytm says that it is done."""
        ask_refund(payment, paise, "", by, f"form-{paise}-{now().timestamp()}")
        for seconds in (1, 20, 70):
            self.later(seconds)

    def payouts(self) -> list[dict[str, Any]]:
        """As the simulator's books have them."""
        payouts: list[dict[str, Any]] = self.paytm.books(self.mid)["settlements"]
        return payouts

    def plant(self, utr: str, difference: str, order_id: str = "") -> None:
        self.paytm.control(
            f"settlements/{utr}/differences", difference=difference, order_id=order_id
        )


HEAD = "Transaction Type,Order ID,Transaction ID,Transaction Amount,Commission,GST,Settled Amount"
HEAD += ",UTR No.,Settled Date,Payout Amount"


def reported(payout: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines that Paytm's reports have of a payout by now."""
    moment = now().timestamp() * 1000
    return [line for line in payout["lines"] if line["visible"] and line["visible"] <= moment]


def report(payouts: list[dict[str, Any]]) -> bytes:
    """The file that a merchant would download from Paytm's dashboard."""
    rows = [HEAD]
    for payout in payouts:
        for line in reported(payout):
            figures = (line[name] for name in ("gross", "commission", "gst", "settled"))
            amounts = ",".join(f"{paise / 100:.2f}" for paise in figures)
            rows.append(
                f"{line['kind']},'{line['order_id']},'{line['txn_id']},{amounts},{payout['utr']}"
                f",{payout['day']},{payout['amount'] / 100:.2f}"
            )
    return b"\xef\xbb\xbf" + "\r\n".join(rows).encode()
