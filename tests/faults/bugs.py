"""Six seeded bugs: what the campaign must find, or it proves nothing.

Each is a patch of the running product, applied by the campaign's own launchers of web and worker.
`guards` are the database's rules that stand against it and are taken away with it, for the worst
bug is one that nothing else stops. Which counter must tell of it is `found_as`.
"""

import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Bug:
    about: str
    found_as: str
    apply: Callable[[], None]
    guards: tuple[str, ...] = ()


def settle_twice() -> None:
    """A success that is told again is booked again."""
    from payments import settling
    from payments.states import ARRIVED

    once = settling.may_become

    def again(state: str, new: str, ranks: dict[str, int]) -> bool:
        return once(state, new, ranks) or (state == new and new in ARRIVED)

    settling.may_become = again


def trust_callback() -> None:
    """A callback that says TXN_SUCCESS is booked as it stands, signed or not."""
    from payments import notices
    from payments.models import Payment
    from payments.paytm import OrderStatus, Outcome, paise_from_text
    from payments.settling import settle

    receive_form = notices.receive_form

    def trusting(pairs: notices.Pairs, live: bool, source: str) -> notices.Received:
        said = dict(pairs)
        payment = Payment.objects.filter(order_id=said.get("ORDERID", ""), live=live).first()
        if payment and said.get("STATUS") == "TXN_SUCCESS":
            settle(payment, as_answer(payment, said))
        return receive_form(pairs, live, source)

    def as_answer(payment: Payment, said: Mapping[str, str]) -> OrderStatus:
        empty: dict[str, Any] = dict.fromkeys(OrderStatus.__dataclass_fields__)
        told = {"outcome": Outcome.SUCCESS, "code": "01", "message": "", "txn_id": "trusted"}
        names = {"mid": payment.account.mid, "order_id": payment.order_id}
        paise = paise_from_text(said.get("TXNAMOUNT", "")) or payment.amount_paise
        kept = {"amount_paise": paise, "raw": repr(said), "signed": False}
        return OrderStatus(**empty | told | names | kept)

    everywhere(receive_form, trusting)


def refund_without_lock() -> None:
    """What is left to refund is read, and nobody is kept from reading it as well."""
    from payments import refunding
    from payments.models import Payment, Refund
    from tenants.models import User

    ask_refund = refunding.ask_refund

    def unlocked(
        payment: Payment,
        amount_paise: int,
        reason: str,
        by: User | None,
        request_key: str,
        comment: str = "",
    ) -> Refund:
        if amount_paise > payment.refundable_paise:
            raise refunding.TooMuch(payment.refundable_paise)
        return refunding._reserve(payment, amount_paise, reason, by, request_key, comment)

    everywhere(ask_refund, unlocked)


def new_ref_id() -> None:
    """A refund that got no answer is sent again as another one."""
    from payments import refunding
    from payments.clients import client_for
    from payments.models import Refund
    from payments.models.refund import new_ref_id as fresh
    from payments.states import RefundState

    speak = refunding._speak

    def impatient(refund: Refund) -> None:
        if refund.state != RefundState.SENT:
            return speak(refund)
        refund.ref_id = fresh()
        with client_for(refund.payment.account) as client:
            answer = refunding._apply_for(client, refund)
            refunding.settle_refund(refund, answer)
        return None

    refunding._speak = impatient


def lose_job() -> None:
    """One in three payments' and refunds' jobs is never written, however often it is wished."""
    from tenants import job_queue
    from tenants.jobs import MONEY

    insert = job_queue.insert

    def forgetful(**row: Any) -> None:
        if row["lane"] != MONEY or zlib.crc32(repr(row["args"]).encode()) % 3:
            insert(**row)

    job_queue.insert = forgetful  # type: ignore[assignment]


def ignore_amount() -> None:
    """A success is a success: the amount that was asked for is booked."""
    from payments import settling
    from payments.models import Payment
    from payments.paytm import OrderStatus, Outcome

    settle = settling.settle

    def believing(payment: Payment, answer: OrderStatus) -> Payment:
        if answer.outcome is Outcome.SUCCESS:
            answer = replace(answer, amount_paise=payment.amount_paise)
        return settle(payment, answer)

    everywhere(settle, believing)


BUGS = {
    "settle_twice": Bug(
        "a success told twice is booked twice",
        "doubled",
        settle_twice,
        ("DROP INDEX transfer_sale_once",),
    ),
    "trust_callback": Bug("a callback is believed", "doubled", trust_callback),
    "refund_without_lock": Bug(
        "two refunds at once both take what is left",
        "over_refunded",
        refund_without_lock,
        (
            "DROP INDEX refund_one_at_a_time",
            "ALTER TABLE payments_payment DROP CONSTRAINT payment_refunds_within",
        ),
    ),
    "new_ref_id": Bug("a refund is repeated under a new reference", "over_refunded", new_ref_id),
    "lose_job": Bug("jobs are lost", "stuck", lose_job),
    "ignore_amount": Bug("the amount that arrived is not looked at", "lost", ignore_amount),
}


def everywhere(old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """Replace a function in every module that has imported it by name."""
    for module in [*sys.modules.values()]:
        for name, value in [*vars(module).items()] if isinstance(module, ModuleType) else ():
            if value is old:
                setattr(module, name, new)
