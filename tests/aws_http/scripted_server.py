"""A server that speaks raw HTTP as a test says, and requests to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from yarl import URL

from cqworker.aws.http.endpoint import Endpoint
from cqworker.aws.http.pooled_transport import PooledTransport
from cqworker.aws.http.response_parser import HttpResponse
from tests.patience import scaled
from tests.web.house import until

HEADERS = {"Host": "here", "X-Amz-Target": "Something"}


@dataclass(slots=True)
class Line:
    """The server's end of one connection; `number` counts them."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes = b""
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def speak(self, speak: Speaking) -> None:
        """One connection, from its beginning to its end."""
        with suppress(EOFError, ConnectionError):
            await speak(self)
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()
        self._over.set()

    async def over(self) -> None:
        """Waits until `speak` has come to its end, and the connection with it."""
        async with asyncio.timeout(scaled(5)):
            await self._over.wait()

    def abort(self) -> None:
        if not self._over.is_set():
            self.writer.transport.abort()

    async def hear(self) -> bytes:
        """The body of the next request."""
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        return await self.reader.readexactly(int(self.head.partition(b"Content-Length: ")[2].partition(b"\r")[0]))

    async def echo(self) -> None:
        """Answers the next request with its own body."""
        self.say(answer(await self.hear()))

    def say(self, text: bytes) -> None:
        self.writer.write(text)

    async def left(self) -> None:
        """Waits until the client has closed the connection."""
        while await self.reader.read(2**16):
            pass


Speaking = Callable[[Line], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """Where it listens, and the connections that came."""

    address: Endpoint
    lines: list[Line] = field(default_factory=list)


def answer(body: bytes, *headers: bytes) -> bytes:
    """An answer as most of them are."""
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", body))


async def ask(transport: PooledTransport, server: Server, body: bytes = b"{}", *, poll: bool = False) -> HttpResponse:
    """One request."""
    async with asyncio.timeout(scaled(20)):
        return await transport.post(server.address, HEADERS, body, poll=poll)


async def ended(transport: PooledTransport) -> None:
    """Waits until the client has noticed that none of its idle connections goes on."""
    await until(lambda: not any(idle.is_fresh(60) for pool, _ in transport._pools.values() for idle in pool._idle))


@asynccontextmanager
async def speaking(
    speak: Speaking, tls: ssl.SSLContext | None = None, trusting: ssl.SSLContext | bool = True
) -> AsyncIterator[Server]:
    """Runs `speak` for every connection; with `tls` the client trusts as `trusting` says."""
    made: list[Line] = []

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.append(Line(len(made), reader, writer))
        await made[-1].speak(speak)

    server = await asyncio.start_server(come, "127.0.0.1", 0, ssl=tls)
    scheme, port = "https" if tls else "http", server.sockets[0].getsockname()[1]
    place = URL(f"{scheme}://{'localhost' if tls else '127.0.0.1'}:{port}/")
    try:
        yield Server(Endpoint(place, place.authority, "/", "here", "sqs", tls=trusting), made)
    finally:
        server.close()
        for line in made:
            line.abort()
        await server.wait_closed()
