"""What may be stored of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.paytm import blank_secrets
from payments.paytm.redaction import RAW_LIMIT, blank_text, storable


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ('{"signature":"a/b+c="}', '{"signature":"[blanked]"}'),
        ('{"signature" :\n "a\\"b\\\\", "x":1}', '{"signature" :\n "[blanked]", "x":1}'),
        ('{"SIGNATURE":"a"}', '{"SIGNATURE":"[blanked]"}'),
        ('{"txnToken":"abc', '{"txnToken":"[blanked]"'),
        ('{"txnToken":"abc\\', '{"txnToken":"[blanked]"'),
        ('{"BIN_NUMBER":411111}', '{"BIN_NUMBER":"[blanked]"}'),
        ('{"cardIndexNo":"2023"}', '{"cardIndexNo":"[blanked]"}'),
        ('{"maskedCardNo":"411111******1234"}', '{"maskedCardNo":"1234"}'),
        ('{"orderId":"signature"}', '{"orderId":"signature"}'),
        ('{"resultMsg":"no txnToken"}', '{"resultMsg":"no txnToken"}'),
        ("<html>\x00</html>", "<html>\ufffd</html>"),
    ],
)
def test_text(text: str, blanked: str) -> None:
    assert blank_text(text) == blanked


def test_a_long_text_is_cut_after_blanking() -> None:
    text = '{"x":"' + "y" * (RAW_LIMIT - 30) + '","signature":"' + "s" * 100 + '"}'
    assert len(blank_text(text)) <= RAW_LIMIT
    assert "sss" not in blank_text(text)


def test_fields() -> None:
    fields = [
        ("ORDERID", "ORDER_0001"),
        ("CHECKSUMHASH", "secret"),
        ("checksumhash", "secret"),
        ("txnToken", "secret"),
        ("maskedCardNo", "411111XXXXXX1234"),
        ("CARD_LAST_NUMS", "1234"),
        ("cardIndexNo", "secret"),
        ("N\x00\ud800", "V\x00\udfff"),
    ]
    assert blank_secrets(fields) == [
        ("ORDERID", "ORDER_0001"),
        ("CHECKSUMHASH", "[blanked]"),
        ("checksumhash", "[blanked]"),
        ("txnToken", "[blanked]"),
        ("maskedCardNo", "1234"),
        ("CARD_LAST_NUMS", "1234"),
        ("cardIndexNo", "[blanked]"),
        ("N\ufffd\ufffd", "V\ufffd\ufffd"),
    ]


@given(st.text(alphabet=st.characters()))
def test_a_database_takes_it(text: str) -> None:
    stored = storable(text)
    assert "\x00" not in stored
    assert len(stored.encode()) >= 0
    assert storable(stored) == stored
