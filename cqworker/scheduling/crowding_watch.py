"""What a look at all limits finds of those for which no more jobs may wait, and when the fleet is told."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from cqworker.events.fleet_events import CrowdingNoticed
from cqworker.flow.context import Context
from cqworker.model.crowding import MOST_NAMED, Crowding, crowded_tenants

HOLDS_MS = 600_000
"""Milliseconds for which it holds what was said: nobody who sweeps and dies leaves a limit closed for longer."""
NOTHING = Crowding()


class CrowdingWatch:
    """Tells the fleet when something changes, and again while half of its time is over."""

    def __init__(self, context: Context) -> None:
        self._control = context.queue_control
        self._clock = context.clock
        self._emit = context.emit
        self._tell = context.tell_crowding
        self._has_seen_all = False

    async def note(self, waited_for: Iterable[str], full: Iterable[str]) -> None:
        """A look came to its end: somebody waits for these keys, and these lists are full. Raises Unavailable.

        One's first look takes nothing back: another who looked a moment ago has put off keys that were not seen here.
        """
        said, now = self._control.control.crowding or NOTHING, self._clock.now()
        limits, tenants = set(full), set(crowded_tenants(waited_for))
        if not self._has_seen_all and now < said.until:
            limits, tenants = limits | set(said.limits), tenants | set(said.tenants)
        self._has_seen_all = True
        found = Crowding(
            limits=tuple(sorted(limits)[:MOST_NAMED]),
            tenants=tuple(sorted(tenants)[:MOST_NAMED]),
            until=now + HOLDS_MS,
        )
        is_known = found.says_the_same(said)
        if is_known and (found.is_empty or now < said.until - HOLDS_MS // 2):
            return
        await self._tell(found)
        self._control.note(replace(self._control.control, crowding=None if found.is_empty else found))
        if not is_known:
            self._emit(CrowdingNoticed(limits=" ".join(found.limits), tenants=" ".join(found.tenants)))
