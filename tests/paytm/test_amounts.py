"""Amounts: three ways to write one, everything else refused."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.money import MAX_PAISE, BadAmount, format_inr, parse_inr, ungrouped
from payments.paytm import paise_from_text, rupees_text


@pytest.mark.parametrize(
    ("text", "paise"),
    [
        ("1.00", 100),
        ("1", 100),
        ("1.5", 150),
        ("0", 0),
        ("0.00", 0),
        ("0.01", 1),
        ("123.45", 12345),
        ("9999999999.99", 999999999999),
    ],
)
def test_amounts_that_are_read(text: str, paise: int) -> None:
    assert paise_from_text(text) == paise


NO_AMOUNT = [
    *("", "-1", "+1", "-0", "1.005", "1e5", "1E2", "NaN", "nan", "Infinity", "0x10", "1_000"),
    *("१००", "１", "٣", "²", "1,000", "₹1", "1.0a", " 1", "1 ", "1\n", "\x001"),
    *("1.", ".5", "1.2.3", "01", "00.5", "10000000000"),
]


@pytest.mark.parametrize("text", NO_AMOUNT)
def test_text_that_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        paise_from_text(text)


@pytest.mark.parametrize("odd", [None, 1, 1.0, True, b"1.00", ["1"], {"value": "1.00"}])
def test_other_than_text_is_no_amount(odd: Any) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        paise_from_text(odd)


@pytest.mark.parametrize("odd", [-1, 1.0, True, "100", None])
def test_only_whole_paise_are_written(odd: Any) -> None:
    with pytest.raises(ValueError, match="whole number of paise"):
        rupees_text(odd)


@given(st.integers(min_value=0, max_value=999_999_999_999))
def test_there_and_back(paise: int) -> None:
    assert paise_from_text(rupees_text(paise)) == paise


@given(st.text())
def test_nothing_but_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert paise_from_text(text) >= 0


@given(st.integers(0, MAX_PAISE * 100))
def test_what_a_page_prints_can_be_pasted(paise: int) -> None:
    assert parse_inr(ungrouped(format_inr(paise))) == paise
    assert parse_inr(ungrouped(f" ₹ {paise // 100:,}.{paise % 100:02} ")) == paise


@pytest.mark.parametrize(
    "text", ["1,5", "1,23", ",100", "1,,000", "1,000,00", "1,2345", "1.000,00"]
)
def test_commas_that_are_no_groups_stay_in_the_way(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_inr(ungrouped(text))
