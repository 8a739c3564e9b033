"""A plugin of which nothing ends when it should: lifespan, handler, a thread of its own and one of the main loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from cqworker import handler

NEVER = 600

asyncio.get_running_loop().run_in_executor(None, time.sleep, NEVER)  # as a look-up of a name that nobody answers


@contextlib.asynccontextmanager
async def pool() -> AsyncIterator[None]:
    """Cannot be left."""
    yield
    await asyncio.sleep(NEVER)


@handler(lifespan=pool, timeout=NEVER)
async def deaf(payload: dict[str, Any]) -> None:
    """Hears no stop, and has started a thread that the interpreter would wait for."""
    threading.Thread(target=time.sleep, args=(NEVER,), name="exporter", daemon=False).start()
    os.close(os.open(os.environ["HUNG_SIGN"], os.O_CREAT))
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(NEVER)
