"""Initiate Transaction: what it grants, and each refusal with Paytm's code."""

import json
from typing import Any

import paytmchecksum
import pytest
import requests

from tests.simulator.shop import KEY, MID, OTHER_KEY, OTHER_MID, Shop, Simulator, code

PATH = "/theia/api/v1/initiateTransaction"


@pytest.mark.parametrize("path", [PATH, "/order/initiate"])
def test_grants_a_token(shop: Shop, path: str) -> None:
    order_id = shop.new_order_id()
    response = shop.post(f"{path}?mid={MID}&orderId={order_id}", shop.order_body(order_id))
    answer = response.json()
    assert list(answer) == ["head", "body"]
    assert set(answer["head"]) == {"responseTimestamp", "version", "signature"}
    assert set(answer["body"]) == {"resultInfo", "txnToken", "isPromoCodeValid", "authenticated"}
    assert code(answer["body"]) == ("S", "0000")
    assert shop.verifies(response)
    assert response.text == json.dumps(answer, separators=(",", ":"))


def test_the_signature_covers_the_body_as_it_was_sent(shop: Shop) -> None:
    order_id = shop.new_order_id()
    text = json.dumps(shop.order_body(order_id), indent=3, ensure_ascii=False) + "  "
    signature = paytmchecksum.generateSignature(text.strip(), KEY)
    data = f'\n{{ "x": {{"body": 1}} , "body" :\t{text}, "head":{{"signature":"{signature}"}} }}'
    response = requests.post(f"{shop.url}{PATH}?mid={MID}&orderId={order_id}", data=data.encode())
    assert code(response.json()["body"]) == ("S", "0000")
    tampered = data.replace("499.00", "1.00").encode()
    response = requests.post(f"{shop.url}{PATH}?mid={MID}&orderId={order_id}", data=tampered)
    assert code(response.json()["body"]) == ("F", "2005")


def test_repeats(shop: Shop, simulator: Simulator) -> None:
    order_id = shop.new_order_id()
    first = shop.initiate(order_id)
    again = shop.initiate(order_id)
    assert code(again) == ("S", "0002")
    assert again["txnToken"] == first["txnToken"]
    assert code(shop.initiate(order_id, "500.00")) == ("F", "2023")
    simulator.advance(15 * 60)
    later = shop.initiate(order_id)
    assert code(later) == ("S", "0002")
    assert later["txnToken"] != first["txnToken"]


def test_an_attempted_order_id_is_used_up(shop: Shop) -> None:
    order_id = shop.pay("5.00", "failure").order_id
    assert code(shop.initiate(order_id, "5.00")) == ("F", "325")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"requestType": ""}, "1007"),
        ({"websiteName": None}, "1007"),
        ({"txnAmount": {}}, "1007"),
        ({"userInfo": {"custId": ""}}, "1007"),
        ({"userInfo": "CUST"}, "1007"),
        ({"callbackUrl": ""}, "1007"),
        ({"userInfo": {"custId": "A|B"}}, "1008"),
        ({"goods": [{"name": "a|b"}]}, "1008"),
        ({"txnAmount": "1.00"}, "2007"),
        ({"txnAmount": {"value": "0", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "-1", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "1.005", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "1e5", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "१००", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "1,000", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": 1, "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "1.00", "currency": "USD"}}, "2007"),
        ({"txnAmount": {"value": "10000000.00", "currency": "INR"}}, "196"),
        ({"websiteName": "WEB_STAGING"}, "501"),
        ({"requestType": "PAY"}, "501"),
        ({"callbackUrl": "javascript:alert(1)"}, "501"),
        ({"callbackUrl": "http://[::1"}, "501"),
        ({"userInfo": {"custId": "C" * 65}}, "501"),
    ],
)
def test_refusals(shop: Shop, changes: dict[str, Any], expected: str) -> None:
    order_id = shop.new_order_id()
    body = shop.initiate(order_id, **changes)
    assert code(body) == ("F", expected)
    assert set(body) == {"extraParamsMap", "resultInfo"}
    assert code(shop.status(order_id)) == ("NO_RECORD_FOUND", "331")


def test_query_and_body_must_agree(shop: Shop) -> None:
    order_id = shop.new_order_id()
    body = shop.order_body(order_id)
    assert code(shop.call(f"{PATH}?mid={OTHER_MID}&orderId={order_id}", body)) == ("F", "2013")
    assert code(shop.call(f"{PATH}?mid={MID}&orderId=ANOTHER", body)) == ("F", "2014")
    assert code(shop.call(PATH, body)) == ("F", "2013")


def test_an_odd_order_id_is_refused(shop: Shop) -> None:
    body = shop.order_body("A B")
    assert code(shop.call(f"{PATH}?mid={MID}&orderId=A%20B", body)) == ("F", "334")


def test_wrong_key_and_unknown_mid_get_unsigned_refusals(shop: Shop) -> None:
    body = shop.order_body(shop.new_order_id())
    path = f"{PATH}?mid={MID}&orderId={body['orderId']}"
    response = shop.post(path, body, OTHER_KEY)
    assert code(response.json()["body"]) == ("F", "2005")
    assert "signature" not in response.json()["head"]
    nobody = Shop(shop.url, mid="NOBODY")
    assert code(nobody.initiate(nobody.new_order_id())) == ("F", "335")


def test_a_registered_website_must_match(shop: Shop, simulator: Simulator) -> None:
    simulator.control("POST", "merchants", mid=MID, key=KEY, website="DEFAULT")
    assert code(shop.initiate(shop.new_order_id())) == ("F", "501")
    assert code(shop.initiate(shop.new_order_id(), websiteName="DEFAULT")) == ("S", "0000")


def test_the_registered_callback_url_stands_in(shop: Shop, simulator: Simulator) -> None:
    simulator.control("POST", "merchants", mid=MID, key=KEY, callback_url="http://shop.test/c")
    order_id = shop.new_order_id()
    token = shop.initiate(order_id, callbackUrl="")["txnToken"]
    assert shop.press(shop.open_page(order_id, token), "success").action == "http://shop.test/c"
