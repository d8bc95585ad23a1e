"""`python -m config.keys`: fresh secrets as the lines of an environment file."""

import base64
import secrets
from collections.abc import Callable, Mapping


def master_key() -> str:
    """A new entry of MASTER_KEYS. Its id is new too, so that it can be put before older ones."""
    return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


SECRETS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "MASTER_KEYS": master_key,
    "METRICS_TOKEN": lambda: secrets.token_urlsafe(24),
}


def fresh() -> dict[str, str]:
    """A new value for every secret that an instance needs, by variable."""
    return {name: make() for name, make in SECRETS.items()}


if __name__ == "__main__":
    for name, value in fresh().items():
        print(f"{name}={value}")
