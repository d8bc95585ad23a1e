"""The two sizes of a proof: small in `make test`, the promised one in `make prove`."""

import os


def size(small: int, full: int) -> int:
    """How much of something this run tries."""
    return full if os.environ.get("PROOF") == "full" else small
