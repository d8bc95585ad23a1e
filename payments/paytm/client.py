"""Asking Paytm: initiate a transaction, order status, refund, refund status, settlements."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from payments.paytm import fields, hosts, reading, transport
from payments.paytm.amounts import rupees_text
from payments.paytm.breaker import Breaker
from payments.paytm.checksum import KEY_BYTES, generate, verify_text
from payments.paytm.envelope import Malformed, parse, seal, unseal
from payments.paytm.errors import (
    Forged,
    NoAnswer,
    NotPaytm,
    PaytmError,
    Unknown,
    Unreachable,
)
from payments.paytm.messages import (
    ENABLE_MODES,
    Diagnosis,
    Initiated,
    OrderStatus,
    Outcome,
    RefundAnswer,
    RefundStatus,
    SettlementPage,
)
from payments.paytm.redaction import blank_text

PAGE_SIZE = 20  # Paytm: at most so many rows of a settlement list
_MID = re.compile(r"[A-Za-z0-9_-]{1,50}")


@dataclass(frozen=True)
class Credentials:
    """A merchant's account at one of Paytm's hosts.

    Raises ValueError for a MID with odd characters, a key that is not 16 bytes (a MID pasted
    into its place, say) and a base URL that is more than scheme and host.
    """

    mid: str
    key: str = field(repr=False)
    website: str
    base_url: str

    def __post_init__(self) -> None:
        if not _MID.fullmatch(self.mid):
            raise ValueError("a MID is made of letters and digits")
        if len(self.key.encode("utf-8", "replace")) != KEY_BYTES:
            raise ValueError("a merchant key is 16 bytes long")
        url = urlsplit(self.base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("a base URL starts with http:// or https://")
        if self.base_url != f"{url.scheme}://{url.netloc}" or "@" in url.netloc:
            raise ValueError("a base URL is scheme and host, with no slash at its end")


class Client:
    """Paytm's server-to-server interface. Keeps connections alive; may be shared by threads.

    `timeout` is (seconds to connect to one address, seconds for the whole answer), wall clock.
    `breaker` is that of its host, if there is one; then a call may raise Open, an Unreachable.
    Every call raises Unreachable (no effect), Unknown (perhaps an effect) or Forged; see errors.
    Nothing is ever tried again here.
    """

    def __init__(
        self,
        credentials: Credentials,
        timeout: tuple[float, float] = (3.05, 10),
        breaker: Breaker | None = None,
    ) -> None:
        self.credentials = credentials
        self.breaker = breaker or Breaker(credentials.base_url)
        self._timeout = timeout
        self._session = transport.open_session()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def initiate(
        self,
        *,
        order_id: str,
        amount_paise: int,
        customer_id: str,
        callback_url: str,
        email: str = "",
        mobile: str = "",
        modes: Sequence[str] = (),
    ) -> Initiated:
        """Open an order and get the token of its payment page (Paytm: Initiate Transaction).

        `email` and `mobile` are the payer's, if told; of a number its last ten digits go out.
        `modes` are our words (upi, credit_card, debit_card, net_banking, wallet, emi) and limit
        what the payer is offered. Raises Refused too; the same order may be initiated again.
        """
        body: dict[str, Any] = {
            "requestType": "Payment",
            "mid": self.credentials.mid,
            "websiteName": self.credentials.website,
            "orderId": _order_id(order_id),
            "txnAmount": {"value": _amount(amount_paise), "currency": "INR"},
            "userInfo": _user(customer_id, email, mobile),
            "callbackUrl": callback_url,
        }
        if modes:
            body["enablePaymentMode"] = [{"mode": _mode(mode)} for mode in modes]
        query = urlencode({"mid": self.credentials.mid, "orderId": order_id})
        return reading.initiated(self.ask(f"/theia/api/v1/initiateTransaction?{query}", body))

    def order_status(self, order_id: str) -> OrderStatus:
        """What became of an order (Paytm: Transaction Status). Safe to repeat."""
        body = {"mid": self.credentials.mid, "orderId": _order_id(order_id)}
        answer = self.ask("/v3/order/status", body)
        return reading.order_status(answer, mid=self.credentials.mid, order_id=order_id)

    def refund(
        self, *, order_id: str, txn_id: str, ref_id: str, amount_paise: int, comments: str = ""
    ) -> RefundAnswer:
        """Ask for a refund (Paytm: Refund). The answer only registers it.

        The outcome is that of a *first* apply. If this ref_id may have been sent before, take no
        answer for final: ask `refund_status`. After silence, repeat with the same ref_id.
        """
        asked = {
            "mid": self.credentials.mid,
            "orderId": _order_id(order_id),
            "txnId": txn_id,
            "refId": _order_id(ref_id),
            "refundAmount": _amount(amount_paise),
        }
        body = {**asked, "txnType": "REFUND"}
        if comments:
            body["comments"] = comments.replace("|", "/")[:500]
        return reading.refund_answer(self.ask("/refund/apply", body), asked)

    def refund_status(self, *, order_id: str, ref_id: str) -> RefundStatus:
        """What became of a refund (Paytm: Refund Status). Safe to repeat."""
        asked = {
            "mid": self.credentials.mid,
            "orderId": _order_id(order_id),
            "refId": _order_id(ref_id),
        }
        return reading.refund_status(self.ask("/v2/refund/status", asked), asked)

    def settlement_page(self, day: date, page: int) -> SettlementPage:
        """One page of what was paid out on a day (Paytm: Settlement List), the first being 1.

        Raises Refused for a day that Paytm does not tell of (over six months ago) and for a
        checksum it does not take, and TooOften. Safe to repeat.
        """
        asked = {
            "MID": self.credentials.mid,
            "utrProcessedStartTime": day.isoformat(),
            "utrProcessedEndTime": day.isoformat(),
            "pageNum": str(page),
            "pageSize": str(PAGE_SIZE),
        }
        signed = asked | {"checksumHash": generate(asked, self.credentials.key)}
        url = self.credentials.base_url + "/merchant-settlement-service/settlement/list"
        payload = json.dumps(signed, separators=(",", ":")).encode("ascii")
        text = transport.post(self._session, url, payload, self._timeout)
        try:
            answer = parse(text)
        except Malformed as error:
            raise Unknown(f"not a settlement list: {error}", blank_text(text)) from error
        return reading.settlement_page(answer, blank_text(text))

    def diagnose(self, elsewhere: Iterable[str] | None = None) -> Diagnosis:
        """Try these credentials without touching any order.

        Asks for the status of an order that cannot exist. "No such order" (331, 334) means that
        MID and checksum were taken; 330 and 2005 that the checksum was not, as does an answer
        signed with another key; 335 and 305 that the MID is not known. (A secondary source reads
        334 as "duplicate order" and 335 as "request expired"; the first would still mean that
        the keys were taken.) An unknown MID is asked for at `elsewhere`, by default Paytm's
        other hosts: known there, it is the host that is wrong. A maintenance page, a 5xx or a
        redirect in Paytm's place says nothing about the keys, like silence.
        Never raises a PaytmError.
        """
        found = self._try()
        if found is not Diagnosis.UNKNOWN_MID:
            return found
        if elsewhere is None:
            elsewhere = hosts.elsewhere(self.credentials.base_url)
        for base_url in elsewhere:
            with Client(replace(self.credentials, base_url=base_url), self._timeout) as other:
                if other._try() in (Diagnosis.RIGHT, Diagnosis.WRONG_KEY):
                    return Diagnosis.WRONG_HOST
        return found

    def _try(self) -> Diagnosis:
        try:
            status = self.order_status(f"CHECK_{secrets.token_hex(12)}")
        except (Unreachable, NoAnswer, NotPaytm):
            return Diagnosis.UNREACHABLE
        except Forged:
            return Diagnosis.WRONG_KEY
        except PaytmError:
            return Diagnosis.UNCLEAR
        if status.outcome is Outcome.NO_RECORD:
            return Diagnosis.RIGHT
        return _DIAGNOSES.get(status.code, Diagnosis.RIGHT if status.signed else Diagnosis.UNCLEAR)

    def ask(self, path: str, body: Mapping[str, Any]) -> reading.Answer:
        """One signed question, one answer whose signature, if it has one, is true.

        The methods above ask and read; this is for questions that they do not know.
        """
        url = self.credentials.base_url + path
        payload = seal(body, self.credentials.key)
        with self.breaker.guard():
            text = transport.post(self._session, url, payload, self._timeout)
        raw = blank_text(text)
        try:
            envelope = unseal(text)
        except Malformed as error:
            kind = Unknown if text.lstrip().startswith("{") else NotPaytm
            raise kind(f"not Paytm's envelope: {error}", raw) from error
        signature = envelope.signature
        if signature and not verify_text(envelope.body_text, self.credentials.key, signature):
            raise Forged("the answer's signature does not verify", raw)
        return reading.Answer(envelope.body, raw, signature is not None)


_DIAGNOSES = {
    "331": Diagnosis.RIGHT,
    "334": Diagnosis.RIGHT,
    "330": Diagnosis.WRONG_KEY,
    "2005": Diagnosis.WRONG_KEY,
    "335": Diagnosis.UNKNOWN_MID,
    "305": Diagnosis.UNKNOWN_MID,
}


def _order_id(text: str) -> str:
    if not fields.is_order_id(text):
        raise ValueError("an order or refund id is 1 to 50 of A-Z a-z 0-9 @ - _ .")
    return text


def _amount(paise: int) -> str:
    if paise == 0:
        raise ValueError("an amount is above 0")
    return rupees_text(paise)


def _user(customer_id: str, email: str, mobile: str) -> dict[str, str]:
    known = {"custId": customer_id, "email": email, "mobile": re.sub(r"\D", "", mobile)[-10:]}
    return {name: value for name, value in known.items() if value}


def _mode(word: str) -> str:
    if word not in ENABLE_MODES:
        raise ValueError(f"no payment method is called {word!r}")
    return ENABLE_MODES[word]
