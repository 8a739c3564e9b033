"""The sweep of limits: keys where somebody waits are looked at every minute, whatever became of those who ought to."""

from __future__ import annotations

import asyncio

from cqworker.admission.waiting_lists import WaitingLists
from cqworker.errors import NotProvisioned, Unavailable
from cqworker.flow.context import Context
from cqworker.flow.supervised_loop import background_failure

PAGE = 100
"""Keys that are read from the index together."""
LOOK_EVERY = 55.0
"""Seconds between two looks at least: with sweeps every half minute there is one a minute."""
SWEPT_WITH = "0"
"""The shard of due jobs whose sweeper looks at the limits, too: one daemon has it at a time."""


class LimitSweep:
    """Looks at the marked keys whose time has come.

    Not before the fleet's control was read: without what operators said a key may seem to be unlimited.
    """

    def __init__(self, context: Context, lists: WaitingLists) -> None:
        self._control = context.queue_control
        self._clock = context.clock
        self._emit = context.emit
        self._lists = lists
        self._looked_at = float("-inf")

    async def sweep(self, stopping: asyncio.Event) -> None:
        """One look, if the last one is not too fresh. Raises Unavailable, NotProvisioned."""
        now = self._clock.monotonic()
        if not self._control.is_known or now - self._looked_at < LOOK_EVERY:
            return
        seen: set[str] = set()
        while not stopping.is_set():
            keys = await self._lists.due(PAGE)
            fresh = [key for key in keys if key not in seen]
            seen.update(fresh)
            for key in fresh:
                await self._sweep_key(key)
            if len(keys) < PAGE or not fresh:
                break
        self._looked_at = now

    async def _sweep_key(self, key: str) -> None:
        """One key's trouble holds up no other, unless it is the store's."""
        try:
            await self._lists.sweep(key)
        except (Unavailable, NotProvisioned):
            raise
        except Exception as error:  # noqa: BLE001 - one key must not end the sweep of the others
            self._emit(background_failure(f"sweep of the limit {key}", error))
