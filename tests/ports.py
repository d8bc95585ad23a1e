"""Free ports for programs that a test starts."""

import contextlib
import random
import socket


def free_ports(count: int = 2) -> int:
    """A port that is free together with the next ones, and which no client gets by chance."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for number in range(port, port + count):
                probes.enter_context(socket.create_server(("127.0.0.1", number)))
            return port
