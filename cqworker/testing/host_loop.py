"""Hosts that can be frozen and killed: an event loop that holds back what one of them would do next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVarTuple, Unpack

from cqworker.testing.virtual_time import VirtualTimeLoop

Ts = TypeVarTuple("Ts")
HOST: ContextVar[str] = ContextVar("host", default="")
"""The host whose code runs; "" outside all of them."""
LONGEST_STORY = 400 * 86_400.0
"""Seconds of virtual time after which a story is one that never ends: more than the 366 days that a job may wait."""


class HostLoop(VirtualTimeLoop):
    """Virtual time for several hosts in one process: a task belongs to the host in whose context it was made.

    A frozen host does nothing while time goes on, as after SIGSTOP; a killed one is frozen for good, and not one of its
    `finally` blocks runs before the story is over.
    """

    def __init__(self) -> None:
        self._held: dict[str, list[Callable[[], object]]] = {}
        super().__init__()

    def freeze(self, host: str) -> None:
        """Holds back whatever this host would do from now on."""
        self._held.setdefault(host, [])

    def thaw(self, host: str) -> None:
        """The host goes on where it stood, with everything that fell due meanwhile."""
        for resume in self._held.pop(host, []):
            resume()

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's; held back while the host is frozen."""
        context = context or copy_context()
        return super().call_soon(self._admit, context, callback, args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's; held back while the host is frozen. Raises RuntimeError in a story that does not end."""
        if self.time() >= LONGEST_STORY:
            raise RuntimeError(f"After {LONGEST_STORY / 86_400:g} days of virtual time the story has not ended.")
        context = context or copy_context()
        return super().call_at(when, self._admit, context, callback, args, context=context)

    async def end_all(self) -> None:
        """Ends every task that is left, those of frozen and killed hosts included."""
        left = [task for task in asyncio.all_tasks(self) if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        for host in list(self._held):
            self.thaw(host)
        await asyncio.gather(*left, return_exceptions=True)

    def _admit(self, context: Context, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        held = self._held.get(HOST.get()) if self._held else None
        if held is None:
            callback(*args)
        else:
            held.append(lambda: self.call_soon(callback, *args, context=context))
