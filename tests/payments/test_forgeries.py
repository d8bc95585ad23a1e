"""Strangers and liars send callbacks; nothing they send becomes money. (M1, M2)"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from django.test import Client

from payments.inbox import KEPT
from payments.models import Message, Payment, Transfer
from payments.paytm import generate
from payments.paytm.envelope import seal
from tests import make
from tests.conftest import MIDS
from tests.paytm.server import envelope
from tests.proof import size
from tests.wire import Simulator, go_to_paytm, send

pytestmark = pytest.mark.proof

Fields = dict[str, str]
T = TypeVar("T")
KEY, CHARLIES_KEY = MIDS["acme"][1], MIDS["globex"][1]


def renamed(fields: Fields, luck: random.Random) -> Fields:
    """The checksum covers no names: swap two values' names, or invent one."""
    name = luck.choice(sorted(fields.keys() - {"CHECKSUMHASH"}))
    other = luck.choice(["STATUS", "RESPCODE", "TXNAMOUNT", "ZZZ", "ORDERID", name.lower()])
    fields[other] = fields.pop(name)
    return fields


def recut(fields: Fields, luck: random.Random) -> Fields:
    """A pipe inside a value stands for the border between two."""
    names = sorted(fields.keys() - {"CHECKSUMHASH"})
    place = luck.randrange(len(names) - 1)
    joined = f"{fields.pop(names[place])}|{fields.pop(names[place + 1])}"
    return fields | {names[place]: joined}


def changed(fields: Fields, luck: random.Random) -> Fields:
    name = luck.choice(["STATUS", "TXNAMOUNT", "MID", "ORDERID", "RESPCODE", "CURRENCY"])
    return fields | {name: luck.choice(["TXN_SUCCESS", "500.00", "", "null", "01", "1e9", "१००"])}


def spoilt(fields: Fields, luck: random.Random) -> Fields:
    checksum = fields["CHECKSUMHASH"]
    return fields | {
        "CHECKSUMHASH": luck.choice(
            [
                "", "null", checksum + "=", checksum + "AAAA", checksum[:-4],
                checksum.replace("+", " "), checksum.swapcase(), "\u2603" * 108, checksum * 2,
            ]
        )
    }  # fmt: skip


def signed_by_another(fields: Fields, luck: random.Random) -> Fields:
    """Charlie signs with his own key."""
    lie = fields | {"STATUS": "TXN_SUCCESS", "RESPCODE": "01"}
    del lie["CHECKSUMHASH"]
    return lie | {"CHECKSUMHASH": generate(lie, CHARLIES_KEY)}


def signed_lie(fields: Fields, luck: random.Random) -> Fields:
    """Even Acme's own true checksum proves nothing about the money."""
    lie = fields | {"STATUS": "TXN_SUCCESS", "RESPCODE": "01", "TXNAMOUNT": "1.00"}
    del lie["CHECKSUMHASH"]
    return lie | {"CHECKSUMHASH": generate(lie, KEY)}


def our_own_request(fields: Fields, luck: random.Random) -> Fields:
    """A signed request of ours, sent back as if it were Paytm's callback."""
    request = {"MID": fields["MID"], "ORDERID": fields["ORDERID"], "TXNAMOUNT": "500.00"}
    return request | {"CHECKSUMHASH": generate(request, KEY)}


KINDS: list[Callable[[Fields, random.Random], Fields]] = [
    renamed, recut, changed, spoilt, signed_by_another, signed_lie, our_own_request,
]  # fmt: skip


# --- The same in JSON


class Luck(random.Random):
    """Chance, and a turn: `deal` leaves out no choice, which chance may in a small run."""

    turn = 0

    def deal(self, choices: Sequence[T]) -> T:
        return choices[self.turn % len(choices)]


def camel(fields: Fields) -> dict[str, Any]:
    """A payment webhook's body as Transaction Status words it."""
    info = {"resultStatus": fields["STATUS"], "resultCode": "01", "resultMsg": "Txn Success"}
    return {
        "mid": fields["MID"],
        "orderId": fields["ORDERID"],
        "txnAmount": fields["TXNAMOUNT"],
        "resultInfo": info,
    }


def notice(fields: Fields) -> dict[str, Any]:
    """A refund notice's body."""
    parts = [{"refundAmount": fields["TXNAMOUNT"], "rrn": "1"}]
    ids = {"orderId": fields["ORDERID"], "refId": "R1", "refundId": "R2"}
    return ids | {"mid": fields["MID"], "status": "SUCCESS", "refundDetailInfoList": parts}


def without_checksum(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "CHECKSUMHASH"}


BODIES: list[Callable[[Fields], Mapping[str, Any]]] = [camel, notice, without_checksum]


def told(fields: Fields, luck: Luck, key: str) -> str:
    """A message in one of JSON's shapes, truly signed with this key."""
    return flat(fields, key) if luck.randrange(4) == 0 else enveloped(fields, luck, key)


def flat(fields: Fields, key: str) -> str:
    plain = without_checksum(fields)
    return json.dumps(plain | {"CHECKSUMHASH": generate(plain, key)})


def enveloped(fields: Fields, luck: Luck, key: str) -> str:
    return envelope(json.dumps(luck.choice(BODIES)(fields)), key)


def as_paid(fields: Fields) -> Fields:
    return fields | {"STATUS": "TXN_SUCCESS", "RESPCODE": "01"}


def json_renamed(fields: Fields, luck: Luck) -> str:
    """An envelope's signature covers the names."""
    name = luck.deal(["ORDERID", "orderId", "status", "STATUS", "mid", "TXNAMOUNT", "refId"])
    head, body = enveloped(as_paid(fields), luck, KEY).split('"body": ')
    other = luck.deal([name.swapcase(), "ZZZ", "status", "__proto__", f"{name} "])
    text = body.replace(f'"{name}"', f'"{other}"')
    return f'{head}"body": {text}' if text != body else f'{head}"body": {{{body[1:-2]}, "a": 1}}}}'


def json_changed(fields: Fields, luck: Luck) -> str:
    """A value changed behind the signature's back, or a space."""
    text = told(fields, luck, KEY)
    old, new = luck.deal(
        [(fields["TXNAMOUNT"], "1.00"), (fields["MID"], "null"), (fields["ORDERID"], "")]
    )
    changed = text.replace(f'"{old}"', f'"{new}"')
    return changed if changed != text else text.replace(fields["MID"], "")


def json_spoilt(fields: Fields, luck: Luck) -> str:
    text = told(fields, luck, KEY)
    said = json.loads(text)
    true = said["CHECKSUMHASH"] if "CHECKSUMHASH" in said else said["head"]["signature"]
    false = luck.deal(
        [
            "", "null", true + "=", true + "AAAA", true + "\n", true[:-4], true.swapcase(),
            "\u2603" * 108, true * 2, None, 7, [true], {"signature": true}, "A" * 108,
        ]
    )  # fmt: skip
    return text.replace(json.dumps(true), json.dumps(false))


def json_signed_by_another(fields: Fields, luck: Luck) -> str:
    """Charlie signs with his own key, for his own MID or Acme's."""
    mid = luck.choice([fields["MID"], MIDS["globex"][0]])
    return told(as_paid(fields) | {"MID": mid}, luck, CHARLIES_KEY)


def json_of_another(fields: Fields, luck: Luck) -> str:
    """Truly signed, and about somebody else, or nobody."""
    name, value = luck.deal(
        [("MID", MIDS["globex"][0]), ("MID", ""), ("MID", "null"), ("ORDERID", "pay_nobody"),
         ("ORDERID", "null"), ("ORDERID", "")]
    )  # fmt: skip
    return told(as_paid(fields) | {name: value}, luck, KEY)


def json_our_own_request(fields: Fields, luck: Luck) -> str:
    """Signed requests of ours, as they went out, and their signature lifted onto other shapes."""
    order = {"mid": fields["MID"], "orderId": fields["ORDERID"]}
    refund = order | {"refId": "R1"}
    body: dict[str, Any] = luck.choice(
        [
            order,
            refund,
            refund | {"txnId": "T", "refundAmount": "500.00", "txnType": "REFUND"},
            order | {"requestType": "Payment", "txnAmount": {"value": "1.00", "currency": "INR"}},
        ]
    )
    text = seal(body, KEY).decode()
    signature, signed = json.loads(text)["head"]["signature"], text[:-1].split('"body":')[1]
    stated = {"MID": fields["MID"], "ORDERID": fields["ORDERID"], "CHECKSUMHASH": signature}
    return luck.deal(
        [
            text,
            envelope(json.dumps({name.upper(): value for name, value in body.items()}), KEY),
            json.dumps({"MID": signed, "CHECKSUMHASH": signature}),
            json.dumps(stated | {"STATUS": signed}),
            text[:-1] + ',"STATUS":"TXN_SUCCESS","resultInfo":{"resultStatus":"TXN_SUCCESS"}}',
            text.replace('"head":{', '"head":{"status":"TXN_SUCCESS",'),
        ]
    )


def json_doubled(fields: Fields, luck: Luck) -> str:
    """Truly signed, with a member named twice somewhere, or in two cases."""
    body = json.dumps(camel(as_paid(fields)))
    true = envelope(body, KEY)
    order = json.dumps(fields["ORDERID"])
    return luck.deal(
        [
            envelope(f'{body[:-1]}, "orderId": {order}}}', KEY),
            envelope(f'{body[:-1]}, "ORDERID": {order}}}', KEY),
            envelope(f'{body[:-1]}, "a": [{{"b": 1, "b": 1}}]}}', KEY),
            envelope(body.replace('"resultCode"', '"resultStatus"'), KEY),
            envelope(body.replace('"resultCode"', '"result\\u0053tatus"'), KEY),
            f'{true[:-1]}, "body": {body}}}',
            f'{true[:-1]}, "head": {{}}}}',
            true.replace('"head": {', '"head": {"version": "v1", '),
            f'{flat(as_paid(fields), KEY)[:-1]}, "ORDERID": {order}}}',
        ]
    )


def json_nested(fields: Fields, luck: Luck) -> str:
    """Truly signed, and nothing where it belongs."""
    body = camel(as_paid(fields))
    return luck.deal(
        [
            envelope(json.dumps({"body": body}), KEY),
            envelope(json.dumps(body | {"orderId": [fields["ORDERID"]]}), KEY),
            envelope(json.dumps(body | {"orderId": {"orderId": fields["ORDERID"]}}), KEY),
            envelope(json.dumps(body | {"resultInfo": [body["resultInfo"]]}), KEY),
            envelope(json.dumps(body | {"resultInfo": {"resultInfo": body["resultInfo"]}}), KEY),
            envelope(json.dumps(body | {"mid": {"mid": fields["MID"]}}), KEY),
            json.dumps([json.loads(envelope(json.dumps(body), KEY))]),
            json.dumps(told(fields, luck, KEY)),
            '{"a":' * 9000 + "1" + "}" * 9000,
            envelope('{"a":' * 500 + json.dumps(body) + "}" * 500, KEY),
        ]
    )


def json_emptied(fields: Fields, luck: Luck) -> str:
    """Truly signed, and what is needed is null, empty or absent."""
    nothing: Any = luck.deal([None, "", "null", "NULL", 0.5, True, []])
    body: dict[str, Any] = camel(as_paid(fields))
    name = luck.deal(["mid", "orderId", "resultInfo"])
    return envelope(json.dumps(body | {name: nothing}), KEY)


def json_signed_lie(fields: Fields, luck: Luck) -> str:
    """Even Acme's own true signature proves nothing about the money."""
    return told(as_paid(fields) | {"TXNAMOUNT": luck.choice(["1.00", "500.00"])}, luck, KEY)


def json_flat_renamed(fields: Fields, luck: Luck) -> str:
    """As in a form, the checksum of a flat message covers no names."""
    return json.dumps(renamed(dict(fields), luck))


JSON_REFUSED: list[Callable[[Fields, Luck], str]] = [
    json_renamed, json_changed, json_spoilt, json_signed_by_another, json_of_another,
    json_our_own_request, json_doubled, json_nested, json_emptied,
]  # fmt: skip
JSON_HINTS: list[Callable[[Fields, Luck], str]] = [json_signed_lie, json_flat_renamed]
JSON_KINDS = JSON_REFUSED + JSON_HINTS


def test_no_forged_message_changes_a_state_or_a_figure(
    open_acme, simulator: Simulator, client: Client
) -> None:
    link = make.link()
    callback = simulator.decide(go_to_paytm(client, f"/p/{link.token}"), "pending")
    before = Payment.objects.values().get()
    path = "/paytm/" + callback.action.split("/paytm/")[1]
    luck = Luck(20261126)
    for n in range(size(330, 25_000)):  # twice: a form and a JSON message each time
        luck.turn = n // len(JSON_KINDS)
        post_form(client, path, KINDS[n % len(KINDS)], callback.fields, luck)
        post_json(client, path, JSON_KINDS[n % len(JSON_KINDS)], callback.fields, luck)
    assert Message.objects.filter(verdict__startswith="refused:").count() <= KEPT
    assert Payment.objects.values().get() == before
    assert not Transfer.objects.exists()


def post_form(client: Client, path: str, kind: Any, fields: Fields, luck: Luck) -> None:
    forged = kind(dict(fields), luck)
    address = luck.choice([path, path.replace("callback", "webhook")])
    assert send(client, address, forged).status_code in (200, 303, 400, 404), (kind, forged)


def post_json(client: Client, path: str, kind: Any, fields: Fields, luck: Luck) -> None:
    forged = kind(dict(fields), luck)
    content_type = luck.choice(["application/json", "application/json; charset=UTF-8", ""])
    code = client.post(path.replace("callback", "webhook"), forged, content_type).status_code
    assert code in ((400, 404) if kind in JSON_REFUSED else (200, 400, 404)), (kind, forged)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"ORDERID=a&ORDERID=b", "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"A=" + b"x" * 65536, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(1001)), "application/x-www-form-urlencoded"),
        (b"[" * 50_000, "application/json"),
        (b'{"head":{},"body":{"orderId":1e400}}', "application/json"),
        (b'{"head":null,"body":[]}', "application/json"),
        (b"\x00", "application/json"),
        (b"hello", "text/plain"),
        (b"{", "text/plain"),
        (b'{"ORDERID":', ""),
        (b'{"head":{},"body":{"orderId":"\xff"}}', "application/json"),
        (b'{"ORDERID":"a"' + b" " * 65536 + b"}", "application/json"),
    ],
)
def test_what_cannot_be_read_is_refused_with_4xx(
    in_acme, paytm: Simulator, client: Client, body: bytes, kind: str
) -> None:
    callback = paytm.decide(go_to_paytm(client, f"/p/{make.link().token}"), "success")
    path = "/paytm/" + callback.action.split("/paytm/")[1]
    for address in (path, path.replace("callback", "webhook")):
        assert 400 <= client.post(address, body, kind).status_code < 500
