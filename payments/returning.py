"""The address a payer goes back to, with the result in it, signed.

A convenience for the merchant's page, never a proof that the money is there to stay: what
counts are events and our books. docs/events.md says how to verify it.
"""

from urllib.parse import urlencode, urlsplit

from config.clock import now
from merchants.endpoints import return_key
from merchants.sealing import CannotOpen
from merchants.signing import signatures
from payments.models import Payment

NAMES = ("payment_id", "order_id", "link_id", "state", "amount_paise", "timestamp")


def return_url(payment: Payment, paise: int) -> str:
    """The link's return address with this payment's result added to what the merchant wrote.

    "" where the link has none. Where the key does not open, the address is as it was written.
    """
    url = payment.link.return_url
    if not url:
        return ""
    values = (
        *(str(payment.pk), payment.order_id, str(payment.link_id), payment.state),
        *(str(paise), str(int(now().timestamp()))),
    )
    try:
        signature = signatures(return_key(payment.live), ".".join(values).encode())
    except CannotOpen:
        return url
    return _with(url, dict(zip(NAMES, values, strict=True)) | {"signature": signature})


def _with(url: str, added: dict[str, str]) -> str:
    """The merchant's own parameters stay as they are, letter for letter; ours are not doubled."""
    parts = urlsplit(url)
    own = [pair for pair in parts.query.split("&") if pair and pair.split("=")[0] not in added]
    return parts._replace(query="&".join([*own, urlencode(added)])).geturl()
