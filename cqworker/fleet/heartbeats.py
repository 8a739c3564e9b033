"""The heartbeat: what this daemon says of itself once a minute, and what its answer asks of it."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable

from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.events import Emit
from cqworker.events.fleet_events import CommandObeyed, WorkerNameTaken
from cqworker.flow.waiting import sleep_unless
from cqworker.ports.fleet import HEARTBEAT_SECONDS, Command, Counts, Fleet, Heartbeat, Orders, WorkerState

WATCHED_SECONDS = 10
"""Seconds between two heartbeats while somebody looks at the fleet, and after one that was not answered."""
EARLIEST = 0.9
"""Share of the time until the next heartbeat that passes at least: chance takes the rest, so that a fleet that was
started at once does not write at once for ever."""
LAST_SECONDS = 0.5
"""Seconds for the last heartbeat, which says that this daemon has left."""
MAX_NAMES = 20
"""Names that are tried: each one is refused only because another daemon is alive under it."""


class Heartbeats:
    """Says what `describe` tells of this daemon, and hands `obey` each command once.

    `describe` knows neither name nor start nor pace: those are filled in here. A start (`boot`) that was silent for so
    long that it was removed begins anew, with counts from then on. `every`: seconds between two while nobody looks.
    """

    def __init__(  # noqa: PLR0913 - the daemon, and its pace and chance for a test
        self,
        fleet: Fleet,
        clock: Clock,
        emit: Emit,
        describe: Callable[[], Heartbeat],
        obey: Callable[[Command], None],
        chance: Callable[[], float] = random.random,
        every: int = HEARTBEAT_SECONDS,
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._emit = emit
        self._describe = describe
        self._obey = obey
        self._chance = chance
        self._unwatched = every
        self._name = ""
        self._boot = _new_boot()
        self._is_first = True
        self._obeyed = 0
        self._watched_until = 0
        self._told: Counts = {}
        self._before: Counts = {}
        self._poked = asyncio.Event()

    @property
    def name(self) -> str:
        """What this daemon is called in the registry; empty before the first answer."""
        return self._name

    def poke(self) -> None:
        """Something has changed that people wait for: the next heartbeat comes now."""
        self._poked.set()

    async def run(self) -> None:
        """Says it for ever; one that is not answered is repeated, and stops nothing else."""
        while True:
            self._poked.clear()
            try:
                await self.say()
                pause = self.every
            except Unavailable:
                pause = WATCHED_SECONDS  # told by the health of its service
            await sleep_unless(self._poked, pause * (EARLIEST + (1 - EARLIEST) * self._chance()))

    async def leave(self) -> None:
        """The last heartbeat, where there was a first one; unanswered, this daemon counts as silent before long."""
        if self._is_first:
            return
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self.say(WorkerState.STOPPED)
        except (Unavailable, TimeoutError):
            return

    @property
    def every(self) -> int:
        """Seconds until the next heartbeat."""
        return WATCHED_SECONDS if self._clock.now() < self._watched_until else self._unwatched

    async def say(self, state: WorkerState | None = None) -> None:
        """One heartbeat, and what its answer asks for. Raises Unavailable."""
        said = self._describe()
        orders = await self._say_as(said, state)
        for number in range(2, MAX_NAMES):
            if orders is not None:
                break
            if not self._is_first:
                self._begin_anew(said.worker)
            else:
                taken, self._name = self._name, f"{said.worker}~{number}"
                self._emit(WorkerNameTaken(name=taken, instead=self._name))
            orders = await self._say_as(said, state)
        if orders is not None:
            self._is_first = False
            self._heed(orders)

    async def _say_as(self, said: Heartbeat, state: WorkerState | None) -> Orders | None:
        self._name = self._name or said.worker
        counts = _since(said.counts, self._before)
        whole = replace(
            said,
            worker=self._name,
            boot=self._boot,
            seen=self._clock.now(),
            every=self.every,
            obeyed=self._obeyed,
            counts=counts,
            state=state or said.state,
        )
        former, self._told = self._told, said.counts
        orders = await self._fleet.heartbeat(whole, first=self._is_first)
        if orders is None:
            self._told = former
        return orders

    def _begin_anew(self, name: str) -> None:
        """This start was removed, and its counts were told: only what comes from now on is to be told."""
        self._name, self._boot, self._is_first, self._obeyed, self._before = name, _new_boot(), True, 0, self._told

    def _heed(self, orders: Orders) -> None:
        self._watched_until = orders.watched_until
        if orders.command is not None and orders.revision > self._obeyed:
            self._obeyed = orders.revision
            self._emit(CommandObeyed(command=orders.command, revision=orders.revision))
            self._obey(orders.command)
            self.poke()


def _new_boot() -> str:
    return secrets.token_urlsafe(6)


def _since(counts: Counts, before: Counts) -> Counts:
    """What was counted since then."""
    left = {
        job_type: {
            outcome: counted - before.get(job_type, {}).get(outcome, 0)
            for outcome, counted in outcomes.items()
            if counted > before.get(job_type, {}).get(outcome, 0)
        }
        for job_type, outcomes in counts.items()
    }
    return {job_type: outcomes for job_type, outcomes in left.items() if outcomes}
