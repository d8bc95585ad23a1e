"""The envelope: exact text, no member named twice, nothing that is not JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.paytm.envelope import Duplicate, Malformed, Number, seal, unseal
from tests.paytm.server import KEY

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


@given(before=OBJECTS, body=OBJECTS, indent=st.sampled_from([None, 0, 3]), ascii=st.booleans())
def test_the_exact_text_of_the_body_is_found(
    before: dict[str, Any], body: dict[str, Any], indent: int | None, ascii: bool
) -> None:
    body_text = json.dumps(body, indent=indent, ensure_ascii=ascii)
    others = {name: value for name, value in before.items() if name not in ("head", "body")}
    whole = {**others, "body": "here", "head": {"signature": "s"}, "": "body"}
    text = json.dumps(whole, indent=indent, ensure_ascii=ascii)
    opened = unseal(text.replace('"body": "here"', f'"body": {body_text}', 1))
    assert opened.body_text == body_text
    assert opened.signature == "s"


@given(st.dictionaries(st.text(), st.text().filter(lambda text: "|" not in text)))
def test_what_is_sealed_can_be_unsealed(body: dict[str, str]) -> None:
    body = {name.replace("|", ""): value for name, value in body.items()}
    opened = unseal(seal(body, KEY).decode("ascii"))
    assert opened.body == body
    assert opened.body_text == json.dumps(body, separators=(",", ":"))


def test_no_pipe_is_signed() -> None:
    for body in ({"a": "x|y"}, {"a|b": "x"}, {"a": {"b": ["|"]}}):
        with pytest.raises(ValueError, match="pipe"):
            seal(body, KEY)


def test_numbers_keep_their_spelling() -> None:
    body = unseal('{"body":{"a":1.00,"b":123456789012345678901234567890,"c":1E5,"d":-0}}').body
    assert body == {"a": "1.00", "b": "123456789012345678901234567890", "c": "1E5", "d": "-0"}
    assert all(isinstance(value, Number) for value in body.values())
    assert unseal('{"body":{"a":' + "9" * 10_000 + "}}").body["a"] == "9" * 10_000


@pytest.mark.parametrize(
    "text",
    [
        '{"body":{},"body":{}}',
        '{"head":{},"body":{},"head":{}}',
        '{"head":{"signature":"a","signature":"b"},"body":{}}',
        '{"body":{"a":[{"b":1,"b":1}]}}',
        '{"body":{},"bod\\u0079":{}}',
        '{"x":1,"body":{},"x":1}',
    ],
)
def test_a_member_named_twice(text: str) -> None:
    with pytest.raises(Duplicate):
        unseal(text)


@given(st.text())
def test_junk_is_malformed_and_nothing_else(text: str) -> None:
    with pytest.raises(Malformed):
        unseal(text)


@given(st.text(alphabet='{}[]":,body head0 \\', max_size=60))
def test_near_json_is_read_or_malformed(text: str) -> None:
    try:
        opened = unseal('{"body":' + text)
    except Malformed:
        return
    assert '"body":' + opened.body_text in '{"body":' + text
