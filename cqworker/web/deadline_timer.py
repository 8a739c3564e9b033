"""One thing that is to be done later, unless something else comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """At most one call is due; setting it again puts the call before in its place."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether a call is due."""
        return self._handle is not None

    def set(self, seconds: float, call: Callable[[], None]) -> None:
        """Calls it after so many seconds."""
        self.forget()
        self._handle = asyncio.get_running_loop().call_later(seconds, call)

    def forget(self) -> None:
        """Nothing is due any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
