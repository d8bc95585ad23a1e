"""What the supervisor tells the programs of a demo."""

import sys
from pathlib import Path

import pytest

from config.supervisor import Demo, simulator
from simulator.__main__ import command_line


def test_the_simulator_takes_any_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of random letters begins with a hyphen now and then."""
    demo = Demo(8000, tmp_path, {"SIMULATOR_TOKEN": "-begins_with-a-hyphen"})
    monkeypatch.setattr(sys, "argv", [*simulator(demo).argv[2:]])
    assert command_line().control_token == "-begins_with-a-hyphen"
