"""From initiate over the page to the callback and the status answer."""

import pytest

from tests.simulator.shop import Shop, code, is_genuine

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


@pytest.mark.parametrize(
    ("outcome", "state", "resp_code"),
    [
        ("success", "TXN_SUCCESS", "01"),
        ("failure", "TXN_FAILURE", "227"),
        ("pending", "PENDING", "402"),
        ("cancel", "TXN_FAILURE", "141"),
    ],
)
def test_outcome_callback_and_status_agree(
    shop: Shop, outcome: str, state: str, resp_code: str
) -> None:
    attempt = shop.pay("123.45", outcome)
    callback = attempt.callback
    assert attempt.page.action == shop.callback_url
    assert is_genuine(callback)
    assert (callback["STATUS"], callback["RESPCODE"]) == (state, resp_code)
    assert callback["TXNAMOUNT"] == "123.45"
    assert set(callback) == (REDUCED if outcome == "cancel" else FULL)
    assert code(attempt.status()) == (state, resp_code)
