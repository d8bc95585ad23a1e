"""The client is a library of its own: nothing of Django, nothing of the product."""

import ast
import sys
from pathlib import Path

import payments.paytm

ALLOWED = {"Crypto", "cryptography", "requests", "urllib3"} | set(sys.stdlib_module_names)
FILES = sorted(Path(payments.paytm.__file__).parent.rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The modules a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name} imports relatively"
            names.add(node.module or "")
    return names


def test_it_imports_its_own_files_and_four_libraries() -> None:
    assert len(FILES) > 5
    for file in FILES:
        foreign = {
            name
            for name in imported(file)
            if name.split(".")[0] not in ALLOWED
            and name != "payments.paytm"
            and not name.startswith("payments.paytm.")
        }
        assert not foreign, f"{file.name} imports {foreign}"


def test_everything_exported_exists() -> None:
    assert all(hasattr(payments.paytm, name) for name in payments.paytm.__all__)
