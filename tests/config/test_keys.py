"""`python -m config.keys` and what it makes."""

import base64
from pathlib import Path

from config import keys
from tests import production


def test_it_prints_lines_of_an_environment_file(tmp_path: Path) -> None:
    ended = production.run(production.safe(tmp_path), "-m", "config.keys")
    lines = dict(line.split("=", 1) for line in ended.stdout.splitlines())
    assert list(lines) == ["SECRET_KEY", "MASTER_KEYS", "METRICS_TOKEN"]
    assert all(value and " " not in value for value in lines.values())


def test_every_key_is_new_and_so_is_its_id() -> None:
    entries = {keys.fresh()["MASTER_KEYS"] for _ in range(100)}
    names, values = zip(*(entry.split(":") for entry in entries), strict=True)
    assert len(set(names)) == len(set(values)) == 100
    assert {len(base64.b64decode(value, validate=True)) for value in values} == {32}
