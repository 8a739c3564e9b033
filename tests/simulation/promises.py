"""What a person was told takes effect soon: asked for in peace, looked up a little later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.simulation.clients import Clients
from tests.simulation.debts import NOWHERE, OVERDUE, is_marked
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


class Promises:
    """Cancels and runs some of the jobs that wait, once faults have ended, and sees to it that nothing is overdue."""

    def __init__(self, site: Site, clients: Clients) -> None:
        self._site = site
        self._clients = clients
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
        )

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


def _is_cancelled(told: JobRecord, now: JobRecord) -> bool:
    return now.status is Status.CANCELLED or now.round > told.round or told.status is not Status.CANCELLED


def _is_out(told: JobRecord, now: JobRecord) -> bool:
    """Its message is sent: it is not in the index any more for the time that it was given."""
    return not is_marked(now) or now.scheduled_at != told.scheduled_at
