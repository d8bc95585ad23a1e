"""The simulator's checksum against Paytm's vectors and Paytm's own library."""

import ast
import random
import sys

import paytmchecksum
import pytest

from simulator import checksum
from tests.simulator.shop import KEY, ROOT

VECTORS = [
    (
        "TESTMID0000000001|ORDER_0001",
        "aB3z",
        "uf/8lNdnxUUBBwF9r/pspNbxkK4MDiUVAoYqrcpt9y8uDtZYTy5eV7x30YVDww31VF7/v87d7jwXmOEkyqqWAPUe"
        "ceDS+ZT/rep3Kl/M5eM=",
    ),
    (
        '{"mid":"TESTMID0000000001","orderId":"ORDER_0001"}',
        "aB3z",
        "S6aZOjtEkTbvX+a/UEkkdG5iY6mCfhRxl3bcaTkhEUkJjeV7TxnbFVi/2hcDeXb7Df5CgmG8Unj1Vgvn/vkp9YHH"
        "k7jIglwP/quUJ3bSW6g=",
    ),
    (
        "|INR|TESTMID0000000001|ORDER_0001|141|User has not completed transaction.|TXN_FAILURE"
        "|1.00",
        "Q9wE",
        "6UerndMBmqXk8OdkUWoKSTP1+nd6l00LFD9fMaXcdRP2wuqdzFcTKwAc9I1MrRvy2ENwIocHRExz8Ku/llUSQX+H"
        "QCnTW+qI+u4jViZnJ7E=",
    ),
    (
        "TESTMID0000000001|भुगतान सफल ₹1",
        "zZ9a",
        "aF3VHyPlpPGTIHfynZaLFAy1XGjQKIZXPkJRhj0eMbylDonPZBCv/wBF1A8mgBScMeA2kaGqdqUXTBtHjnEfvURD"
        "oRG4gZGnz4EYpbA8RY4=",
    ),
]


@pytest.mark.parametrize(("text", "salt", "expected"), VECTORS)
def test_vectors(text: str, salt: str, expected: str) -> None:
    assert checksum.sign_with_salt(text, KEY, salt) == expected
    assert checksum.verify(text, KEY, expected)


def test_form_fields_are_joined_by_sorted_name_without_the_checksum() -> None:
    fields = {"b": "2", "MID": "M", "MERC_UNQ_REF": "null", "CHECKSUMHASH": "x", "A": ""}
    assert checksum.join(fields) == "||M|2"


def test_agrees_with_the_official_library() -> None:
    chance = random.Random(7)
    for _ in range(300):
        text = "".join(chance.choices('abc|"{}: ,₹भ0\n', k=chance.randrange(80)))
        assert paytmchecksum.verifySignature(text, KEY, checksum.sign(text, KEY))
        assert checksum.verify(text, KEY, paytmchecksum.generateSignature(text, KEY))


@pytest.mark.parametrize("broken", ["", "x", "é" * 108, "AAAA", VECTORS[0][2][:-4], "A" * 108])
def test_a_broken_checksum_is_false_not_an_error(broken: str) -> None:
    assert not checksum.verify("TESTMID0000000001|ORDER_0001", KEY, broken)


def test_imports_nothing_of_the_product() -> None:
    allowed = set(sys.stdlib_module_names) | {
        "simulator",
        "django",
        "granian",
        "requests",
        "Crypto",
    }
    for file in (ROOT / "simulator").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file.name}: relative import"
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, file.name
