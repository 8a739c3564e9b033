"""A call that is made after some seconds, unless it is cancelled before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class DeadlineTimer:
    """At most one call is due; starting it again replaces the earlier call."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether a call is due."""
        return self._handle is not None

    def start(self, seconds: float, call: Callable[[], None]) -> None:
        """Calls it after so many seconds."""
        self.cancel()
        self._handle = asyncio.get_running_loop().call_later(seconds, call)

    def cancel(self) -> None:
        """Cancels the call that is due, if any."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
