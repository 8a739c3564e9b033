"""Lets one of many equal lines through, and remembers how many it kept back."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MAX_CAUSES = 512
"""Causes remembered at once; the one unused for longest is forgotten first."""


class Throttle:
    """At most one admission per cause and interval (seconds)."""

    def __init__(self, interval: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._monotonic = monotonic
        self._seen: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def admit(self, cause: Hashable) -> int | None:
        """How many of this cause were kept back since the last admission; None when this one is kept back, too."""
        now = self._monotonic()
        last, kept_back = self._seen.get(cause, (None, 0))
        admitted = last is None or now - last >= self._interval
        self._seen[cause] = (now, 0) if last is None or admitted else (last, kept_back + 1)
        self._seen.move_to_end(cause)
        if len(self._seen) > MAX_CAUSES:
            self._seen.popitem(last=False)
        return kept_back if admitted else None
