"""Connections: a client's, whose work ends with it, and one to the service, opened when it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.chaos.proxy.http import Answer, Request, read_answer

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ClientLine(asyncio.StreamReaderProtocol):
    """A client's connection; when the client dies, what it waited for is given up as on a direct one."""

    def __init__(self, serve: Serve, open_lines: set[asyncio.Task[None]]) -> None:
        super().__init__(asyncio.StreamReader(), self._connected)
        self._serve = serve
        self._open_lines = open_lines
        self._task: asyncio.Task[None] | None = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._task = asyncio.get_running_loop().create_task(self._live(reader, writer))
        self._open_lines.add(self._task)
        self._task.add_done_callback(self._open_lines.discard)

    def eof_received(self) -> bool:
        super().eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._task is not None:
            self._task.cancel()

    async def _live(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        finally:
            writer.close()


class ServiceLine:
    """One connection to the service at a time; one that the service closed while it was idle is opened again."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Request) -> Answer:
        """The service's answer; raises OSError or asyncio.IncompleteReadError where there is none."""
        if self._open is not None:
            try:
                return await self._exchange(request)
            except (OSError, asyncio.IncompleteReadError):
                self.close()
        self._open = await asyncio.open_connection(self._host, self._port)
        return await self._exchange(request)

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def _exchange(self, request: Request) -> Answer:
        assert self._open is not None
        reader, writer = self._open
        writer.write(request.head + request.body)
        answer = await read_answer(reader, request)
        if answer.closes:
            self.close()
        return answer
