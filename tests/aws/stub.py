"""An AWS that does what a test says, and a proxy that loses answers on the way from a real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.patience import scaled


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived: the operation's name, its JSON body, the access key that signed it."""

    operation: str
    body: bytes
    headers: dict[str, str]
    path: str
    method: str

    @property
    def access_key(self) -> str:
        return self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]


Answering = Callable[[Seen], Awaitable[web.StreamResponse | None]]
"""What to answer; None breaks the connection."""


@dataclass(slots=True)
class Stub:
    """A server on loopback: `answer` decides, `seen` remembers."""

    answer: Answering
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    _change: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def arrived(self, count: int) -> None:
        """Waits until so many requests have come."""
        async with asyncio.timeout(scaled(10)), self._change:
            await self._change.wait_for(lambda: len(self.seen) >= count)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        seen = Seen(operation, await request.read(), dict(request.headers), request.raw_path, request.method)
        async with self._change:
            self.seen.append(seen)
            self._change.notify_all()
        response = await self.answer(seen)
        if response is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return response


@asynccontextmanager
async def serving(answer: Answering) -> AsyncIterator[Stub]:
    """Runs a stub for the length of the block."""
    stub = Stub(answer)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", stub.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    stub.url = f"http://{host}:{port}"
    try:
        yield stub
    finally:
        await runner.cleanup()


def answers(*responses: web.Response | None) -> Answering:
    """Answers with these, one after the other, and then with the last one for ever."""
    left = list(responses)

    async def answer(_: Seen) -> web.StreamResponse | None:
        response = left.pop(0) if len(left) > 1 else left[0]
        if response is None:
            return None
        return web.Response(status=response.status, body=response.body, headers=response.headers)

    return answer


def ok(**body: object) -> web.Response:
    """An answer in JSON."""
    return web.json_response(body, content_type="application/x-amz-json-1.0")


def error(status: int, code: str, message: str = "because") -> web.Response:
    """A refusal in JSON."""
    body = {"__type": f"com.amazonaws#{code}", "message": message}
    return web.json_response(body, status=status, content_type="application/x-amz-json-1.0")


Losing = Callable[[Seen], bool]


@asynccontextmanager
async def losing_answers(upstream: str, lose: Losing, instead: Answering | None = None) -> AsyncIterator[Stub]:
    """A proxy before `upstream` that, where `lose` says so, breaks the connection after the request was applied.

    Or it gives the answer of `instead`.
    """
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(seen: Seen) -> web.StreamResponse | None:
            kept = {name: value for name, value in seen.headers.items() if name.lower() != "content-length"}
            async with session.request(seen.method, upstream + seen.path, data=seen.body, headers=kept) as answer:
                body = await answer.read()
            if lose(seen):
                return await instead(seen) if instead else None
            return web.Response(status=answer.status, body=body, headers={"Content-Type": answer.content_type})

        async with serving(forward) as stub:
            yield stub


def body_of(seen: Seen) -> dict[str, object]:
    """The JSON body of a request."""
    read: dict[str, object] = json.loads(seen.body)
    return read


async def forever(_: Seen) -> web.StreamResponse | None:
    """Never answers."""
    await asyncio.Event().wait()
    return None
