"""What can go wrong between us and Paytm.

PaytmError
 ├── Refused        Paytm plainly said no; nothing was done
 ├── Unreachable    the request cannot have had an effect: it was never sent
 │    └── Open      nor was it tried: the host has not answered lately (breaker)
 ├── Unknown        it may have had one: ask again about the same order or refund id
 │    ├── NoAnswer  no whole answer came, or an error of the server: the host is ill
 │    └── NotPaytm  what answered is not Paytm's interface: a redirect, a 404, a web page
 ├── TooOften       Paytm asks us to wait; nothing was done
 ├── BadRow         a row of a settlement report that cannot be read for certain
 ├── BadFile        a file that is no settlement report
 ├── Forged         the answer's signature does not verify: it is no answer
 └── BadMessage     a callback or webhook that is not to be believed
"""

from enum import Enum


class PaytmError(Exception):
    """Base of all. `raw` is what was received, secrets blanked and capped; often empty."""

    def __init__(self, message: str, raw: str = "") -> None:
        super().__init__(message)
        self.raw = raw


class Refused(PaytmError):
    """Paytm plainly refused. `code` and `message` are Paytm's own."""

    def __init__(self, code: str, message: str, raw: str = "") -> None:
        super().__init__(f"{code}: {message}", raw)
        self.code = code
        self.message = message


class Unreachable(PaytmError):
    """No connection was made (name, connect, TLS), so the request had no effect."""


class Open(Unreachable):
    """The breaker of the host is open, so no call was made. `seconds` until one may be."""

    def __init__(self, base_url: str, seconds: float) -> None:
        super().__init__(f"{base_url} has not answered lately")
        self.seconds = seconds


class Unknown(PaytmError):
    """The request may have been received, and no usable answer came back."""


class NoAnswer(Unknown):
    """Silence, a broken connection, or HTTP 5xx."""


class NotPaytm(Unknown):
    """Something else than Paytm's interface answered: its maintenance page, say."""


class TooOften(PaytmError):
    """Paytm counts our questions and wants no more for now. The same may be asked later."""


class BadRow(PaytmError):
    """A settlement report's row number `row` is in doubt at `column`; `value` is what it says."""

    def __init__(self, row: int, column: str, value: str) -> None:
        super().__init__(f"row {row}: {column}: {value}")
        self.row = row
        self.column = column
        self.value = value


class BadFile(PaytmError):
    """Not a settlement report. `reason` is a word; `column` names the one that is missing."""

    def __init__(self, reason: str, column: str = "") -> None:
        super().__init__(f"{reason} {column}".strip())
        self.reason = reason
        self.column = column


class Forged(PaytmError):
    """The answer carries a signature that our merchant key did not make."""


class Reason(Enum):
    """Why a message was not believed."""

    MALFORMED = "malformed"
    DUPLICATE_FIELD = "duplicate_field"
    PIPE = "pipe"
    NO_CHECKSUM = "no_checksum"
    BAD_CHECKSUM = "bad_checksum"
    WRONG_MID = "wrong_mid"
    NO_ORDER = "no_order"
    MISSING_FIELD = "missing_field"


class BadMessage(PaytmError):
    """A message to us that is not to be believed; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
