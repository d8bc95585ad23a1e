"""A pooler in transaction mode: what PgBouncer's `pool_mode = transaction` does, and no more.

Every client signs in on a server connection of its own; from then on each transaction runs on
whichever connection was idle last.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ENCRYPTION_REQUESTS = {80877103, 80877104}  # SSLRequest, GSSENCRequest
SIGNED_IN = {0, 12}  # AuthenticationOk, AuthenticationSASLFinal: the client has nothing to say


class Pooler:
    def __init__(self, server_url: str) -> None:
        with closing(psycopg2.connect(server_url)) as connection:
            self._host, self._port = connection.info.host, connection.info.port
        self._idle: list[Streams] = []

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()

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
    started: Future[tuple[int, Callable[[], object]]] = Future()

    async def listen() -> None:
        pooler, stop, loop = Pooler(server_url), asyncio.Event(), asyncio.get_running_loop()
        server = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        started.set_result((port, lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()
        server.close()
        pooler.close()

    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(asyncio.run, listen())
        port, stop = started.result(10)
        try:
            yield port
        finally:
            stop()
            ended.result(10)
