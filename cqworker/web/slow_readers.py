"""Watches how fast a client takes its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

STALL_PATIENCE = 30.0
"""Seconds that a client may go without taking anything of its answer, and that it has before its rate counts."""
GLANCE = 1.0
"""Seconds between two looks, while a client has not taken what was sent to it."""


class Taking:
    """One answer on its way into a client that takes it more slowly than it is made.

    `given` says how many bytes of the answer were sent, `unsent` how many of those wait for the client. `give_up` is
    called when it takes nothing for STALL_PATIENCE, or after that less than `least_rate` bytes a second on average.
    """

    def __init__(
        self, given: Callable[[], int], unsent: Callable[[], int], least_rate: float, give_up: Callable[[], None]
    ) -> None:
        self._given = given
        self._unsent = unsent
        self._least_rate = least_rate
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None
        self._before = 0
        self._moved = (0.0, 0)
        self._look: asyncio.TimerHandle | None = None

    def taken(self) -> int:
        """Bytes taken since the client first kept us waiting."""
        return self._given() - self._unsent() - self._before if self._began is not None else 0

    def pause(self) -> None:
        """The client keeps us waiting."""
        if self._began is None:
            self._began = self._loop.time()
            self._before = self._given() - self._unsent()
        self._moved = (self._loop.time(), self.taken())
        self._look = self._loop.call_later(min(GLANCE, STALL_PATIENCE), self._judge)

    def resume(self) -> None:
        """It took enough to go on, or is gone."""
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _judge(self) -> None:
        now, taken = self._loop.time(), self.taken()
        moved_at, moved_to = self._moved
        if taken > moved_to:
            self._moved = moved_at, _ = now, taken
        owed = (now - (self._began or now) - STALL_PATIENCE) * self._least_rate
        if now - moved_at >= STALL_PATIENCE or taken < owed:
            self._give_up()
        else:
            self._look = self._loop.call_later(min(GLANCE, STALL_PATIENCE), self._judge)
