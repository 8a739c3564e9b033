"""Retries of requests: of those that never left always, of those that may have arrived only where twice is harmless."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cqworker.client.client_errors import DaemonUnreachable, UnreachableReason
from cqworker.errors import RateLimited

T = TypeVar("T")
PAUSES = (0.25, 0.5, 1.0)
"""Seconds before each further try; half of it to the whole is waited, at random (jitter)."""
RETRY_DEADLINE = 30.0
"""Seconds after which a call is not tried again, unless it has a longer time of its own."""
PERMANENT: frozenset[UnreachableReason] = frozenset({"url", "tls", "protocol"})
"""Reasons that do not pass within seconds: no retry."""

MAY_HAVE_HAPPENED = "What was asked may have been done all the same, and is not asked again by itself."


async def retry_call(call: Callable[[], Awaitable[T]], *, is_harmless: bool, within: float = RETRY_DEADLINE) -> T:
    """What the call returns, tried up to four times; `is_harmless`: to repeat one that arrived changes nothing.

    A call that was refused by a rate limit is tried again when the daemon says, any number of times `within` these
    seconds, for nothing came of it. Raises what the call raises. A DaemonUnreachable is ambiguous if any try was.
    """
    loop = asyncio.get_running_loop()
    end, ambiguous = loop.time() + within, False
    for pause in (*PAUSES, None):
        try:
            return await _call_when_admitted(call, end)
        except DaemonUnreachable as error:
            ambiguous = error.ambiguous = ambiguous or error.ambiguous
            wait = 0.0 if pause is None else pause * (0.5 + random.random() / 2)
            if ambiguous and not is_harmless:
                error.args = (f"{error} {MAY_HAVE_HAPPENED}",)
                raise
            if pause is None or error.reason in PERMANENT or loop.time() + wait >= end:
                raise
        await asyncio.sleep(wait)
    raise AssertionError("The last try gives or raises.")


async def _call_when_admitted(call: Callable[[], Awaitable[T]], end: float) -> T:
    """What the call returns once the rate limit admits it; with up to 0.5 s of jitter, so that not all come at once."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return await call()
        except RateLimited as error:
            wait = error.retry_after + random.random() / 2
            if loop.time() + wait >= end:
                raise
        await asyncio.sleep(wait)
