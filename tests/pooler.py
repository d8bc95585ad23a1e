"""A pooler in transaction mode: what PgBouncer's `pool_mode = transaction` does, and no more.

Every client signs in on a server connection of its own; from then on each transaction runs on
whichever connection was idle last.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ENCRYPTION_REQUESTS = {80877103, 80877104}  # SSLRequest, GSSENCRequest
SIGNED_IN = {0, 12}  # AuthenticationOk, AuthenticationSASLFinal: the client has nothing to say


class Pooler:
    def __init__(self, server_url: str) -> None:
        with psycopg2.connect(server_url) as connection:
            info = connection.info
        self._host, self._port = info.host, info.port
        self._idle: list[Streams] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._sign_in(reader, writer)
            while await self._transaction(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _sign_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        startup = await self._startup(reader, writer)
        server_reader, server_writer = await self._connect()
        server_writer.write(startup)
        kind = b""
        while kind != b"Z":
            kind, message = await read(server_reader)
            writer.write(message)
            if kind == b"R" and int.from_bytes(message[5:9]) not in SIGNED_IN:
                server_writer.write((await read(reader))[1])
        self._idle.append((server_reader, server_writer))

    async def _startup(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        while True:
            head = await reader.readexactly(8)
            rest = await reader.readexactly(int.from_bytes(head[:4]) - 8)
            if int.from_bytes(head[4:]) not in ENCRYPTION_REQUESTS:
                return head + rest
            writer.write(b"N")

    async def _connect(self) -> Streams:
        if self._host.startswith("/"):
            return await asyncio.open_unix_connection(
                str(Path(self._host) / f".s.PGSQL.{self._port}")
            )
        return await asyncio.open_connection(self._host, self._port)

    async def _transaction(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Pass one transaction through; False when the client says goodbye."""
        kind, message = await read(reader)
        if kind == b"X":
            return False
        server_reader, server_writer = server = self._idle.pop()
        while True:
            server_writer.write(message)
            answer = await read(server_reader)
            while answer[0] != b"Z":
                writer.write(answer[1])
                answer = await read(server_reader)
            writer.write(answer[1])
            if answer[1].endswith(b"I"):
                self._idle.append(server)
                return True
            _, message = await read(reader)


async def read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next message: its kind, and all of it."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)


@contextmanager
def pooler_before(server_url: str) -> Iterator[int]:
    """The port of a pooler before this server."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def listen() -> None:
        server = await asyncio.start_server(Pooler(server_url).serve, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()

    def run() -> None:
        loop.run_until_complete(listen())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    yield ports[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
