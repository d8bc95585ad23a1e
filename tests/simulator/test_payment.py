"""From the payment page over the callback to the status answer."""

import re

import pytest
import requests

from tests.simulator.shop import KEY, MID, OTHER_KEY, OTHER_MID, Shop, Simulator, code, is_genuine

REDUCED = {
    "BANKTXNID",
    "CHECKSUMHASH",
    "CURRENCY",
    "MID",
    "ORDERID",
    "RESPCODE",
    "RESPMSG",
    "STATUS",
    "TXNAMOUNT",
}
FULL = REDUCED | {"GATEWAYNAME", "PAYMENTMODE", "TXNDATE", "TXNID"}
STATUS_FIELDS = {
    "resultInfo",
    "txnId",
    "bankTxnId",
    "orderId",
    "txnAmount",
    "txnType",
    "gatewayName",
    "mid",
    "paymentMode",
    "refundAmt",
    "txnDate",
}


@pytest.mark.parametrize(
    ("outcome", "state", "resp_code"),
    [
        ("success", "TXN_SUCCESS", "01"),
        ("failure", "TXN_FAILURE", "227"),
        ("pending", "PENDING", "402"),
        ("cancel", "TXN_FAILURE", "141"),
        ("low_balance", "TXN_FAILURE", "235"),
        ("wrong_upi_id", "TXN_FAILURE", "295"),
    ],
)
def test_outcome_callback_and_status_agree(
    shop: Shop, outcome: str, state: str, resp_code: str
) -> None:
    attempt = shop.pay("123.45", outcome)
    callback, status = attempt.callback, attempt.status()
    assert attempt.page.action == shop.callback_url
    assert is_genuine(callback)
    assert (callback["STATUS"], callback["RESPCODE"]) == (state, resp_code)
    assert callback["TXNAMOUNT"] == "123.45"
    assert set(callback) == (REDUCED if outcome == "cancel" else FULL)
    assert code(status) == (state, resp_code)
    assert set(status) == ({"resultInfo"} if outcome == "cancel" else STATUS_FIELDS)


def test_the_status_of_a_paid_order(shop: Shop) -> None:
    attempt = shop.pay("10.5")
    status = attempt.status()
    assert status["txnAmount"] == attempt.callback["TXNAMOUNT"] == "10.50"
    assert status["txnId"] == attempt.callback["TXNID"]
    assert status["txnDate"] == attempt.callback["TXNDATE"]
    assert re.fullmatch(r"\d{35}", status["txnId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d", status["txnDate"])
    assert (status["mid"], status["orderId"]) == (MID, attempt.order_id)
    assert (status["txnType"], status["refundAmt"]) == ("SALE", "0.00")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("UPI", "PPBLC", None)),
        ({"method": "CC"}, ("CC", "HDFC", "HDFC Bank")),
        ({"method": "DC"}, ("DC", "SBI", "State Bank of India")),
        ({"method": "NB", "bank": "AXIS"}, ("NB", "AXIS", "Axis Bank")),
        ({"method": "NB"}, ("NB", "ICICI", "ICICI Bank")),
        ({"method": "PPI"}, ("PPI", "WALLET", "WALLET")),
        ({"method": "EMI", "emi_bank": "KOTAK"}, ("EMI", "HDFC", "Kotak Mahindra Bank")),
    ],
)
def test_methods_differ_by_their_fields(
    shop: Shop, fields: dict[str, str], expected: tuple[str, str, str | None]
) -> None:
    attempt = shop.pay("499.00", "success", **fields)
    callback, status = attempt.callback, attempt.status()
    said = callback["PAYMENTMODE"], callback["GATEWAYNAME"], callback.get("BANKNAME")
    assert said == expected
    assert (status["paymentMode"], status["gatewayName"], status.get("bankName")) == expected


def test_the_merchants_reference_comes_back(shop: Shop) -> None:
    order_id = shop.new_order_id()
    token = shop.initiate(order_id, extendInfo={"mercUnqRef": "INV-7"})["txnToken"]
    callback = shop.press(shop.open_page(order_id, token), "success").fields
    assert callback["MERC_UNQ_REF"] == "INV-7"
    assert shop.status(order_id)["merchantUniqueReference"] == "INV-7"


def test_the_first_outcome_stands(shop: Shop) -> None:
    order_id = shop.new_order_id()
    page = shop.open_page(order_id, token := shop.initiate(order_id)["txnToken"])
    first = shop.press(page, "failure").fields
    again = shop.press(page, "success").fields
    reopened = shop.open_page(order_id, token)
    assert (first["STATUS"], again["STATUS"]) == ("TXN_FAILURE", "TXN_FAILURE")
    assert first["TXNID"] == again["TXNID"] == reopened.fields["TXNID"]


def test_the_page_shows_the_order_and_runs_no_inline_code(shop: Shop) -> None:
    order_id = shop.new_order_id()
    token = shop.initiate(order_id, "1234567.50")["txnToken"]
    response = shop.open_page(order_id, token).response
    assert "₹12,34,567.50" in response.text
    assert order_id in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<style| style=| on\w+=", response.text)
    for name in ("success", "failure", "pending", "cancel", "callback_forged"):
        assert f'name="outcome" value="{name}"' in response.text


def test_closed_methods_are_not_offered(shop: Shop) -> None:
    order_id = shop.new_order_id()
    modes = [{"mode": "UPI"}, {"mode": "CREDIT_CARD"}, {"mode": "EMI"}]
    changes = {"enablePaymentMode": modes, "disablePaymentMode": [{"mode": "EMI"}]}
    token = shop.initiate(order_id, "499.00", **changes)["txnToken"]
    text = shop.open_page(order_id, token).response.text
    assert re.findall(r'name="method" id="[^"]*" value="(\w+)"', text) == ["UPI", "CC"]
    page = shop.open_page(order_id, token)
    assert shop.press(page, "success", method="EMI").response.status_code == 400
    assert shop.press(page, "success").fields["PAYMENTMODE"] == "UPI"


def test_an_expired_page_leads_back_with_a_failure(shop: Shop, simulator: Simulator) -> None:
    order_id = shop.new_order_id()
    token = shop.initiate(order_id)["txnToken"]
    simulator.advance(15 * 60)
    page = shop.open_page(order_id, token)
    assert "expired" in page.response.text
    assert code(shop.status(order_id))[0] == "NO_RECORD_FOUND"
    callback = shop.press(page, "failure").fields
    assert set(callback) == REDUCED
    assert (callback["STATUS"], callback["RESPCODE"]) == ("TXN_FAILURE", "810")
    assert code(shop.status(order_id)) == ("TXN_FAILURE", "810")


def test_a_page_left_open_cannot_pay(shop: Shop, simulator: Simulator) -> None:
    order_id = shop.new_order_id()
    page = shop.open_page(order_id, shop.initiate(order_id)["txnToken"])
    simulator.advance(15 * 60)
    assert shop.press(page, "success").fields["RESPCODE"] == "810"


def test_a_wrong_token_is_refused(shop: Shop) -> None:
    order_id = shop.new_order_id()
    shop.initiate(order_id)
    other = shop.new_order_id()
    token = shop.initiate(other)["txnToken"]
    for order, given in ((order_id, token), (order_id, ""), ("ABSENT", token)):
        response = shop.open_page(order, given).response
        assert response.status_code == 403
        assert "cannot be shown" in response.text
    address = f"{shop.url}/theia/api/v1/showPaymentPage?mid={MID}&orderId={other}"
    fields = {"mid": MID, "orderId": order_id, "txnToken": token}
    assert requests.post(address, data=fields).status_code == 400
    assert requests.post(f"{shop.url}/theia/outcome/{'0' * 45}").status_code == 400


def test_status_refusals(shop: Shop) -> None:
    order_id = shop.pay().order_id
    body = {"mid": MID, "orderId": order_id}
    assert code(shop.call("/v3/order/status", body, OTHER_KEY)) == ("TXN_FAILURE", "330")
    assert code(shop.call("/v3/order/status", body | {"mid": "X"})) == ("TXN_FAILURE", "335")
    assert code(shop.status("A B")) == ("TXN_FAILURE", "334")
    assert code(shop.status("NEVER_SEEN")) == ("NO_RECORD_FOUND", "331")
    stranger = Shop(shop.url, mid=OTHER_MID, key=OTHER_KEY)
    assert code(stranger.status(order_id)) == ("NO_RECORD_FOUND", "331")


def test_the_flat_status(shop: Shop) -> None:
    attempt = shop.pay("7.00", "success", method="CC")
    fields = {"MID": MID, "ORDERID": attempt.order_id}
    answer = requests.post(f"{shop.url}/order/status", json=sign(fields)).json()
    assert is_genuine(answer)
    assert (answer["STATUS"], answer["TXNAMOUNT"], answer["TXNTYPE"]) == (
        "TXN_SUCCESS",
        "7.00",
        "SALE",
    )
    forged = sign(fields) | {"ORDERID": "OTHER"}
    answer = requests.post(f"{shop.url}/order/status", json=forged).json()
    assert (answer["STATUS"], answer["RESPCODE"]) == ("TXN_FAILURE", "330")


def sign(fields: dict[str, str]) -> dict[str, str]:
    import paytmchecksum

    return fields | {"CHECKSUMHASH": paytmchecksum.generateSignature(dict(fields), KEY)}
