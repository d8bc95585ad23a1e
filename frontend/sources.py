"""One hash of everything the committed style sheets are built from."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = (
    "frontend/*.css",
    "frontend/package-lock.json",
    "templates/**/*.html",
    "dashboard/templatetags/*.py",
)


def digest() -> str:
    """SHA-256, in hex, over the names and contents of all sources in order of name."""
    whole = hashlib.sha256()
    for path in sorted(found for pattern in PATTERNS for found in ROOT.glob(pattern)):
        whole.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        whole.update(path.read_bytes() + b"\0")
    return whole.hexdigest()


if __name__ == "__main__":
    print(digest())
