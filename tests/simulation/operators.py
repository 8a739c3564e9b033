"""Operators without patience: they cancel and retry whatever they see, in quick succession and all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.simulation.clients import Clients
from tests.simulation.errand import EXTINCT
from tests.simulation.fleet import Fleet
from tests.simulation.site import Site

BURST = 5
OF_TIME = ("reschedule", "reschedule", "run now", "run now")
OF_LEVELS = ("reprioritise", "reprioritise")
GLANCE, LETTING_GO, AT_ONCE = 0.01, 15.0, 3
"""Seconds between two looks at a record, seconds of looking, and requests at once."""
LATEST = 12
"""So many of the youngest jobs are of interest."""


class Operators:
    """People at the desk; every act goes to whichever process answers, and may be lost with its answer."""

    def __init__(self, site: Site, clients: Clients, fleet: Fleet) -> None:
        self._site = site
        self._clients = clients
        self._fleet = fleet
        self._chance = site.profile.stream("operators")

    async def meddle(self) -> None:
        """Looks at a job every now and then, and acts at once."""
        chance, impatience = self._chance, self._site.profile.impatience
        assert impatience is not None  # a profile without operators has none
        while self._site.kernel.now < self._site.profile.at(self._site.profile.seconds):
            await asyncio.sleep(chance.expovariate(1 / impatience))
            if (record := self._of_interest()) is None:
                continue
            acts = list(self._burst(record))
            if chance.random() < 0.5:
                await asyncio.gather(*(self._after(pause, act, record) for pause, act in acts))
                continue
            for pause, act in acts:
                await self._after(pause, act, record)

    async def waver(self) -> None:
        """Cancels what runs, has its worker leave, and puts the job off in the moment in which nobody holds it."""
        site, chance = self._site, self._site.profile.stream("fickle")
        while site.kernel.now < site.profile.at(site.profile.seconds):
            await asyncio.sleep(chance.uniform(5, 30))
            held = [(process, lease.job.job_id) for process in self._fleet.at_hand for lease in process.leases()]
            if not held:
                continue
            process, job_id = chance.choice(held)
            told = await self._clients.act("cancel", job_id)
            if told is None or told.status is not Status.RUNNING:
                continue
            site.trace.fault("second thoughts", process.name)
            for _ in range(2):  # the second SIGTERM hands back what runs
                process.leave()
            if await self._is_let_go(job_id):
                await asyncio.gather(*(self._clients.act("reschedule", job_id) for _ in range(AT_ONCE)))

    async def _is_let_go(self, job_id: str) -> bool:
        """Waits until nobody holds the job, for a while."""
        for _ in range(round(LETTING_GO / GLANCE)):
            record = self._site.store.records.get(job_id)
            if record is None or record.status is not Status.RUNNING:
                return record is not None
            await asyncio.sleep(GLANCE)
        return False

    async def _after(self, pause: float, act: str, record: JobRecord) -> None:
        await asyncio.sleep(pause)
        number = self._chance.choice((None, record.round, record.round, record.round - 1, record.round + 1))
        await self._clients.act(act, record.job_id, number if act == "retry" else None)

    def _burst(self, record: JobRecord) -> Iterator[tuple[float, str]]:
        """What somebody does who sees this: the first act fits, the others follow without another look."""
        chance = self._chance
        act = "retry" if record.status.is_retryable else "cancel"
        if act == "cancel" and self._site.profile.timely and chance.random() < 0.6:
            act = "reschedule"
        if act != "retry" and self._site.profile.levels and chance.random() < 0.5:
            act = "reprioritise"
        longest = chance.choice((0.0, 0.3, 2.0, 20.0))
        for number in range(chance.randint(1, BURST)):
            yield chance.uniform(0, longest), act if number == 0 else self._any()

    def _of_interest(self) -> JobRecord | None:
        """One of the youngest, more often one that failed; none that would wait a day for its type."""
        known = [record for record in self._site.store.records.values() if record.type != EXTINCT]
        records = known[-LATEST:]
        failed = [record for record in records if record.status.is_retryable]
        return self._chance.choice(failed or records) if records else None

    def _any(self) -> str:
        acts: tuple[str, ...] = ("cancel", "cancel", "retry", "retry", "retry", "show")
        if self._site.profile.levels:
            acts += OF_LEVELS
        return self._chance.choice((*acts, *OF_TIME) if self._site.profile.timely else acts)
