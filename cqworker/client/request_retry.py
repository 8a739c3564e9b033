"""Asking again: what never left at once, what may have arrived only where twice does no harm."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cqworker.client.client_errors import DaemonUnreachable, Reason
from cqworker.errors import RateLimited

T = TypeVar("T")
PAUSES = (0.25, 0.5, 1.0)
"""Seconds before the tries after the first, each between half of it and the whole."""
DEADLINE = 30.0
"""Seconds after which a call is not asked again; those with a longer time of their own have that."""
LASTING: frozenset[Reason] = frozenset({"url", "tls", "protocol"})
"""What is no better a moment later."""

DOUBT = "What was asked may have been done all the same, and is not asked again by itself."


async def insisted(call: Callable[[], Awaitable[T]], *, harmless: bool, within: float = DEADLINE) -> T:
    """What the call gives, asked up to four times; `harmless`: a second time changes nothing where the first arrived.

    One that comes too often is asked again when the daemon says that it may, if that is `within` these seconds, however
    often: nothing came of it. Raises what the call raises. A DaemonUnreachable is ambiguous if any try was: it may have
    arrived.
    """
    loop = asyncio.get_running_loop()
    end, ambiguous = loop.time() + within, False
    for pause in (*PAUSES, None):
        try:
            return await _admitted(call, end)
        except DaemonUnreachable as error:
            ambiguous = error.ambiguous = ambiguous or error.ambiguous
            wait = 0.0 if pause is None else pause * (0.5 + random.random() / 2)
            if ambiguous and not harmless:
                error.args = (f"{error} {DOUBT}",)
                raise
            if pause is None or error.reason in LASTING or loop.time() + wait >= end:
                raise
        await asyncio.sleep(wait)
    raise AssertionError("The last try gives or raises.")


async def _admitted(call: Callable[[], Awaitable[T]], end: float) -> T:
    """What the call gives once the daemon's rate admits it; some tenths late, lest all who wait come at one time."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return await call()
        except RateLimited as error:
            wait = error.retry_after + random.random() / 2
            if loop.time() + wait >= end:
                raise
        await asyncio.sleep(wait)
