"""Loops that must not die: what one raises is reported, and it is started again after a pause."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from cqworker.events import BackgroundFailed, Emit
from cqworker.model.backoff import retry_pauses


def background_failure(loop: str, error: BaseException) -> BackgroundFailed:
    """The event for an error that no rule foresaw."""
    lines = "".join(traceback.format_exception(error))
    return BackgroundFailed(loop=loop, error=f"{type(error).__name__}: {error}", traceback=lines)


async def keep_running(name: str, loop: Callable[[], Awaitable[None]], emit: Emit) -> None:
    """Runs a loop until it returns; when it raises, reports why and starts it again after a pause."""
    waits = retry_pauses(first=0.5, cap=30.0)
    while True:
        try:
            await loop()
        except Exception as error:  # noqa: BLE001 - whatever it is, the daemon's other duties go on
            emit(background_failure(name, error))
            await asyncio.sleep(next(waits))
        else:
            return
