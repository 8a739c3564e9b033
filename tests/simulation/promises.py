"""What a person was told takes effect soon: asked for in peace, looked up a little later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.flow.lease import Lease
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.simulation.clients import Clients
from tests.simulation.debts import NOWHERE, OVERDUE, is_marked
from tests.simulation.fleet import Fleet
from tests.simulation.site import Site
from tests.simulation.store_service import shown

SETTLED = 90.0
"""Seconds after which nothing that went wrong before the peace lasts: frozen processes, wandering requests."""
EFFECT = 30.0
LATENCY = 5.0
TAKEN_OVER = 240.0
"""Seconds after which a dead, or blind, sweeper's shards have been swept by another."""
ACTS = 3
LONGER = 60.0
LOOK_EVERY = 5.0
LOOKS = 12


class Promises:
    """Cancels and runs some of the jobs that wait, once faults have ended, and sees to it that nothing is overdue."""

    def __init__(self, site: Site, clients: Clients, fleet: Fleet) -> None:
        self._site = site
        self._clients = clients
        self._fleet = fleet
        self._told: set[str] = set()

    async def ask_and_see(self) -> None:
        """In peace: a few acts, each looked after."""
        self._site.world.call_later(OVERDUE, self._look)
        await asyncio.sleep(SETTLED)
        waiting = [
            record for record in self._site.store.records.values() if is_marked(record) and record.queue != NOWHERE
        ]
        cancelled, hastened = waiting[:ACTS], waiting[ACTS : 2 * ACTS]
        await asyncio.gather(
            *(self._keep("cancel", record, _is_cancelled) for record in cancelled),
            *(self._keep("run now", record, _is_out) for record in hastened),
            self._stop_what_runs(),
        )

    async def _stop_what_runs(self) -> None:
        """A few of the jobs that run are cancelled, each as soon as there is one that nobody cancelled yet."""
        asked: dict[str, asyncio.Task[None]] = {}
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_EVERY)
            for record in list(self._site.store.records.values()):
                is_new = record.job_id not in asked and record.cancel_requested_at is None
                if record.status is Status.RUNNING and is_new and len(asked) < ACTS:
                    asked[record.job_id] = self._site.world.create_task(self._keep_stopping(record))
        await asyncio.gather(*asked.values())

    async def give_up_unsendable(self) -> None:
        """Long after the peace somebody cancels what nobody can send."""
        if not self._site.profile.unsendable:
            return
        await asyncio.sleep(OVERDUE + LONGER)
        for record in list(self._site.store.records.values()):
            while record.queue == NOWHERE and is_marked(self._site.store.records[record.job_id]):
                await self._clients.act("cancel", record.job_id)

    def _look(self) -> None:
        """Nothing that is due stays unsent for long, in peace."""
        self._site.world.call_later(LOOK_EVERY, self._look)
        for record in self._site.debts.overdue():
            if record.job_id not in self._told:
                self._told.add(record.job_id)
                self._site.witness.accuse("overdue, and nobody sends it:", shown(record))

    async def _keep(self, act: str, record: JobRecord, holds: Callable[[JobRecord, JobRecord], bool]) -> None:
        told = await self._clients.act(act, record.job_id)
        if told is None:
            return
        lasting = TAKEN_OVER if self._site.profile.blind else 0.0
        await asyncio.sleep(EFFECT + LATENCY + lasting)
        now = self._site.store.records.get(record.job_id)
        if now is not None and not holds(told, now):
            self._site.witness.accuse(f"a promise to {act} was not kept:", shown(told), "is", shown(now))

    async def _keep_stopping(self, record: JobRecord) -> None:
        """The attempt ends, or its handler is told to stop: one that will not is given its time.

        Where the worker is gone that had it, nobody can be told: the job ends once its lease has, and its message
        has come to its turn.
        """
        told = await self._clients.act("cancel", record.job_id)
        if told is None:
            return
        await asyncio.sleep(EFFECT + LATENCY)
        holders = self._holders_of(told)
        if holders and self._runs_on(told) and all(lease.stop_reason is None for lease in holders):
            self._site.witness.accuse("a promise to cancel what runs was not kept:", shown(told))

    def _runs_on(self, told: JobRecord) -> bool:
        now = self._site.store.records.get(told.job_id)
        return now is not None and (now.status, now.token) == (Status.RUNNING, told.token)

    def _holders_of(self, told: JobRecord) -> list[Lease]:
        leases = (lease for process in self._fleet.alive for lease in process.leases())
        return [lease for lease in leases if lease.token == told.token]


def _is_cancelled(told: JobRecord, now: JobRecord) -> bool:
    return now.status is Status.CANCELLED or now.round > told.round or told.status is not Status.CANCELLED


def _is_out(told: JobRecord, now: JobRecord) -> bool:
    """Its message is sent: it is not in the index any more for the time that it was given."""
    return not is_marked(now) or now.scheduled_at != told.scheduled_at
