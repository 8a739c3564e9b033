"""The sweep of limits: keys where somebody waits are looked at every minute, whatever became of those who ought to."""

from __future__ import annotations

import asyncio

from cqworker.admission.waiting_lists import Swept, WaitingLists
from cqworker.errors import CqworkerError, NotProvisioned, Unavailable
from cqworker.flow.context import Context
from cqworker.flow.supervised_loop import background_failure
from cqworker.flow.waiting import sleep_unless
from cqworker.health.service_health import STORE
from cqworker.scheduling.crowding_watch import CrowdingWatch
from cqworker.scheduling.sweep_leases import LIMITS, SweepLeases

PAGE = 100
"""Keys that are read from the index together."""
AT_ONCE = 16
"""Keys that are looked at together."""
MOST_FAILED = 1_000
"""Keys that fail in one look before it is given up: the table is away then."""
LOOK_EVERY = 55.0
"""Seconds between two looks at least: with a try every half minute there is one a minute."""
TRY_EVERY = 30.0
"""Seconds between two looks whether the sweep is ours now."""


class LimitSweep:
    """Looks at the marked keys whose time has come, where this process has the lease of limits.

    Not before the fleet's control was read: without what operators said a key may seem to be unlimited.
    """

    def __init__(self, context: Context, lists: WaitingLists, leases: SweepLeases) -> None:
        self._state = context.schedule
        self._health = context.health
        self._control = context.queue_control
        self._clock = context.clock
        self._emit = context.emit
        self._lists = lists
        self._leases = leases
        self._crowding = CrowdingWatch(context)
        self._looked_at = float("-inf")

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks again and again until then: for itself, so that many keys hold up no job that is due."""
        while not stopping.is_set():
            await self._health.wait_until_back(STORE, stopping)
            try:
                await self.sweep(stopping)
            except Unavailable:
                pass  # remembered by the health of its service, and tried again
            except Exception as error:  # noqa: BLE001 - one key must not end the sweep of limits for good
                self._emit(background_failure("sweep of limits", error))
            await self._rest(stopping)

    async def _rest(self, stopping: asyncio.Event) -> None:
        """Until the next try. Where it is ours, what operators say of a limit ends it: a resume is not kept waiting."""
        if not self._leases.has_limits:
            await sleep_unless(stopping, TRY_EVERY)
            return
        waits = [asyncio.ensure_future(event.wait()) for event in (stopping, self._control.limits_changed)]
        try:
            await asyncio.wait(waits, timeout=TRY_EVERY, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def sweep(self, stopping: asyncio.Event) -> None:
        """A look, if it is ours, and the last one is not too fresh or a limit was changed since. Raises Unavailable."""
        if not (self._control.is_known and self._leases.has_limits):
            return
        now, has_changed = self._clock.monotonic(), self._control.limits_changed.is_set()
        self._control.limits_changed.clear()
        if not ((has_changed or now - self._looked_at >= LOOK_EVERY) and await self._state.check()):
            return
        try:
            await self._sweep_all(stopping)
        except NotProvisioned:
            self._state.note(is_ready=False)  # it was removed since: the store is well
            return
        self._state.note(is_ready=True)
        self._looked_at = now
        await self._leases.renew(LIMITS)

    async def _sweep_all(self, stopping: asyncio.Event) -> None:
        """Several keys at once; those that fail are left for the next time. Raises what they failed by if all did."""
        seen: set[str] = set()
        failures: list[CqworkerError] = []
        found: list[Swept] = []
        while not stopping.is_set():
            keys = await self._lists.due(PAGE + len(failures))
            fresh = [key for key in keys if key not in seen]
            seen.update(fresh)
            for first in range(0, len(fresh), AT_ONCE):
                swept = await asyncio.gather(*(self._sweep_key(key) for key in fresh[first : first + AT_ONCE]))
                failures += [failure for failure in swept if isinstance(failure, CqworkerError)]
                found += [one for one in swept if isinstance(one, Swept)]
            if len(keys) < PAGE or not fresh or len(failures) > MOST_FAILED:
                break
        if failures and len(failures) == len(seen):
            raise failures[0]
        if not stopping.is_set() and len(failures) <= MOST_FAILED:
            waited_for = [one.key for one in found if one.is_waited_for]
            await self._crowding.note(waited_for, [one.key for one in found if one.is_full])

    async def _sweep_key(self, key: str) -> Swept | CqworkerError | None:
        """One key's trouble holds up no other; what failed, where that is the store's doing."""
        try:
            return await self._lists.sweep(key)
        except (Unavailable, NotProvisioned) as error:
            return error
        except Exception as error:  # noqa: BLE001 - one key must not end the sweep of the others
            self._emit(background_failure(f"sweep of the limit {key}", error))
        return None
