"""What has ended is gone at once: the collector of cycles looks rarely in a daemon."""

from __future__ import annotations

import asyncio
import gc
import weakref

from cqworker.execution.handler_loop import RunningCall, ThreadedLoop


class Errand:
    """Work that leads to its own call, as a run's does."""

    call: RunningCall

    async def __call__(self) -> str:
        return "done"


async def test_a_call_across_the_loops_does_not_lead_back_to_itself() -> None:
    loop = ThreadedLoop()
    gc.disable()
    try:
        errand = Errand()
        errand.call = loop.call(errand)
        assert await errand.call.ended == "done"
        await asyncio.sleep(0.05)
        left = weakref.ref(errand)
        del errand
        assert left() is None
    finally:
        gc.enable()
        await loop.close()
