"""Questions to Paytm that a careful client would never ask, for `contract`.

Raw answers, wrong keys, odd order ids: about new orders of its own, at staging or a simulator.
"""

import html
import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Self
from urllib.parse import quote, urlencode

from payments.paytm.amounts import rupees_text
from payments.paytm.client import Client, Credentials
from payments.paytm.envelope import Malformed, unseal
from payments.paytm.errors import Forged, PaytmError, Unreachable
from payments.paytm.hosts import payment_page_url
from payments.paytm.messages import Diagnosis
from payments.paytm.reading import Answer

THEIA, ORDER = "/theia/api/v1/initiateTransaction", "/order/initiate"
ORDER_PAISE, CHANGED_PAISE, REFUND_PAISE = 5_00, 6_00, 1_00
TIMEOUT = (5.0, 30.0)
FAILURE = ("TXN_FAILURE", "FAILURE")

IN_WORDS = {
    Diagnosis.RIGHT: "MID and key are right all the same; perhaps the website is not.",
    Diagnosis.WRONG_KEY: "The key is not the one of this MID.",
    Diagnosis.UNKNOWN_MID: "No host of Paytm's knows this MID.",
    Diagnosis.WRONG_HOST: "The MID belongs to another host of Paytm's.",
    Diagnosis.UNREACHABLE: "After that the host gave no answer of Paytm's.",
    Diagnosis.UNCLEAR: "Why, cannot be told.",
}


class CannotAsk(Exception):
    """Paytm cannot be reached or does not take the keys; the message says which."""


class NotAsked(Exception):
    """An item that could not be looked at; the message says why."""


class Walk:
    """One walk with one account. Every order and refund id is new; nothing is kept anywhere.

    `paid_order` is an order of ₹2 or more that somebody has paid by hand; "" where there is none.
    Every method may raise PaytmError. To be used in a `with`.
    """

    opened: Answer
    """The first order's answer, once `begin` has returned."""

    def __init__(self, credentials: Credentials, paid_order: str = "") -> None:
        self.paid_order = paid_order
        self.order_id, self.ref_id = new_id(), new_id()
        self.stranger = replace(credentials, mid=f"NOSUCH{secrets.randbelow(10**12):012}")
        self.impostor = replace(credentials, key=secrets.token_hex(8))
        self._credentials, self._path = credentials, THEIA
        self._client = Client(credentials, TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def begin(self) -> None:
        """Open a first order, at whichever path takes it. Raises CannotAsk."""
        refusals = []
        for path in (THEIA, ORDER):
            self._path = path
            try:
                self.opened = self.initiate(self.order_id)
            except Unreachable as error:
                host = self._credentials.base_url
                raise CannotAsk(f"{host} cannot be reached: {error}.") from error
            except PaytmError as error:
                refusals.append(f"{path} gave no answer of Paytm's: {error}.")
            else:
                if has_token(self.opened):
                    return
                refusals.append(f"{path} refused a first order: {said(self.opened)}.")
        raise CannotAsk(" ".join([*refusals, IN_WORDS[self._client.diagnose()]]))

    def payment_page(self) -> tuple[str, str]:
        """A new order of ₹5.00, and a data: address whose page leads to Paytm's page for it.

        The address holds the payer's token, which is good for 15 minutes. Raises CannotAsk.
        """
        order_id, mid = new_id(), self._credentials.mid
        try:
            answer = self.initiate(order_id)
        except PaytmError as error:
            raise CannotAsk(f"An order to be paid by hand got no answer: {error}.") from error
        if not has_token(answer):
            raise CannotAsk(f"An order to be paid by hand was refused: {said(answer)}.")
        action = payment_page_url(self._credentials.base_url, mid=mid, order_id=order_id)
        fields = {"mid": mid, "orderId": order_id, "txnToken": str(answer.body["txnToken"])}
        return order_id, f"data:text/html;charset=utf-8,{quote(_form(action, fields))}"

    def initiate(
        self,
        order_id: str,
        *,
        paise: int = ORDER_PAISE,
        path: str = "",
        by: Credentials | None = None,
    ) -> Answer:
        """Initiate an order; `by` somebody else than the account."""
        who = by or self._credentials
        body = {
            "requestType": "Payment",
            "mid": who.mid,
            "websiteName": who.website,
            "orderId": order_id,
            "txnAmount": {"value": rupees_text(paise), "currency": "INR"},
            "userInfo": {"custId": "CONTRACT"},
            "callbackUrl": f"{who.base_url}/theia/paytmCallback?ORDER_ID={order_id}",
        }
        query = urlencode({"mid": who.mid, "orderId": order_id})
        return self._ask(f"{path or self._path}?{query}", body, who)

    def status(self, order_id: str, by: Credentials | None = None) -> Answer:
        """Ask for an order's status; `by` somebody else than the account."""
        who = by or self._credentials
        return self._ask("/v3/order/status", {"mid": who.mid, "orderId": order_id}, who)

    def refund(self, order_id: str, txn_id: str, ref_id: str) -> Answer:
        """Ask for a refund of ₹1.00."""
        body = {
            "mid": self._credentials.mid,
            "txnType": "REFUND",
            "orderId": order_id,
            "txnId": txn_id,
            "refId": ref_id,
            "refundAmount": rupees_text(REFUND_PAISE),
        }
        return self._ask("/refund/apply", body, self._credentials)

    def refund_status(self, order_id: str, ref_id: str) -> Answer:
        """Ask for a refund's status."""
        body = {"mid": self._credentials.mid, "orderId": order_id, "refId": ref_id}
        return self._ask("/v2/refund/status", body, self._credentials)

    def _ask(self, path: str, body: Mapping[str, Any], who: Credentials) -> Answer:
        """To a wrong key Paytm may answer under the right one's signature: read that too."""
        try:
            if who is self._credentials:
                return self._client.ask(path, body)
            with Client(who, TIMEOUT) as other:
                return other.ask(path, body)
        except Forged as forged:
            try:
                return Answer(unseal(forged.raw).body, forged.raw, signed=True)
            except Malformed:
                raise forged from None

    # --- Answers that more than one item looks at: asked once --------------------------------
    @cached_property
    def again(self) -> Answer:
        """The first order, initiated once more."""
        return self.initiate(self.order_id)

    @cached_property
    def changed(self) -> Answer:
        """The first order, initiated with another amount."""
        return self.initiate(self.order_id, paise=CHANGED_PAISE)

    @cached_property
    def with_wrong_key(self) -> Answer:
        """An order initiated with a key that is not the MID's."""
        return self.initiate(new_id(), by=self.impostor)

    @cached_property
    def paid(self) -> Answer:
        """The status of the order that was paid by hand. Raises NotAsked."""
        if not self.paid_order:
            raise NotAsked("no order was paid by hand")
        answer = self.status(self.paid_order)
        if answer.result[0] != "TXN_SUCCESS":
            raise NotAsked(f"order {self.paid_order} is not paid: {said(answer)}")
        return answer

    @cached_property
    def refunded(self) -> Answer:
        """The answer to a first refund of ₹1.00 of the paid order. Raises NotAsked."""
        return self.refund_again(self.ref_id)

    @property
    def registered(self) -> Answer:
        """The same, where Paytm took it. Raises NotAsked."""
        if self.refunded.result[0] in FAILURE:
            raise NotAsked(f"the first refund was not taken: {said(self.refunded)}")
        return self.refunded

    def refund_again(self, ref_id: str) -> Answer:
        """A refund of ₹1.00 of the paid order under this refId. Raises NotAsked."""
        return self.refund(self.paid_order, str(self.paid.body.get("txnId", "")), ref_id)


def new_id() -> str:
    """An order or refund id that nobody has used."""
    return f"CONTRACT_{secrets.token_hex(10)}"


def has_token(answer: Answer) -> bool:
    """Whether an order was opened."""
    return answer.result[0] == "S" and bool(answer.body.get("txnToken"))


def said(answer: Answer) -> str:
    """Paytm's result in a line: code, status, message."""
    status, code, message = answer.result
    return " ".join(filter(None, (code, status, message))) or "an answer without a result"


def _form(action: str, fields: Mapping[str, str]) -> str:
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    button = f"<button>Pay ₹{rupees_text(ORDER_PAISE)} on Paytm</button>"
    return (
        f'<form id="redirect" method="post" action="{html.escape(action)}">{inputs}{button}</form>'
    )
