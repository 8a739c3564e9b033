"""Doors before the services: open, shut as a service that is away, or answering in the service's place."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

Refusal = tuple[int, str, bytes]
"""Status, content type and body of an answer."""
Which = Callable[[bytes], bool]
"""Tells by its head whether a request is meant."""


class Door:
    """A TCP proxy before one service; every change of its mind breaks the connections that go through it."""

    def __init__(self, target: str, do: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._target = urlsplit(target)
        self._do = do
        self._port = 0
        self._refusal: Refusal | None = None
        self._which: Which | None = None
        self._listener: asyncio.Server | None = None
        self._guests: set[asyncio.Task[None]] = set()
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Lets everybody through."""
        self._do(self._become(None, listening=True))

    def shut(self) -> None:
        """Refuses connections, as a service that is away."""
        self._do(self._become(None, listening=False))

    def refuse(self, refusal: Refusal, which: Which | None = None) -> None:
        """Gives every request, or those that are meant, this answer; the service hears of none of them."""
        self._do(self._become(refusal, which, listening=True))

    async def _become(self, refusal: Refusal | None, which: Which | None = None, *, listening: bool) -> None:
        self._refusal, self._which = refusal, which
        if self._listener is not None and not listening:
            self._listener.close()
            self._listener = None
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)
        if listening and self._listener is None:
            await self._listen()

    async def _listen(self) -> None:
        """A shut door's port must still be free afterwards, so it is one that no system gives out by itself.

        It is held a moment longer where a child process is just being started, which inherits it until its exec.
        """
        for _ in range(100):
            port = self._port or random.randrange(20_000, 30_000)
            with suppress(OSError):
                self._listener = await asyncio.start_server(self._receive, "127.0.0.1", port)
                self._port = port
                return
            await asyncio.sleep(0.05)
        raise OSError(f"port {self._port} stays taken")

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guest = asyncio.current_task()
        assert guest is not None, "start_server() runs this as a task"
        self._guests.add(guest)
        try:
            await (self._judge(reader, writer) if self._refusal else self._lead_through(reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever came is gone, or is sent away
        finally:
            self._guests.discard(guest)
            writer.transport.abort()

    async def _judge(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection carries one request, so that each is looked at."""
        head = await reader.readuntil(b"\r\n\r\n")
        if self._which is None or self._which(head):
            await self._answer(head, reader, writer)
        else:
            lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
            await self._lead_through(reader, writer, b"\r\n".join([*lines, b"Connection: close", b"", b""]))

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._refusal is not None
        status, content_type, body = self._refusal
        if b"100-continue" not in head:  # else the body waits for a word from us
            await reader.readexactly(_length(head))
        shown = b"" if head.startswith(b"HEAD ") else body
        lines = f"HTTP/1.1 {status} Refused\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{lines}Connection: close\r\n\r\n".encode() + shown)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _lead_through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes = b""
    ) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        back.write(begun)
        try:
            await _first_end(_pump(reader, back), _pump(there, writer))
        finally:
            back.transport.abort()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()


async def _first_end(*ways: Coroutine[Any, Any, None]) -> None:
    """Returns when one of them has ended, and ends the others."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def doors() -> Iterator[Callable[[str], Door]]:
    """Makes doors before URLs; all of them live on one loop in a thread, until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def do(work: Awaitable[None]) -> None:
        async def done() -> None:
            await work

        asyncio.run_coroutine_threadsafe(done(), loop).result(10)

    made: list[Door] = []

    def make(target: str) -> Door:
        made.append(Door(target, do))
        return made[-1]

    try:
        yield make
    finally:
        for door in made:
            with suppress(TimeoutError):
                door.shut()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
