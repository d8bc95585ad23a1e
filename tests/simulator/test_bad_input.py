"""Whatever is sent, the answer is a 4xx that says what is wrong, never a 5xx."""

import random

import paytmchecksum
import pytest
import requests

from tests.simulator.shop import KEY, MID, Shop, Simulator

API = (
    "/theia/api/v1/initiateTransaction",
    "/order/initiate",
    "/v3/order/status",
    "/order/status",
    "/refund/apply",
    "/v2/refund/status",
)
NOT_JSON = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{}x",
    b"\xff\xfe",
    b"\x00",
    b'{"head":NaN,"body":{}}',
    b'{"head":{},"body":{"a":"\\ud800"}}',
    b'{"head":{},"body":{},"body":{}}',
    b'{"a":' + b"[" * 100_000,
    b'{"a":' + b"9" * 5_000 + b"}",
    b'{"head":{},"body":{"a":1e999}}',
]
WRONG_SHAPE = [b'{"head":{}}', b'{"head":[],"body":{}}', b'{"head":{},"body":"x"}']


@pytest.mark.parametrize("path", API)
def test_what_is_not_json(simulator: Simulator, path: str) -> None:
    for data in NOT_JSON:
        response = requests.post(simulator.url + path, data=data)
        assert response.status_code in (200, 400), (data[:40], response.text)
        if response.status_code == 400:
            assert response.json()["errorMessage"]


@pytest.mark.parametrize("path", [path for path in API if path != "/order/status"])
def test_what_is_no_envelope(simulator: Simulator, path: str) -> None:
    for data in WRONG_SHAPE:
        assert requests.post(simulator.url + path, data=data).status_code == 400


@pytest.mark.parametrize("path", API)
def test_values_of_the_wrong_kind(shop: Shop, path: str) -> None:
    odd: list[object] = [
        None,
        True,
        0,
        -1.5,
        10**400,
        "",
        "x" * 9999,
        "१",
        "\x00",
        "é|",
        [],
        [[]],
        {},
        {"a": {}},
    ]
    chance = random.Random(3)
    for _ in range(40):
        body = shop.order_body(shop.new_order_id()) | {
            "txnType": "REFUND",
            "txnId": "1",
            "refId": "R",
            "refundAmount": "1.00",
        }
        for name in chance.sample(sorted(set(body) - {"mid"}), 2):
            body[name] = chance.choice(odd)
        response = shop.post(f"{path}?mid={MID}&orderId={body['orderId']}", body)
        assert response.status_code in (200, 400), (body, response.text)


def test_deep_nesting(shop: Shop) -> None:
    order_id = shop.new_order_id()
    url = f"{shop.url}/order/initiate?mid={MID}&orderId={order_id}"
    for depth in (100, *range(900, 1000)):
        deep = "[" * depth + "]" * depth
        body = f'{{"orderId":"{order_id}","mid":"{MID}","deep":{deep}}}'
        signature = paytmchecksum.generateSignature(body, KEY)
        data = f'{{"head":{{"signature":"{signature}"}},"body":{body}}}'
        assert requests.post(url, data=data).status_code in (200, 400)


def test_a_body_over_a_mebibyte(simulator: Simulator) -> None:
    data = b" " * (1024 * 1024 + 1)
    for path in (*API, "/theia/api/v1/showPaymentPage", "/_control/merchants"):
        response = requests.post(simulator.url + path, data=data)
        assert response.status_code == 413


def test_odd_forms(simulator: Simulator) -> None:
    pages = ("/theia/api/v1/showPaymentPage", "/theia/outcome/nothing")
    for path in pages:
        url = simulator.url + path
        many = {f"field{number}": "x" for number in range(1001)}
        assert requests.post(url, data=many).status_code == 400
        multipart = {"Content-Type": "multipart/form-data"}
        assert requests.post(url, data=b"x", headers=multipart).status_code == 400
        assert requests.post(url, data=b"outcome=%ff%00&method=%ed%a0%80").status_code == 400
        assert requests.get(url).status_code == 405


def test_wrong_methods_and_addresses(simulator: Simulator) -> None:
    for path in API:
        assert requests.get(simulator.url + path).status_code == 405
    assert requests.get(f"{simulator.url}/_static/..%2fapp.py").status_code == 404
    assert requests.get(f"{simulator.url}/%00").status_code == 404
    assert requests.delete(f"{simulator.url}/_control/books").status_code == 405


def test_many_at_once(simulator: Simulator) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(_: int) -> str:
        shop = Shop(simulator.url)
        return shop.pay("1.00").callback["STATUS"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(40))) == {"TXN_SUCCESS"}
