"""A client's connections: those of each event loop apart, for a connection belongs to the loop that made it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field

from cqworker.client.client_errors import ClientNotOpen
from cqworker.client.transport import Transport

Loop = asyncio.AbstractEventLoop
OPEN = "`async with client:` around the calls, or `await client.open()` before them and `await client.close()` after"


@dataclass(slots=True)
class _Session:
    """The transport of one event loop, and how often it was opened there."""

    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    uses: int = 0
    transport: Transport | None = None


class Sessions:
    """Opens a transport on each event loop that asks for one; opened twice there, it is shared."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Transport]]) -> None:
        self._opening = opening
        self._by_loop: dict[Loop, _Session] = {}

    async def open(self) -> None:
        """Opens it on the running loop; raises what opening raises."""
        self._drop_closed_loops()
        session = self._by_loop.setdefault(asyncio.get_running_loop(), _Session())
        session.uses += 1
        try:
            async with session.lock:
                if session.transport is None:
                    session.transport = await session.closing.enter_async_context(self._opening())
        except BaseException:
            session.uses -= 1
            raise

    async def close(self) -> None:
        """Takes one opening on the running loop back, and closes the transport with the last.

        Where it is not open at all there is nothing to do. Raises ClientNotOpen where it is open on another loop alone.
        """
        loop = asyncio.get_running_loop()
        session = self._by_loop.get(loop)
        if session is None:
            self._drop_closed_loops()
            if self._by_loop:
                raise ClientNotOpen(self._why_not_open())
            return
        session.uses -= 1
        async with session.lock:
            if session.uses > 0:
                return
            session.transport = None
            await session.closing.aclose()
        if session.uses <= 0:
            self._by_loop.pop(loop, None)

    @property
    def transport(self) -> Transport:
        """What is open on the running loop. Raises ClientNotOpen, which says what to do."""
        session = self._by_loop.get(asyncio.get_running_loop())
        if session is None or session.transport is None:
            raise ClientNotOpen(self._why_not_open())
        return session.transport

    def _why_not_open(self) -> str:
        others = [loop for loop, opening in list(self._by_loop.items()) if opening.transport is not None]
        if not others:
            return f"The client is not open: write {OPEN}."
        gone = any(loop.is_closed() for loop in others)
        place = "an event loop that has ended" if gone else "another event loop"
        return (
            f"The client was opened in {place}, and its connections belong there. It may be open in any number of "
            f"loops (asyncio.run, a test, a thread: each has its own): write {OPEN}, in this loop too."
        )

    def _drop_closed_loops(self) -> None:
        """Forgets the sessions of loops that have ended: to close them would need the loop."""
        for loop in list(self._by_loop):  # other threads open theirs meanwhile
            if loop.is_closed():
                self._by_loop.pop(loop, None)
