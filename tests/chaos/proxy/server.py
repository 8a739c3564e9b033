"""The proxy's front: takes requests, lets the plan and the service's rules act on them, carries them on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, Self
from urllib.parse import urlsplit

from tests.chaos.proxy.faults import Delay, DropAfter, DropBefore, Plan, Refuse
from tests.chaos.proxy.http import Answer, Request, answer_saying, read_request
from tests.chaos.proxy.lines import ClientLine, ServiceLine

Forward = Callable[[Request], Awaitable[Answer]]


class Custom(Protocol):
    """A rule of the real service that its stand-in does not keep."""

    async def carry(self, request: Request, forward: Forward) -> Answer:
        """The answer, after any number of requests forwarded."""
        ...


class Proxy:
    """Stands before one service on a port of its own, for as long as its block lasts."""

    def __init__(self, url: str, plan: Plan, customs: Sequence[Custom] = ()) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._plan = plan
        self._customs = customs
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.requests: Counter[str] = Counter()
        self.tries: Counter[int] = Counter()
        self.url = ""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: ClientLine(self._serve, self._lines), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's requests until it, the service or a fault ends the connection."""
        service = ServiceLine(self._host, self._port)
        forward = _through(self._customs, service.ask)
        try:
            while (request := await read_request(reader, writer)) is not None:
                answer = await self._carry(request, forward)
                if answer is None or writer.is_closing():
                    return
                writer.write(answer.head + answer.body)
                if answer.closes:
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            service.close()

    async def _carry(self, request: Request, forward: Forward) -> Answer | None:
        """The answer for the client; None: it gets none."""
        self.requests[request.operation] += 1
        self.tries[request.attempt] += 1
        fault = self._plan.choose(request.operation)
        match fault:
            case DropBefore():
                return None
            case Refuse(status, code):
                return answer_saying({"message": "The proxy says no."}, status, code)
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case DropAfter() | None:
                pass
        answer = await forward(request)
        return None if isinstance(fault, DropAfter) else answer


def _through(customs: Sequence[Custom], forward: Forward) -> Forward:
    """The way to the service, which leads through the rules, the first of them first."""
    for custom in reversed(customs):
        forward = partial(custom.carry, forward=forward)
    return forward
