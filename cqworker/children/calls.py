"""Calls of functions in child processes, from any event loop."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from cqworker.children.child_pool import CallEnd, CallKilled, ChildPool, PendingCall
from cqworker.children.frames import Frame, Kind

T = TypeVar("T")


class ChildCall:
    """One call as the loop sees it that made it: `begun` is resolved when the child has taken it up.

    `ended` is what it returned or raised, and cancelled when it was killed.

    Its exceptions are those of the function, which may be any, ProcessDied, ProcessTimeout and ProcessNotStarted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.ended: asyncio.Future[Any] = loop.create_future()
        self.begun: asyncio.Future[None] = loop.create_future()
        self._call: PendingCall | None = None

    def start(self, children: ChildPool, request: bytes, timeout: float | None) -> None:
        """Hands the call to the pool, whose ChildPool.call describes the arguments; to be called once."""
        self._call = children.call(
            request, lambda ending: self._post(_resolve, self.ended, ending), timeout=timeout, on_begin=self._begin
        )

    def cancel(self) -> None:
        """Kills the child; `ended` tells when it is gone, with the answer if that was sent before."""
        assert self._call is not None  # start() came first
        self._call.cancel()

    def _begin(self) -> None:
        self._post(_resolve_begun, self.begun)

    def _post(self, act: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # that loop is closed, and nobody waits there any more
            self._loop.call_soon_threadsafe(act, *args)


def begin_call(
    children: ChildPool,
    function: Callable[..., Any],
    *args: Any,
    memory: int | None = None,
    timeout: float | None = None,
    cpu_time: float | None = None,
) -> ChildCall:
    """Has a child call a function, for at most `timeout` seconds after it began.

    `memory` is the MiB by which the child may grow meanwhile, `cpu_time` the seconds of processor time it may use.

    Raises TypeError where function or arguments cannot be sent to another process.
    """
    try:
        request = pickle.dumps((function, args, memory, cpu_time), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(
            f"{name} cannot be called in another process: {error}. "
            "Give a function at the top level of a module, and arguments that can be pickled."
        ) from error
    made = ChildCall(asyncio.get_running_loop())
    made.start(children, request, timeout)
    return made


async def call(
    children: ChildPool,
    function: Callable[..., T],
    *args: Any,
    memory: int | None = None,
    timeout: float | None = None,
    cpu_time: float | None = None,
) -> T:
    """Calls a function in a child as begin_call() does, and returns what it returns or raises what it raises.

    Raises TypeError, ProcessNotStarted, ProcessDied and ProcessTimeout besides. Cancelling it kills the child, and it
    has ended when the child is gone.
    """
    made = begin_call(children, function, *args, memory=memory, timeout=timeout, cpu_time=cpu_time)
    try:
        await asyncio.wait({made.ended})
    except asyncio.CancelledError:
        made.cancel()
        await asyncio.wait({made.ended})
        raise
    result: T = made.ended.result()
    return result


def _resolve(ended: asyncio.Future[Any], ending: CallEnd) -> None:
    if ended.done():
        return
    try:
        match ending:
            case Frame(Kind.VALUE, body):
                ended.set_result(pickle.loads(body))  # noqa: S301 - from a child of ours
            case Frame(_, body):
                ended.set_exception(pickle.loads(body))  # noqa: S301 - from a child of ours
            case CallKilled():
                ended.cancel()
            case _:
                ended.set_exception(ending)
    except Exception as error:  # noqa: BLE001 - what is unpickled is the author's
        ended.set_exception(error)


def _resolve_begun(begun: asyncio.Future[None]) -> None:
    if not begun.done():
        begun.set_result(None)
