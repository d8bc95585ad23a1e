"""Callbacks and webhooks: what is believed, and the catalogue of what is not."""

import json
import random
from collections.abc import Callable
from typing import Any

import paytmchecksum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.paytm import (
    BadMessage,
    Credentials,
    Reason,
    read_json_order_id,
    read_order_id,
    verify_json_message,
    verify_message,
)
from payments.paytm.envelope import seal
from tests.paytm.server import KEY, MID, OTHER_KEY, envelope, result, success
from tests.proof import size

Pairs = list[tuple[str, str]]
CREDENTIALS = Credentials(MID, KEY, "WEBSTAGING", "https://securestage.paytmpayments.com")

PAID = {
    "BANKNAME": "HDFC Bank",
    "BANKTXNID": "777001234567",
    "CURRENCY": "INR",
    "GATEWAYNAME": "HDFC",
    "MID": MID,
    "ORDERID": "ORDER_0001",
    "PAYMENTMODE": "CC",
    "RESPCODE": "01",
    "RESPMSG": "Txn Success",
    "STATUS": "TXN_SUCCESS",
    "TXNAMOUNT": "1.00",
    "TXNDATE": "2026-11-23 10:00:00.0",
    "TXNID": "20261123111212800110168470101509706",
}
CANCELLED = {
    "BANKTXNID": "",
    "CURRENCY": "INR",
    "MID": MID,
    "ORDERID": "ORDER_0001",
    "RESPCODE": "141",
    "RESPMSG": "User has not completed transaction.",
    "STATUS": "TXN_FAILURE",
    "TXNAMOUNT": "1.00",
}


def signed(fields: dict[str, str], key: str = KEY) -> Pairs:
    """As Paytm would send them."""
    return [*fields.items(), ("CHECKSUMHASH", paytmchecksum.generateSignature(dict(fields), key))]


def refused(pairs: Pairs, credentials: Credentials = CREDENTIALS) -> Reason | None:
    """Why a message is not believed; None if it is."""
    try:
        verify_message(pairs, credentials)
    except BadMessage as error:
        return error.reason
    return None


def test_a_true_message_is_read() -> None:
    message = verify_message(signed(PAID), CREDENTIALS)
    assert (message.order_id, message.status) == ("ORDER_0001", "TXN_SUCCESS")
    assert (message.code, message.message) == ("01", "Txn Success")
    assert (message.ref_id, message.refund_id) == (None, None)


def test_a_short_one_too() -> None:
    message = verify_message(signed(CANCELLED), CREDENTIALS)
    assert (message.status, message.code) == ("TXN_FAILURE", "141")


def test_the_order_of_fields_does_not_matter() -> None:
    pairs = signed(PAID)
    random.Random(1).shuffle(pairs)
    assert refused(pairs) is None


def test_fields_we_do_not_know_are_verified_and_not_read() -> None:
    fields = PAID | {"ZZ_NEW": "भारत", "": "x", "__proto__": "y"}
    assert refused(signed(fields)) is None
    assert refused([*signed(PAID), ("ZZ_NEW", "1")]) is Reason.BAD_CHECKSUM
    assert refused([pair for pair in signed(fields) if pair[0] != "ZZ_NEW"]) is Reason.BAD_CHECKSUM


def test_a_refund_notice_in_flat_form() -> None:
    """Paytm: Refund ARN notification. It states no STATUS."""
    fields = {"MID": MID, "ORDERID": "ORDER_0001", "REFID": "REF_1", "REFUNDID": "R9", "ARN": "7"}
    message = verify_message(signed(fields), CREDENTIALS)
    assert (message.status, message.ref_id, message.refund_id) == (None, "REF_1", "R9")
    assert (message.arn, message.is_of_refund) == ("7", True)


# --- The catalogue of tampering

BadPairs = Callable[[Pairs], Pairs]


def put(name: str, value: str) -> BadPairs:
    return lambda pairs: [*(p for p in pairs if p[0] != name), (name, value)]


def drop(name: str) -> BadPairs:
    return lambda pairs: [p for p in pairs if p[0] != name]


def add(name: str, value: str) -> BadPairs:
    return lambda pairs: [*pairs, (name, value)]


CATALOGUE: list[tuple[BadPairs, Reason]] = [
    (lambda pairs: [], Reason.NO_CHECKSUM),
    (drop("CHECKSUMHASH"), Reason.NO_CHECKSUM),
    (put("CHECKSUMHASH", ""), Reason.NO_CHECKSUM),
    (put("CHECKSUMHASH", "null"), Reason.BAD_CHECKSUM),
    (put("CHECKSUMHASH", "A" * 108), Reason.BAD_CHECKSUM),
    (put("CHECKSUMHASH", "é\ud800\x00"), Reason.BAD_CHECKSUM),
    (lambda p: put("CHECKSUMHASH", dict(p)["CHECKSUMHASH"] + "junk")(p), Reason.BAD_CHECKSUM),
    (lambda p: put("CHECKSUMHASH", dict(p)["CHECKSUMHASH"] + "\n")(p), Reason.BAD_CHECKSUM),
    (lambda p: put("CHECKSUMHASH", " " + dict(p)["CHECKSUMHASH"])(p), Reason.BAD_CHECKSUM),
    (put("TXNAMOUNT", "0.01"), Reason.BAD_CHECKSUM),
    (put("TXNAMOUNT", "1.0"), Reason.BAD_CHECKSUM),
    (put("ORDERID", "ORDER_0002"), Reason.BAD_CHECKSUM),
    (put("MID", "OTHERMID000000001"), Reason.BAD_CHECKSUM),
    (put("STATUS", "PENDING"), Reason.BAD_CHECKSUM),
    (put("STATUS", "\ud800"), Reason.BAD_CHECKSUM),
    (put("BANKNAME", ""), Reason.BAD_CHECKSUM),
    (put("BANKNAME", "null"), Reason.BAD_CHECKSUM),
    (drop("BANKNAME"), Reason.BAD_CHECKSUM),
    (add("ORDERID", "ORDER_0002"), Reason.DUPLICATE_FIELD),
    (add("ORDERID", "ORDER_0001"), Reason.DUPLICATE_FIELD),
    (add("CHECKSUMHASH", "x"), Reason.DUPLICATE_FIELD),
    (add("ZZ", ""), Reason.BAD_CHECKSUM),
    (add("ZZ", "a|b"), Reason.PIPE),
    (put("RESPMSG", "Txn Success|TXN_SUCCESS"), Reason.PIPE),
    (put("CHECKSUMHASH", "|"), Reason.PIPE),
]


@pytest.mark.parametrize(("spoil", "reason"), CATALOGUE)
def test_tampering(spoil: BadPairs, reason: Reason) -> None:
    assert refused(spoil(signed(PAID))) is reason


def test_values_cut_up_differently_are_refused() -> None:
    """The text signed is the same; Paytm's own library takes it."""
    cut = dict(signed(CANCELLED))
    cut["RESPMSG"] += "|" + cut.pop("STATUS")
    assert paytmchecksum.verifySignature(dict(cut), KEY, cut["CHECKSUMHASH"])
    assert refused(list(cut.items())) is Reason.PIPE


def test_a_field_joined_into_two_needs_a_pipe_that_is_never_signed() -> None:
    spread = CANCELLED | {"RESPMSG": "x", "STATUS": "TXN_SUCCESS"}
    joined = CANCELLED | {"RESPMSG": "x|TXN_SUCCESS"}
    del joined["STATUS"]
    checksum = paytmchecksum.generateSignature(dict(joined), KEY)
    assert refused([*spread.items(), ("CHECKSUMHASH", checksum)]) is None
    with pytest.raises(ValueError, match="pipe"):
        seal({"comments": "x|TXN_SUCCESS"}, KEY)


@pytest.mark.parametrize(
    ("name", "renamed", "reason"),
    [
        ("MID", "MIDX", Reason.WRONG_MID),
        ("ORDERID", "ORDERIDX", Reason.NO_ORDER),
        ("STATUS", "STATUSX", Reason.MISSING_FIELD),
        ("CHECKSUMHASH", "CHECKSUMHASHX", Reason.NO_CHECKSUM),
    ],
)
def test_renamed_fields_that_are_needed(name: str, renamed: str, reason: Reason) -> None:
    """Names are not signed, so these verify."""
    assert refused([(renamed if n == name else n, v) for n, v in signed(PAID)]) is reason


def test_other_renamed_fields_are_not_read() -> None:
    pairs = [(n if n != "RESPCODE" else "RESPCODEX", v) for n, v in signed(PAID)]
    assert verify_message(pairs, CREDENTIALS).code == ""


@pytest.mark.parametrize(
    "mid", [MID.lower(), MID + " ", " " + MID, "", "null", "OTHERMID000000001"]
)
def test_a_true_message_for_another_mid(mid: str) -> None:
    assert refused(signed(PAID | {"MID": mid})) is Reason.WRONG_MID


def test_another_merchants_message() -> None:
    assert refused(signed(PAID, OTHER_KEY)) is Reason.BAD_CHECKSUM
    theirs = Credentials("OTHERMID000000001", OTHER_KEY, "WEBSTAGING", CREDENTIALS.base_url)
    assert refused(signed(PAID | {"MID": theirs.mid}, OTHER_KEY)) is Reason.BAD_CHECKSUM
    assert refused(signed(PAID | {"MID": theirs.mid}, OTHER_KEY), theirs) is None
    assert refused(signed(PAID), theirs) is Reason.BAD_CHECKSUM


def test_our_own_signed_requests_are_no_callbacks() -> None:
    for body in OUR_REQUESTS:
        text = seal(body, KEY).decode()
        signature = json.loads(text)["head"]["signature"]
        flat = [("MID", text.split('"body":')[1][:-1]), ("CHECKSUMHASH", signature)]
        assert refused(flat) is Reason.WRONG_MID


@pytest.mark.parametrize("order_id", ["", "null", "A B", "x" * 51, "../etc", "ORDER\n", "१"])
def test_an_order_id_that_cannot_be(order_id: str) -> None:
    assert refused(signed(PAID | {"ORDERID": order_id})) is Reason.NO_ORDER


@pytest.mark.proof
def test_thousands_of_mutations_and_not_one_is_believed() -> None:
    rng = random.Random(20261123)
    for fields in (PAID, CANCELLED) * size(1500, 50_000):
        pairs = mutated(rng, signed(fields))
        reason = refused(pairs)
        assert reason is not None, pairs


def mutated(rng: random.Random, pairs: Pairs) -> Pairs:
    """Change, drop, double or swap values of a message in one place."""
    spot = rng.randrange(len(pairs))
    name, value = pairs[spot]
    kind = rng.choice(["letter", "insert", "delete", "double", "swap", "case", "junk"])
    at = rng.randrange(len(value) + 1)
    letter = chr(rng.choice([rng.randrange(33, 127), rng.randrange(0x900, 0x980), 0]))
    if kind == "double":
        return [*pairs, (name, value)]
    if kind == "swap":
        other = rng.choice([p for p in pairs if p[1] != value])
        return [(n, other[1] if n == name else value if n == other[0] else v) for n, v in pairs]
    changed = {
        "letter": value[:at] + letter + value[at + 1 :],
        "insert": value[:at] + letter + value[at:],
        "delete": value[: max(at - 1, 0)] + value[at:],
        "case": value.swapcase(),
        "junk": "".join(rng.choices("abc|\n=+/ ", k=5)),
    }[kind]
    if changed in (value, "") and value in (changed, ""):
        changed = value + "!"
    return [*pairs[:spot], (name, changed), *pairs[spot + 1 :]]


ANY_TEXT = st.text(alphabet=st.characters(), max_size=40)
NAMES = st.one_of(ANY_TEXT, st.sampled_from([*PAID, "CHECKSUMHASH"]))


@given(st.lists(st.tuples(NAMES, ANY_TEXT), max_size=8))
def test_junk_is_refused_and_nothing_else(pairs: Pairs) -> None:
    assert refused(pairs) is not None
    read_order_id(pairs)


def test_a_signed_message_of_odd_values_is_read_safely() -> None:
    odd = dict.fromkeys(PAID, "x" * 5000) | {"MID": MID, "ORDERID": "O", "STATUS": "null"}
    assert refused(signed(odd)) is Reason.MISSING_FIELD
    message = verify_message(signed(odd | {"STATUS": "\x00" * 3}), CREDENTIALS)
    assert message.status == "\ufffd" * 3
    assert len(message.message) == 500


# --- Reading the order id before anything is verified


@pytest.mark.parametrize(
    ("pairs", "order_id"),
    [
        ([("ORDERID", "ORDER_0001")], "ORDER_0001"),
        ([("ORDERID", "a@b-c_d.e")], "a@b-c_d.e"),
        ([("ORDERID", "x" * 50)], "x" * 50),
        ([("ORDERID", "x" * 51)], None),
        ([("ORDERID", "")], None),
        ([("ORDERID", "a b")], None),
        ([("ORDERID", "a\n")], None),
        ([("ORDERID", "é")], None),
        ([("ORDERID", "a"), ("ORDERID", "a")], None),
        ([("orderId", "a")], None),
        ([], None),
    ],
)
def test_the_claimed_order(pairs: Pairs, order_id: str | None) -> None:
    assert read_order_id(pairs) == order_id


# --- JSON webhooks

ACCEPTED = {
    "orderId": "ORDER_0001",
    "txnId": "T1",
    "refId": "REF_1",
    "refundId": "R9",
    "refundAmount": "1.00",
    "txnAmount": "10.00",
    "status": "SUCCESS",
}


def json_refused(text: str) -> Reason | None:
    try:
        verify_json_message(text, CREDENTIALS)
    except BadMessage as error:
        return error.reason
    return None


def test_an_accepted_refund() -> None:
    notice = verify_json_message(envelope(json.dumps(ACCEPTED)), CREDENTIALS)
    assert (notice.order_id, notice.ref_id, notice.refund_id) == ("ORDER_0001", "REF_1", "R9")
    assert notice.status == "SUCCESS"
    assert notice.is_of_refund


def test_a_refund_not_accepted() -> None:
    body = ACCEPTED | {
        "status": "FAILED",
        "rejectRefundReasonCode": "1501",
        "rejectRefundReasonMessage": "Insufficient balance",
    }
    notice = verify_json_message(envelope(json.dumps(body)), CREDENTIALS)
    assert (notice.status, notice.code) == ("FAILED", "1501")
    assert notice.message == "Insufficient balance"


def test_a_refund_on_its_way() -> None:
    body: dict[str, Any] = ACCEPTED | {"mid": MID, "refundDetailInfoList": [{"arn": "12"}]}
    del body["status"]
    notice = verify_json_message(envelope(json.dumps(body, indent=1)), CREDENTIALS)
    assert (notice.status, notice.arn) == (None, "12")


def as_status(fields: dict[str, str]) -> dict[str, Any]:
    """A callback's fields as Transaction Status names and nests them."""
    names = {name.upper(): name for name in success()} | {"CURRENCY": "currency"}
    info = result(fields["STATUS"], fields["RESPCODE"], fields["RESPMSG"])
    return {"resultInfo": info, "txnType": "SALE"} | {
        names[name]: value for name, value in fields.items() if name in names
    }


def in_camel_case(fields: dict[str, str]) -> dict[str, Any]:
    """The same with status, respCode and respMsg beside the rest."""
    body = as_status(fields)
    info = body.pop("resultInfo")
    names = {"status": "resultStatus", "respCode": "resultCode", "respMsg": "resultMsg"}
    return body | {name: info[theirs] for name, theirs in names.items()}


def flat(fields: dict[str, Any], key: str = KEY) -> str:
    """A form's fields as one JSON object."""
    return json.dumps(dict(signed(fields, key)), ensure_ascii=False)


SHAPES: dict[str, Callable[[dict[str, str]], str]] = {
    "status": lambda fields: envelope(json.dumps(as_status(fields))),
    "camel": lambda fields: envelope(json.dumps(in_camel_case(fields), indent=2)),
    "callback": lambda fields: envelope(json.dumps(fields, ensure_ascii=False)),
    "flat": flat,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fields", [PAID, CANCELLED | {"RESPMSG": "रद्द"}])
def test_a_payment_in_json_says_what_the_callback_says(shape: str, fields: dict[str, str]) -> None:
    """Paytm's own sources disagree on the shape of the payment webhook."""
    text = SHAPES[shape](fields)
    assert read_json_order_id(text) == "ORDER_0001"
    assert verify_json_message(text, CREDENTIALS) == verify_message(signed(fields), CREDENTIALS)
    assert not verify_json_message(text, CREDENTIALS).is_of_refund


def test_an_answer_without_status_says_it_in_result_info() -> None:
    body = {"orderId": "O", "resultInfo": result("TXN_FAILURE", "227", "No")}
    notice = verify_json_message(envelope(json.dumps(body)), CREDENTIALS)
    assert (notice.status, notice.code, notice.message) == ("TXN_FAILURE", "227", "No")
    both = body | {"status": "PENDING"}
    assert verify_json_message(envelope(json.dumps(both)), CREDENTIALS).status == "PENDING"


OUR_REQUESTS: list[dict[str, Any]] = [
    {"mid": MID, "orderId": "ORDER_0001"},
    {"mid": MID, "orderId": "ORDER_0001", "refId": "R1"},
    {
        "mid": MID,
        "orderId": "ORDER_0001",
        "txnId": "T",
        "refId": "R1",
        "refundAmount": "1.00",
        "txnType": "REFUND",
        "comments": "TXN_SUCCESS",
    },
    {
        "requestType": "Payment",
        "mid": MID,
        "websiteName": "WEBSTAGING",
        "orderId": "ORDER_0001",
        "txnAmount": {"value": "1.00", "currency": "INR"},
        "userInfo": {"custId": "C"},
        "callbackUrl": "https://x.example/",
        "enablePaymentMode": [{"mode": "UPI"}],
    },
]


@pytest.mark.parametrize("body", OUR_REQUESTS)
def test_our_own_signed_requests_are_no_webhooks(body: dict[str, Any]) -> None:
    """As they are, under the callback's names, and with their signature on a flat message."""
    text = seal(body, KEY).decode()
    head, body_text = text[:-1].split(',"body":')
    signature = json.loads(head.partition(":")[2])["signature"]
    assert json_refused(text) is Reason.MISSING_FIELD
    upper = json.dumps({name.upper(): value for name, value in body.items()})
    assert json_refused(envelope(upper)) is Reason.MISSING_FIELD
    for name in ("MID", "ORDERID", "STATUS"):
        pairs = {name: body_text, "CHECKSUMHASH": signature}
        assert json_refused(json.dumps(pairs)) is Reason.WRONG_MID
        assert read_json_order_id(json.dumps(pairs)) is None
    emptied = {"MID": MID, "ORDERID": "ORDER_0001", "STATUS": "", "CHECKSUMHASH": signature}
    assert json_refused(json.dumps(emptied)) is Reason.BAD_CHECKSUM


def test_a_request_s_fields_signed_flat_state_no_result() -> None:
    for fields in (
        {"MID": MID, "ORDERID": "ORDER_0001"},
        {"MID": MID, "ORDERID": "ORDER_0001", "REFID": "R1", "REFUNDAMOUNT": "1.00"},
    ):
        assert refused(signed(fields)) is Reason.MISSING_FIELD
        assert json_refused(flat(fields)) is Reason.MISSING_FIELD


GOOD = envelope(json.dumps(ACCEPTED))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.MALFORMED),
        ("{}", Reason.NO_CHECKSUM),
        ("[]", Reason.MALFORMED),
        (GOOD[:-1], Reason.MALFORMED),
        (GOOD + "x", Reason.MALFORMED),
        ("[" * 60_000, Reason.MALFORMED),
        ('{"body":{"a":NaN}}', Reason.MALFORMED),
        (GOOD[:-1] + ', "body": {}}', Reason.DUPLICATE_FIELD),
        (GOOD.replace('"refId"', '"refId": "x", "refId"'), Reason.DUPLICATE_FIELD),
        (envelope(json.dumps(ACCEPTED), None), Reason.NO_CHECKSUM),
        (envelope(json.dumps(ACCEPTED), OTHER_KEY), Reason.BAD_CHECKSUM),
        (GOOD.replace("1.00", "9.00"), Reason.BAD_CHECKSUM),
        (GOOD.replace('"ORDER_0001"', '"ORDER_0002"'), Reason.BAD_CHECKSUM),
        (GOOD.replace('"refId": ', '"refId":'), Reason.BAD_CHECKSUM),
        (envelope(json.dumps(ACCEPTED | {"mid": "OTHER"})), Reason.WRONG_MID),
        (envelope(json.dumps(ACCEPTED | {"mid": None})), Reason.WRONG_MID),
        (envelope(json.dumps(ACCEPTED | {"orderId": "a b"})), Reason.NO_ORDER),
        (envelope(json.dumps(ACCEPTED | {"orderId": {}})), Reason.NO_ORDER),
        (envelope("{}"), Reason.MISSING_FIELD),
        (envelope(json.dumps({"resultInfo": result("TXN_SUCCESS", "01")})), Reason.NO_ORDER),
        (envelope(json.dumps({"orderId": "O", "resultInfo": "TXN_SUCCESS"})), Reason.MISSING_FIELD),
        (envelope(json.dumps({"orderId": "O", "status": None})), Reason.MISSING_FIELD),
        (envelope(json.dumps({"orderId": "O", "status": ["x"]})), Reason.MISSING_FIELD),
        (envelope(json.dumps({"body": success()})), Reason.MISSING_FIELD),
        (envelope(json.dumps(success(bankName="a|b"))), Reason.PIPE),
        (envelope(json.dumps(success(ORDERID="ORDER_0001"))), Reason.DUPLICATE_FIELD),
        (envelope(json.dumps(success(Mid=MID))), Reason.DUPLICATE_FIELD),
        (envelope(json.dumps(PAID | {"MID": "OTHER"})), Reason.WRONG_MID),
        (envelope('{"orderId":"O","resultInfo":{"a":1,"a":1}}'), Reason.DUPLICATE_FIELD),
        (envelope('{"orderId":"O","status":"S","a":[{"b":1,"b":1}]}'), Reason.DUPLICATE_FIELD),
        (flat(PAID | {"MID": "OTHER"}), Reason.WRONG_MID),
        (flat({n: v for n, v in PAID.items() if n != "MID"}), Reason.WRONG_MID),
        (flat(PAID | {"ORDERID": "a b"}), Reason.NO_ORDER),
        (flat(PAID | {"BANKNAME": "a|b"}), Reason.PIPE),
        (flat(PAID, OTHER_KEY), Reason.BAD_CHECKSUM),
        (flat(PAID).replace("1.00", "9.00"), Reason.BAD_CHECKSUM),
        (flat(PAID).replace('="', '=junk"'), Reason.BAD_CHECKSUM),
        (flat(PAID).replace("{", '{"MID": "", '), Reason.DUPLICATE_FIELD),
        (flat(PAID).replace('"1.00"', "1.00"), Reason.MALFORMED),
        (flat(PAID).replace('"1.00"', "null"), Reason.MALFORMED),
        (flat(PAID).replace('"1.00"', '["1.00"]'), Reason.MALFORMED),
        (flat(PAID).replace("{", '{"head": {}, '), Reason.MALFORMED),
        (json.dumps(PAID), Reason.NO_CHECKSUM),
        (json.dumps(PAID | {"CHECKSUMHASH": ""}), Reason.NO_CHECKSUM),
    ],
)
def test_json_that_is_not_believed(text: str, reason: Reason) -> None:
    assert json_refused(text) is reason


@given(st.text())
def test_json_junk_is_refused_and_nothing_else(text: str) -> None:
    assert json_refused(text) is Reason.MALFORMED
    assert read_json_order_id(text) is None


def test_the_order_a_json_message_claims() -> None:
    assert read_json_order_id(GOOD) == "ORDER_0001"
    assert read_json_order_id(envelope('{"orderId": "a b"}')) is None
    assert read_json_order_id(envelope('{"orderId": 12}')) == "12"
    assert read_json_order_id(envelope('{"orderId": ["x"]}')) is None
