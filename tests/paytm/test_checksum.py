"""The checksum: Paytm's vectors, Paytm's own library, and everything that must not verify."""

import binascii
import random
import string
from typing import Any

import paytmchecksum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.paytm import generate, verify, verify_text
from tests.paytm.server import KEY, OTHER_KEY

V1 = {"MID": "TESTMID0000000001", "ORDERID": "ORDER_0001"}
V1_SUM = (
    "uf/8lNdnxUUBBwF9r/pspNbxkK4MDiUVAoYqrcpt9y8uDtZYTy5eV7x30YVDww31"
    "VF7/v87d7jwXmOEkyqqWAPUeceDS+ZT/rep3Kl/M5eM="
)
V2 = '{"mid":"TESTMID0000000001","orderId":"ORDER_0001"}'
V2_SUM = (
    "S6aZOjtEkTbvX+a/UEkkdG5iY6mCfhRxl3bcaTkhEUkJjeV7TxnbFVi/2hcDeXb7"
    "Df5CgmG8Unj1Vgvn/vkp9YHHk7jIglwP/quUJ3bSW6g="
)
V4 = {
    "BANKTXNID": "",
    "CURRENCY": "INR",
    "MID": "TESTMID0000000001",
    "ORDERID": "ORDER_0001",
    "RESPCODE": "141",
    "RESPMSG": "User has not completed transaction.",
    "STATUS": "TXN_FAILURE",
    "TXNAMOUNT": "1.00",
}
V4_SUM = (
    "6UerndMBmqXk8OdkUWoKSTP1+nd6l00LFD9fMaXcdRP2wuqdzFcTKwAc9I1MrRvy"
    "2ENwIocHRExz8Ku/llUSQX+HQCnTW+qI+u4jViZnJ7E="
)
V6 = {"MID": "TESTMID0000000001", "RESPMSG": "भुगतान सफल ₹1"}
V6_SUM = (
    "aF3VHyPlpPGTIHfynZaLFAy1XGjQKIZXPkJRhj0eMbylDonPZBCv/wBF1A8mgBSc"
    "MeA2kaGqdqUXTBtHjnEfvURDoRG4gZGnz4EYpbA8RY4="
)
BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
ALPHABET = string.printable + "ñ€₹भुगतानß語🙂\u200d\u00a0"


@pytest.mark.parametrize(("params", "checksum"), [(V1, V1_SUM), (V4, V4_SUM), (V6, V6_SUM)])
def test_vectors_of_flat_parameters(params: dict[str, str | None], checksum: str) -> None:
    assert verify(params, KEY, checksum)
    assert verify({**params, "CHECKSUMHASH": checksum}, KEY, checksum)
    assert not verify(params, OTHER_KEY, checksum)


def test_vector_of_a_text() -> None:
    assert verify_text(V2, KEY, V2_SUM)
    assert not verify_text(V2 + " ", KEY, V2_SUM)


@pytest.mark.parametrize("empty", [None, "null", "NULL", "Null", ""])
def test_null_is_signed_as_empty(empty: str | None) -> None:
    assert verify({**V4, "BANKTXNID": empty}, KEY, V4_SUM)


def test_a_checksum_is_108_characters_and_salted() -> None:
    sums = {generate(V1 | {}, KEY) for _ in range(50)}
    assert len(sums) == 50
    assert {len(checksum) for checksum in sums} == {108}


@pytest.mark.parametrize("key", ["", "short", "0123456789abcde", "0" * 24, "0" * 32, "ß" * 16])
def test_a_key_is_16_bytes(key: str) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        generate("text", key)
    assert not verify_text(V2, key, V2_SUM)


def test_a_key_of_16_bytes_in_other_letters_works_as_in_paytms_library() -> None:
    key = "ß" * 8
    assert verify_text("x", key, paytmchecksum.generateSignature("x", key))


def random_text(rng: random.Random) -> str:
    return "".join(rng.choices(ALPHABET, k=rng.randrange(30)))


def random_params(rng: random.Random) -> dict[str, str | None]:
    names = {"".join(rng.choices(BASE64, k=rng.randrange(1, 9))) for _ in range(8)}
    odd: list[str | None] = [None, "null", "NULL", "", "1|2"]
    return {n: rng.choice(odd) if rng.random() < 0.2 else random_text(rng) for n in names}


def test_paytms_library_agrees_both_ways_on_1000_inputs() -> None:
    rng = random.Random(20261123)
    for number in range(1000):
        key = "".join(rng.choices(string.printable[:94], k=16))
        message: Any = random_text(rng) if number % 2 else random_params(rng)
        ours = verify_text if isinstance(message, str) else verify
        assert ours(message, key, paytmchecksum.generateSignature(message, key)), message
        if "CHECKSUMHASH" not in message:
            assert paytmchecksum.verifySignature(message, key, generate(message, key)), message


def test_every_single_changed_character_is_refused() -> None:
    rng = random.Random(1)
    for position in range(108):
        for letter in rng.sample(BASE64 + "=-_ \n%", 12):
            if letter != V1_SUM[position]:
                tampered = V1_SUM[:position] + letter + V1_SUM[position + 1 :]
                assert not verify(V1 | {}, KEY, tampered), (position, letter)


def test_the_unused_bits_of_base64_allow_no_second_spelling() -> None:
    twins = [
        V1_SUM[:106] + letter + "="
        for letter in BASE64
        if binascii.a2b_base64(V1_SUM[:106] + letter + "=") == binascii.a2b_base64(V1_SUM)
    ]
    assert len(twins) == 4
    assert [twin for twin in twins if verify(V1 | {}, KEY, twin)] == [V1_SUM]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: "",
        lambda s: s[:-1],
        lambda s: s[:-4],
        lambda s: s + "=",
        lambda s: s + "AAAA",
        lambda s: s + "\n",
        lambda s: " " + s,
        lambda s: s[:60] + "\n" + s[60:],
        lambda s: s.replace("+", " "),
        lambda s: s.replace("/", "_").replace("+", "-"),
        lambda s: s.swapcase(),
        lambda s: s[::-1],
        lambda s: s.replace("/", "%2F"),
        lambda s: "=" * 108,
        lambda s: "A" * 108,
        lambda s: "é" * 108,
        lambda s: "\ud800" * 108,
        lambda s: s.encode(),
        lambda s: None,
        lambda s: 108,
        lambda s: [s],
    ],
)
def test_a_spoilt_checksum_is_refused(spoil: Any) -> None:
    assert verify(V1 | {}, KEY, spoil(V1_SUM)) is False


def test_unpadded_or_misplaced_padding_is_refused() -> None:
    """79 or 81 bytes are 108 characters too."""
    for size in (79, 81):
        assert not verify_text("x", KEY, binascii.b2a_base64(b"x" * size, newline=False).decode())


@pytest.mark.parametrize(
    "params",
    [
        {"MID": 1},
        {1: "x", "a": "y"},
        {"MID": ["x"]},
        {"MID": "\ud800"},
        {"MID": b"x"},
        [],
        ["MID"],
        None,
        7,
        {"MID"},
        "MID",
    ],
)
def test_odd_parameters_are_refused(params: Any) -> None:
    assert verify(params, KEY, V1_SUM) is False


ANYTHING = st.one_of(
    st.none(), st.integers(), st.binary(), st.text(), st.text(alphabet=BASE64 + "=", min_size=100)
)
ANY_TEXT = st.text(alphabet=st.characters(), max_size=120)  # lone surrogates too


@given(text=ANYTHING, key=ANYTHING, checksum=st.one_of(ANYTHING, st.just(V1_SUM)))
def test_verifying_a_text_never_raises(text: Any, key: Any, checksum: Any) -> None:
    assert verify_text(text, key, checksum) is False


@given(
    params=st.dictionaries(st.one_of(ANY_TEXT, st.integers()), ANYTHING, max_size=5),
    key=st.one_of(ANYTHING, st.just(KEY)),
    checksum=st.one_of(ANYTHING, st.just(V1_SUM)),
)
def test_verifying_parameters_never_raises(params: Any, key: Any, checksum: Any) -> None:
    assert verify(params, key, checksum) is False


@given(ANY_TEXT, st.binary(min_size=80, max_size=80))
def test_no_80_bytes_verify_by_chance(text: str, sealed: bytes) -> None:
    checksum = binascii.b2a_base64(sealed, newline=False).decode()
    assert verify_text(text, KEY, checksum) is False


def test_verifying_leaves_its_input_alone() -> None:
    """Paytm's library deletes CHECKSUMHASH from what it is given."""
    params: dict[str, str | None] = {**V1, "CHECKSUMHASH": V1_SUM}
    verify(params, KEY, V1_SUM)
    assert params == {**V1, "CHECKSUMHASH": V1_SUM}
