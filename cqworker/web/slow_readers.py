"""Watches how fast a client reads its answer, and gives up on one that is too slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

STALL_TIMEOUT = 30.0
"""Seconds that a client may read nothing of its answer, and that pass before its rate counts."""
CHECK_EVERY = 1.0
"""Seconds between two checks of a client that has not read what was sent to it."""


class SlowReader:
    """One answer to a client that reads it more slowly than it is made.

    `sent` says how many bytes of the answer were sent, `unsent` how many of those wait for the client. `give_up` is
    called when it takes nothing for STALL_PATIENCE, or after that less than `least_rate` bytes a second on average.
    """

    def __init__(
        self, sent: Callable[[], int], unsent: Callable[[], int], least_rate: float, give_up: Callable[[], None]
    ) -> None:
        self._sent = sent
        self._unsent = unsent
        self._least_rate = least_rate
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None
        self._before = 0
        self._moved = (0.0, 0)
        self._timer: asyncio.TimerHandle | None = None

    def bytes_taken(self) -> int:
        """Bytes that the client has read since it first was too slow."""
        return self._sent() - self._unsent() - self._before if self._began is not None else 0

    def pause(self) -> None:
        """Starts the checks: the client is slower than the answer."""
        if self._began is None:
            self._began = self._loop.time()
            self._before = self._sent() - self._unsent()
        self._moved = (self._loop.time(), self.bytes_taken())
        self._timer = self._loop.call_later(min(CHECK_EVERY, STALL_TIMEOUT), self._check)

    def resume(self) -> None:
        """Ends the checks: it read enough to go on, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        now, bytes_taken = self._loop.time(), self.bytes_taken()
        moved_at, moved_to = self._moved
        if bytes_taken > moved_to:
            self._moved = moved_at, _ = now, bytes_taken
        owed = (now - (self._began or now) - STALL_TIMEOUT) * self._least_rate
        if now - moved_at >= STALL_TIMEOUT or bytes_taken < owed:
            self._give_up()
        else:
            self._timer = self._loop.call_later(min(CHECK_EVERY, STALL_TIMEOUT), self._check)
