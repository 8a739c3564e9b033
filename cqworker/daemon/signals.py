"""What a supervisor says by signals: the first starts the drain, a second one ends it at once."""

from __future__ import annotations

import asyncio
import signal

DRAIN_SIGNALS = tuple(signal.Signals[name] for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))
STOP_NOW_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SETTLING_TURNS = 4
"""Turns of the loop in which it has surely read a signal that came before them, and called what listens."""


class Signals:
    """`stop` is set by the first signal, `stop_now` by a second SIGTERM or SIGINT.

    `stop_now_at` is the loop's time (seconds) of that second signal; None before it.
    """

    def __init__(self) -> None:
        self.stop: asyncio.Event = asyncio.Event()
        self.stop_now: asyncio.Event = asyncio.Event()
        self.stop_now_at: float | None = None

    def listen(self) -> None:
        """Takes the signals from their defaults, on the running loop."""
        loop = asyncio.get_running_loop()
        for number in DRAIN_SIGNALS:
            loop.add_signal_handler(number, self._receive, number)

    def ignore(self) -> None:
        """Gives the signals back to their defaults."""
        loop = asyncio.get_running_loop()
        for number in DRAIN_SIGNALS:
            loop.remove_signal_handler(number)

    async def has_stop_arrived(self) -> bool:
        """Whether a stop came before this call, which the loop itself may not know of yet."""
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)
        return self.stop.is_set()

    def _receive(self, number: signal.Signals) -> None:
        if self.stop.is_set() and number in STOP_NOW_SIGNALS:
            self.stop_now.set()
            self.stop_now_at = self.stop_now_at or asyncio.get_running_loop().time()
        self.stop.set()
