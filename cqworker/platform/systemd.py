"""systemd as the daemon's supervisor; without NOTIFY_SOCKET everything here does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from cqworker.platform.sd_notify import notify, watchdog_interval

EXTENSION = "EXTEND_TIMEOUT_USEC=10000000"
"""Ten seconds more for the stop, in microseconds as sd_notify(3) wants them: ten times EXTENSION_SECONDS."""
EXTENSION_SECONDS = 1.0
"""Seconds between two extensions: several may be late on a busy machine before systemd's timeout is over."""


class Systemd:
    """A Supervisor that speaks sd_notify(3) as far as the environment asks for it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def announce_ready(self, status: str) -> None:
        """READY=1 ends the start of a unit of Type=notify; `status` appears in `systemctl status`."""
        notify(self._environ, "READY=1", f"STATUS={status}")

    def announce_draining(self) -> None:
        """STOPPING=1: the unit is deactivating."""
        notify(self._environ, "STOPPING=1", "STATUS=Draining")

    def confirm_liveness(self) -> AbstractAsyncContextManager[None]:
        """Sends WATCHDOG=1 twice in each WatchdogSec= while the block lasts."""
        return _run_alongside(self._feed_watchdog())

    def extend_deadline(self) -> AbstractAsyncContextManager[None]:
        """Moves TimeoutStopSec= on each second while the block lasts."""
        return _run_alongside(self._extend_stop_timeout())

    async def _feed_watchdog(self) -> None:
        interval = watchdog_interval(self._environ)
        while interval is not None:
            notify(self._environ, "WATCHDOG=1")
            await asyncio.sleep(interval)

    async def _extend_stop_timeout(self) -> None:
        while True:
            if not notify(self._environ, EXTENSION):
                return
            await asyncio.sleep(EXTENSION_SECONDS)


@asynccontextmanager
async def _run_alongside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
