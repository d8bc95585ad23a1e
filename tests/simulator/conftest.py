"""A simulator really started for the tests, a merchant, and a merchant's server."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.simulator.shop import (
    KEY,
    MID,
    OTHER_KEY,
    OTHER_MID,
    Receiver,
    Shop,
    Simulator,
    free_port,
    launch,
)


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Simulator]]:
    """Starts simulators with command-line options, and stops them at the end."""
    started: list[Simulator] = []

    def start_one(*options: str) -> Simulator:
        port = free_port()
        simulator = Simulator(port, list(options), launch(port, list(options)))
        started.append(simulator)
        return simulator

    yield start_one
    for simulator in started:
        simulator.process.terminate()
    for simulator in started:
        simulator.process.wait(10)


@pytest.fixture(scope="session")
def shared_simulator(
    start: Callable[..., Simulator], tmp_path_factory: pytest.TempPathFactory
) -> Simulator:
    folder = tmp_path_factory.mktemp("simulator")
    state = f"--state={folder / 'state.sqlite'}"
    merchants = (f"--merchant={MID}:{KEY}", f"--merchant={OTHER_MID}:{OTHER_KEY}")
    return start(state, f"--clock-file={folder / 'clock'}", *merchants)


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """The shared simulator with empty books and the true time."""
    shared_simulator.control("POST", "reset")
    shared_simulator.control("POST", "clock", offset_seconds=0)
    for mid, key in ((MID, KEY), (OTHER_MID, OTHER_KEY)):
        shared_simulator.control("POST", "merchants", mid=mid, key=key)
    return shared_simulator


@pytest.fixture
def shop(simulator: Simulator) -> Shop:
    return Shop(simulator.url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server of the merchant's, for webhooks."""
    messages: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            messages.append((self.headers["Content-Type"], text))
            self.send_response(merchant.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    merchant = Receiver(f"http://127.0.0.1:{server.server_port}/webhook", messages)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield merchant
    server.shutdown()
    server.server_close()
    thread.join()
