"""Coroutines run in virtual time, to their end."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from cqworker.testing.host_loop import HostLoop

T = TypeVar("T")
P = ParamSpec("P")


def run_virtually(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a coroutine function to its end in virtual time; hours cost milliseconds. Tasks that it leaves are ended."""
    with asyncio.Runner(loop_factory=HostLoop) as runner:
        return runner.run(_tell(story))


def in_virtual_time(story: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Makes of a coroutine function an ordinary one that runs it in virtual time: a decorator for tests.

    Its parameters stay what they are, such as the fixtures of a test.
    """

    @functools.wraps(story)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtually(lambda: story(*args, **kwargs))

    del run.__wrapped__  # pytest would see the coroutine function behind it
    run.__signature__ = inspect.signature(story)  # type: ignore[attr-defined]  # but it needs the parameters
    return run


def loop_of_hosts() -> HostLoop:
    """The loop that runs a story. Raises RuntimeError elsewhere, and says how to run one."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, HostLoop):
        raise RuntimeError("A World lives in virtual time: decorate the test with @in_virtual_time.")
    return loop


async def _tell(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return await story()
    finally:
        await loop_of_hosts().end_all()
