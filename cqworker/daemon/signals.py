"""What the supervisor says by signals: once is a drain, twice is now."""

from __future__ import annotations

import asyncio
import signal

DRAINING = tuple(signal.Signals[name] for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))
HURRYING = (signal.SIGTERM, signal.SIGINT)
TURNS = 4
"""Turns of the loop in which it has surely read a signal that came before them, and called what listens."""


class Signals:
    """`stop` is set by the first signal, `hurry` by a second SIGTERM or SIGINT, at the loop's time `hurried_at`."""

    def __init__(self) -> None:
        self.stop: asyncio.Event = asyncio.Event()
        self.hurry: asyncio.Event = asyncio.Event()
        self.hurried_at: float | None = None

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in DRAINING:
            loop.add_signal_handler(number, self._hear, number)

    def ignore(self) -> None:
        loop = asyncio.get_running_loop()
        for number in DRAINING:
            loop.remove_signal_handler(number)

    async def told_to_stop(self) -> bool:
        """Whether a stop came before this call, which the loop itself may not know of yet."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return self.stop.is_set()

    def _hear(self, number: signal.Signals) -> None:
        if self.stop.is_set() and number in HURRYING:
            self.hurry.set()
            self.hurried_at = self.hurried_at or asyncio.get_running_loop().time()
        self.stop.set()
