"""Messages that Paytm sends us: the browser's callback and webhooks.

A checksum covers no field names, so a true one is necessary and never sufficient; a message is
a hint to ask Paytm, and only that. Which key to check with is the caller's to know: from its own
record of the order (`read_order_id`), never from the message.
"""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from payments.paytm import fields
from payments.paytm.checksum import verify, verify_text
from payments.paytm.client import Credentials
from payments.paytm.envelope import Duplicate, Envelope, Malformed, parse, unseal
from payments.paytm.errors import BadMessage, Reason
from payments.paytm.messages import Notice
from payments.paytm.reading import refund_detail
from payments.paytm.redaction import blank_pairs

Pairs = Sequence[tuple[str, str]]


def read_order_id(pairs: Pairs) -> str | None:
    """The order that a flat message claims to be about. Nothing is verified but its alphabet."""
    claimed = [value for name, value in pairs if name == "ORDERID"]
    return claimed[0] if len(claimed) == 1 and fields.is_order_id(claimed[0]) else None


def verify_message(pairs: Pairs, credentials: Credentials) -> Notice:
    """Check a callback or flat webhook, fields in the order received, and read what it may say.

    The checksum must cover every field that came, known to us or not. Raises BadMessage.
    """
    message = dict(pairs)
    if len(message) != len(pairs):
        raise BadMessage(Reason.DUPLICATE_FIELD)
    if any("|" in value for value in message.values()):
        raise BadMessage(Reason.PIPE)
    checksum = message.pop("CHECKSUMHASH", "")
    if not checksum:
        raise BadMessage(Reason.NO_CHECKSUM)
    if not verify(message, credentials.key, checksum):
        raise BadMessage(Reason.BAD_CHECKSUM)
    if message.get("MID") != credentials.mid:
        raise BadMessage(Reason.WRONG_MID)
    return _notice(message)


def read_json_order_id(text: str) -> str | None:
    """As `read_order_id`, of a JSON webhook."""
    try:
        message = _opened(text)
        if isinstance(message, Envelope):
            return fields.order_id(_in_callback_names(message.body), "ORDERID")
        return read_order_id(message)
    except BadMessage:
        return None


def verify_json_message(text: str, credentials: Credentials) -> Notice:
    """Check a JSON webhook and read what it may say. Raises BadMessage.

    Either an envelope, with the names of Transaction Status or of the callback, or a form's fields
    as members of one object. Paytm's accept notice, an envelope, states no MID, so a missing one
    is taken there: the key is the merchant's.
    """
    message = _opened(text)
    if not isinstance(message, Envelope):
        return verify_message(message, credentials)
    if "|" in message.body_text:  # so that no text is both a form's signed values and a body
        raise BadMessage(Reason.PIPE)
    if not message.signature:
        raise BadMessage(Reason.NO_CHECKSUM)
    if not verify_text(message.body_text, credentials.key, message.signature):
        raise BadMessage(Reason.BAD_CHECKSUM)
    said = _in_callback_names(message.body)
    if said.get("MID", credentials.mid) != credentials.mid:
        raise BadMessage(Reason.WRONG_MID)
    return _notice(said)


def _notice(said: fields.Message) -> Notice:
    status = fields.text(said, "STATUS", 40)
    refund_id = fields.identifier(said, "REFUNDID")
    arn = fields.text(said, "ARN", 64) or refund_detail(said, "arn")
    if status is None and refund_id is None and arn is None:
        raise BadMessage(Reason.MISSING_FIELD)  # no result: a request of ours, sent back
    code = fields.text(said, "REJECTREFUNDREASONCODE", 64) or fields.text(said, "RESPCODE", 64)
    words = fields.text(said, "REJECTREFUNDREASONMESSAGE") or fields.text(said, "RESPMSG")
    return Notice(
        order_id=fields.order_id(said, "ORDERID") or _refuse(Reason.NO_ORDER),
        status=status,
        code=code or "",
        message=words or "",
        ref_id=fields.order_id(said, "REFID"),
        refund_id=refund_id,
        arn=arn,
    )


def blank_secrets(pairs: Pairs) -> list[tuple[str, str]]:
    """The fields as they may be stored: checksum, tokens and card numbers blanked."""
    return blank_pairs(pairs)


def _opened(text: str) -> Envelope | Pairs:
    """An envelope, or the fields of a flat message. Raises BadMessage."""
    try:
        whole = parse(text)
        return unseal(text) if "body" in whole else _strings(whole)
    except Duplicate as error:
        raise BadMessage(Reason.DUPLICATE_FIELD) from error
    except Malformed as error:
        raise BadMessage(Reason.MALFORMED) from error


def _strings(members: fields.Message) -> Pairs:
    if any(type(value) is not str for value in members.values()):  # a Number is a str too
        raise Malformed("a flat message holds strings only")
    return list(members.items())


_RESULT = {"resultStatus": "STATUS", "resultCode": "RESPCODE", "resultMsg": "RESPMSG"}


def _in_callback_names(body: fields.Message) -> fields.Message:
    """A JSON body by the callback's names too: Paytm's JSON names are the same in another case,
    save those of resultInfo. Raises BadMessage if two names differ by case alone."""
    said = {name.upper(): value for name, value in body.items()}
    if len(said) != len(body):
        raise BadMessage(Reason.DUPLICATE_FIELD)
    info = body.get("resultInfo")
    stated = info if isinstance(info, Mapping) else {}
    result = {_RESULT[name]: value for name, value in stated.items() if name in _RESULT}
    return {**body, **result, **said}


def _refuse(reason: Reason) -> NoReturn:
    raise BadMessage(reason)
