"""The way out: the drain with everything else still at work, then the end of everything, both in time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from cqworker.daemon.daemon import CONNECTIONS, HASTE, House
from cqworker.daemon.signals import Signals
from cqworker.events import DaemonPhase
from cqworker.platform.sd_notify import notify
from cqworker.web.server import LAST_ANSWERS

REST = 1.5
"""Seconds after `drain_timeout` in which the process is gone; two are promised, and a signal takes its time, too."""
EXIT = 0.15
"""Of these, what the interpreter needs for its own end."""
THREADS = 1.0
"""Seconds that it waits for threads of handlers where there is time."""

Ended = Callable[[int, float], None]
"""Told of the exit code and of the seconds within which the process has to be gone."""


async def leave(house: House, signals: Signals, code: int, ended: Ended) -> None:
    """Drains and closes: HTTP answers and leases are kept until the drain is over."""
    began = asyncio.get_running_loop().time()
    notify(os.environ, "STOPPING=1", "STATUS=Draining")
    house.emit(DaemonPhase(phase="draining", detail=house.worker.stuck_because if house.worker else ""))
    house.quiet()
    drain = house.settings.worker.drain_timeout
    if house.worker is not None:
        await house.worker.drain(drain, signals.hurry)
    told = began + drain if signals.hurried_at is None else min(began + drain, signals.hurried_at)
    await close(house, signals, code, told + REST - asyncio.get_running_loop().time(), ended)


async def close(house: House, signals: Signals, code: int, seconds: float, ended: Ended) -> None:
    """Ends everything; whatever hangs in it, `ended` is told to end the process within these seconds.

    Requests under way have LAST_ANSWERS where there is so much time, and HASTE in any case.
    """
    answers = min(LAST_ANSWERS, max(HASTE, seconds - CONNECTIONS - EXIT))
    ended(code, min(answers + CONNECTIONS + THREADS, max(seconds, HASTE + CONNECTIONS + EXIT)))
    await house.close(answers, signals.hurry)
