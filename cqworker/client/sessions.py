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
class _Opening:
    """What is open on one loop, and how many have opened it."""

    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    transport: Transport | None = None


class Openings:
    """Opens a transport on each event loop that asks for one; whoever opens it there twice shares it."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Transport]]) -> None:
        self._opening = opening
        self._by_loop: dict[Loop, _Opening] = {}

    async def open(self) -> None:
        """Opens it on the running loop; raises what opening raises."""
        self._forget_the_closed()
        here = self._by_loop.setdefault(asyncio.get_running_loop(), _Opening())
        here.users += 1
        try:
            async with here.turn:
                if here.transport is None:
                    here.transport = await here.closing.enter_async_context(self._opening())
        except BaseException:
            here.users -= 1
            raise

    async def close(self) -> None:
        """Takes one opening on the running loop back, and closes the transport with the last.

        Where it is not open at all there is nothing to do. Raises ClientNotOpen where it is open on another loop alone.
        """
        loop = asyncio.get_running_loop()
        here = self._by_loop.get(loop)
        if here is None:
            self._forget_the_closed()
            if self._by_loop:
                raise ClientNotOpen(self._why_not())
            return
        here.users -= 1
        async with here.turn:
            if here.users > 0:
                return
            here.transport = None
            await here.closing.aclose()
        if here.users <= 0:
            self._by_loop.pop(loop, None)

    @property
    def transport(self) -> Transport:
        """What is open on the running loop. Raises ClientNotOpen, which says what to do."""
        here = self._by_loop.get(asyncio.get_running_loop())
        if here is None or here.transport is None:
            raise ClientNotOpen(self._why_not())
        return here.transport

    def _why_not(self) -> str:
        others = [loop for loop, opening in list(self._by_loop.items()) if opening.transport is not None]
        if not others:
            return f"The client is not open: write {OPEN}."
        gone = any(loop.is_closed() for loop in others)
        place = "an event loop that has ended" if gone else "another event loop"
        return (
            f"The client was opened in {place}, and its connections belong there. It may be open in any number of "
            f"loops (asyncio.run, a test, a thread: each has its own): write {OPEN}, in this loop too."
        )

    def _forget_the_closed(self) -> None:
        """What a loop left open when it ended cannot be closed any more, for that needs the loop."""
        for loop in list(self._by_loop):  # other threads open theirs meanwhile
            if loop.is_closed():
                self._by_loop.pop(loop, None)
