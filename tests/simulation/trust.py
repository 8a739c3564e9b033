"""What a process believes of its leases, held against what the record says."""

from __future__ import annotations

import asyncio
from functools import partial

from cqworker.execution.outcome import StopReason
from cqworker.flow.lease import LeaseState, margin_of
from cqworker.model.attempt_writes import Renew
from cqworker.model.status import Status
from cqworker.model.writes import Change
from tests.simulation.attempt import Suspect, disturbed, troubled
from tests.simulation.fleet import Fleet
from tests.simulation.site import Site

LOOK_EVERY = 1.0
HEARD_WITHIN = 3.0
"""Seconds in which a process that is well has acted on an answer."""
ROUNDING = 0.01
BEGUILING = ("suspend", "clock step")


class Trust:
    """Looks at the leases of every live process, from outside."""

    def __init__(self, site: Site, fleet: Fleet) -> None:
        self._site = site
        self._fleet = fleet

    async def watch(self) -> None:
        """Audits as long as the story lasts."""
        while True:
            await asyncio.sleep(LOOK_EVERY + self._fleet.rest)
            self.audit()
            if self._site.is_peaceful:
                self._site.slots.look(self._site.kernel.now)

    def audit(self) -> None:
        """Nobody trusts a lease for longer than to a margin before the end that is written, by its own clock."""
        for process in self._fleet.alive:
            for lease in process.leases():
                attempt = self._site.witness.attempts.get(lease.token)
                record = self._site.store.records.get(lease.job.job_id)
                if (
                    attempt is None
                    or record is None
                    or record.token != lease.token
                    or lease.state is not LeaseState.HELD
                ):
                    continue
                written = (record.lease_expires_at or 0) / 1000 - process.clock.now() / 1000
                trusted = lease.record_until - process.clock.monotonic()
                most = max(0.0, written - margin_of(lease.period)) + ROUNDING
                if record.status is not Status.RUNNING or trusted <= most:
                    continue
                if not (attempt.was_haunted() or self._is_beguiled(process, attempt.asked_at)):
                    self._site.witness.accuse("a lease is trusted for too long:", attempt, trusted - most, "s")

    def refused(self, change: Change, process: str) -> None:
        """A renewal that finds another writer's record ends the lease, as soon as its answer is there."""
        if isinstance(change, Renew):
            self._site.world.call_later(HEARD_WITHIN, partial(self._look_after, change, process, self._site.kernel.now))

    def _look_after(self, change: Renew, name: str, refused_at: float) -> None:
        process, now = self._site.witness.suspects[name], self._site.kernel.now
        since = refused_at - HEARD_WITHIN
        if process.is_dead or disturbed(process, since, now) or troubled(process, since, now):
            return
        for lease in process.leases():
            if lease.token == change.token and lease.stop_reason is not StopReason.LOST:
                self._site.witness.accuse("a lease is kept although its renewal was refused:", change.job_id, name)

    def _is_beguiled(self, process: Suspect, since: float) -> bool:
        return disturbed(process, since, self._site.kernel.now, *BEGUILING) is not None
