"""What systemd is told while the daemon lives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from cqworker.platform.sd_notify import notify, watchdog_interval

EXTENSION = "EXTEND_TIMEOUT_USEC=10000000"
EACH_SECOND = 1.0


async def feed_watchdog(environ: Mapping[str, str]) -> None:
    """Tells the watchdog that the main loop turns; returns at once when none is set."""
    interval = watchdog_interval(environ)
    while interval is not None:
        notify(environ, "WATCHDOG=1")
        await asyncio.sleep(interval)


async def ask_for_time(environ: Mapping[str, str]) -> None:
    """While a drain goes on its stop must not time out (sd_notify(3), EXTEND_TIMEOUT_USEC)."""
    while True:
        if not notify(environ, EXTENSION):
            return
        await asyncio.sleep(EACH_SECOND)
