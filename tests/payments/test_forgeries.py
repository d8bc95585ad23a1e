"""Strangers and liars send callbacks; nothing they send becomes money. (M1, M2)"""

import random
from collections.abc import Callable

import pytest
from django.test import Client

from payments.models import Payment, Transfer
from payments.paytm import generate
from tests import make
from tests.conftest import MIDS
from tests.proof import size
from tests.wire import Simulator, go_to_paytm, send

pytestmark = pytest.mark.proof

Fields = dict[str, str]


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
    return lie | {"CHECKSUMHASH": generate(lie, MIDS["globex"][1])}


def signed_lie(fields: Fields, luck: random.Random) -> Fields:
    """Even Acme's own true checksum proves nothing about the money."""
    lie = fields | {"STATUS": "TXN_SUCCESS", "RESPCODE": "01", "TXNAMOUNT": "1.00"}
    del lie["CHECKSUMHASH"]
    return lie | {"CHECKSUMHASH": generate(lie, MIDS["acme"][1])}


def our_own_request(fields: Fields, luck: random.Random) -> Fields:
    """A signed request of ours, sent back as if it were Paytm's callback."""
    request = {"MID": fields["MID"], "ORDERID": fields["ORDERID"], "TXNAMOUNT": "500.00"}
    return request | {"CHECKSUMHASH": generate(request, MIDS["acme"][1])}


KINDS: list[Callable[[Fields, random.Random], Fields]] = [
    renamed, recut, changed, spoilt, signed_by_another, signed_lie, our_own_request,
]  # fmt: skip


def test_no_forged_message_changes_a_state_or_a_figure(
    open_acme, simulator: Simulator, client: Client
) -> None:
    link = make.link()
    callback = simulator.decide(go_to_paytm(client, f"/p/{link.token}"), "pending")
    before = Payment.objects.values().get()
    path = "/paytm/" + callback.action.split("/paytm/")[1]
    luck = random.Random(20261123)
    for n in range(size(350, 50_000)):
        forged = KINDS[n % len(KINDS)](dict(callback.fields), luck)
        address = path if n % 2 else path.replace("callback", "webhook")
        code = send(client, address, forged).status_code
        assert code in (200, 303, 400, 404), (KINDS[n % len(KINDS)], forged)
    assert Payment.objects.values().get() == before
    assert not Transfer.objects.exists()


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
    ],
)
def test_what_cannot_be_read_is_refused_with_4xx(
    in_acme, paytm: Simulator, client: Client, body: bytes, kind: str
) -> None:
    callback = paytm.decide(go_to_paytm(client, f"/p/{make.link().token}"), "success")
    path = "/paytm/" + callback.action.split("/paytm/")[1]
    for address in (path, path.replace("callback", "webhook")):
        assert 400 <= client.post(address, body, kind).status_code < 500
