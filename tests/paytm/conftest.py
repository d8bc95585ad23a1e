"""A merchant's keys, and a Paytm that does as it is told, over real HTTP."""

from collections.abc import Callable, Iterator

import pytest

from payments.paytm import Client, Credentials
from tests.paytm.server import KEY, MID, FakePaytm


@pytest.fixture
def paytm() -> Iterator[FakePaytm]:
    with FakePaytm() as server:
        yield server


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(MID, KEY, "WEBSTAGING", "http://127.0.0.1:1")


@pytest.fixture
def client_at() -> Iterator[Callable[..., Client]]:
    """Clients for a base URL, closed afterwards."""
    clients: list[Client] = []

    def make(base_url: str, key: str = KEY, timeout: tuple[float, float] = (2, 2)) -> Client:
        clients.append(Client(Credentials(MID, key, "WEBSTAGING", base_url), timeout))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(paytm: FakePaytm, client_at: Callable[..., Client]) -> Client:
    return client_at(paytm.url)
