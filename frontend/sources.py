"""One hash of everything the committed style sheets are built from."""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHEETS = ("frontend/*.css", "frontend/package-lock.json")
MARKUP = ("templates/**/*.html", "dashboard/templatetags/*.py", "dashboard/payment_rows.py")
TEMPLATE_TAG = re.compile(r"\{[%{].*?[%}]\}", re.DOTALL)
CLASS_ATTRIBUTE = re.compile(r'\bclass="([^"]*)"')
ICON_CLASSES = re.compile(r'\{% icon \S+ "([^"]*)"')


def digest() -> str:
    """SHA-256, in hex, over the sheets' sources and the classes that markup uses.

    A page's words may change without a new build; its classes may not.
    """
    whole = hashlib.sha256()
    for path in _files(SHEETS):
        whole.update(path.read_bytes())
    whole.update(" ".join(sorted(_classes())).encode())
    return whole.hexdigest()


def _classes() -> set[str]:
    found: set[str] = set()
    for path in _files(MARKUP):
        text = path.read_text()
        values = CLASS_ATTRIBUTE.findall(TEMPLATE_TAG.sub(" ", text)) + ICON_CLASSES.findall(text)
        found.update(name for value in values for name in value.split())
    return found


def _files(patterns: tuple[str, ...]) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


if __name__ == "__main__":
    print(digest())
