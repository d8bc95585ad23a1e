"""The typed readers of environment variables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config import env


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the variable X."""
    return lambda value: monkeypatch.setenv("X", value)


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(env.BadEnvironment, match="UNSET_ANYWHERE must be set"):
        env.text("UNSET_ANYWHERE")


def test_empty_and_blank_count_as_not_set(put: Callable[[str], None]) -> None:
    for value in ("", "  "):
        put(value)
        assert env.text("X", "default") == "default"
        assert env.integer("X", 7) == 7
        assert env.flag("X", default=True) is True
        assert env.csv("X", ["a"]) == ("a",)


@pytest.mark.parametrize(("value", "number"), [("8000", 8000), (" 12 ", 12), ("0", 0)])
def test_whole_numbers(put: Callable[[str], None], value: str, number: int) -> None:
    put(value)
    assert env.integer("X") == number


@pytest.mark.parametrize("value", ["1.5", "1e3", "१००", "1_000", "+1", "--1", "0x10", "nan", "-1"])
def test_odd_numbers_are_refused(put: Callable[[str], None], value: str) -> None:
    put(value)
    with pytest.raises(env.BadEnvironment, match=r"^X must be"):
        env.integer("X")


def test_numbers_have_limits(put: Callable[[str], None]) -> None:
    put("65536")
    with pytest.raises(env.BadEnvironment, match="X must be from 1 to 65535, not 65536"):
        env.integer("X", low=1, high=65535)


@pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
def test_flags_that_are_on(put: Callable[[str], None], value: str) -> None:
    put(value)
    assert env.flag("X") is True


@pytest.mark.parametrize("value", ["0", "False", "no", "OFF"])
def test_flags_that_are_off(put: Callable[[str], None], value: str) -> None:
    put(value)
    assert env.flag("X") is False


@pytest.mark.parametrize("value", ["2", "y", "enabled", "tru"])
def test_other_flags_are_refused(put: Callable[[str], None], value: str) -> None:
    put(value)
    with pytest.raises(env.BadEnvironment, match="X must be true or false"):
        env.flag("X")


def test_a_choice_is_one_of_its_options(put: Callable[[str], None]) -> None:
    put("demo")
    assert env.choice("X", ["production", "demo"]) == "demo"
    put("Demo")
    with pytest.raises(env.BadEnvironment, match="X must be one of demo, production"):
        env.choice("X", ["production", "demo"])


def test_comma_lists(put: Callable[[str], None]) -> None:
    put("10.0.0.0/8, ::1/128")
    assert env.csv("X") == ("10.0.0.0/8", "::1/128")
    put("a,,b")
    with pytest.raises(env.BadEnvironment, match="X has an empty part"):
        env.csv("X")


def test_paths_are_absolute(put: Callable[[str], None]) -> None:
    put("var")
    assert env.path("X") == Path.cwd() / "var"


def test_control_characters_are_refused(put: Callable[[str], None]) -> None:
    put("one\ntwo")
    with pytest.raises(env.BadEnvironment, match="X holds a control character"):
        env.text("X")
