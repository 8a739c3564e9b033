"""What the supervisor says by signals: once is a drain, twice is now."""

from __future__ import annotations

import asyncio
import signal

DRAINING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
HURRYING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """`stop` is set by the first signal, `hurry` by a second SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in DRAINING:
            loop.add_signal_handler(number, self._hear, number)

    def ignore(self) -> None:
        loop = asyncio.get_running_loop()
        for number in DRAINING:
            loop.remove_signal_handler(number)

    def _hear(self, number: signal.Signals) -> None:
        if self.stop.is_set() and number in HURRYING:
            self.hurry.set()
        self.stop.set()
