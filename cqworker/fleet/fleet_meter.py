"""What the fleet's work asks for and what it has: measured once a minute by one daemon, which tidies the registry."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.events import Emit
from cqworker.events.fleet_events import FleetMeasured, FleetUnmeasured, WorkerFolded
from cqworker.model.timestamps import day_of
from cqworker.ports.fleet import Fleet, FleetMember, Heartbeat, WorkerState

EVERY = 60.0
"""Seconds between two looks at the registry."""
FOLD_AFTER_MS = 3_600_000
"""Milliseconds after its last heartbeat in which a daemon that left is still shown."""
DRAIN_TARGET = 300.0
"""Seconds in which a backlog is to be gone, by the figure of the workers that are wanted, where nobody says it."""
UTILIZATION = 0.8
"""Share of the slots that is planned with: at more than that a little more work is a long queue."""
WINDOW = 5
"""Looks over which rates and times are taken."""
ENDINGS = ("succeeded", "failed", "cancelled", "retried")
"""The outcomes that end an attempt (cqworker.observe.stats)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned with: slots of a worker while none is alive, and the seconds in which a backlog is to be gone."""

    usual_slots: int
    drain_target: float = DRAIN_TARGET


@dataclass(frozen=True, slots=True)
class Step:
    """What happened between two looks: `seconds` apart, attempts that ended, their time (s), the backlog's growth."""

    seconds: float
    ended: int
    ran: float
    grown: int


def desired_workers(steps: Sequence[Step], backlog: int, slots: float, drain_target: float = DRAIN_TARGET) -> int:
    """Workers of so many slots each that take in what arrives and let the backlog go within `drain_target` seconds.

    ceil((arrivals a second x mean seconds + backlog x mean seconds / drain_target) / (0.8 x slots)). While nothing
    ended yet a job is taken to last a second.
    """
    seconds, ended = sum(step.seconds for step in steps), sum(step.ended for step in steps)
    mean = sum(step.ran for step in steps) / ended if ended else 1.0
    arrivals = max(0.0, (ended + sum(step.grown for step in steps)) / seconds) if seconds else 0.0
    wanted = (arrivals * mean + backlog * mean / drain_target) / (UTILIZATION * max(1.0, slots))
    return math.ceil(round(wanted, 6))


class FleetMeter:
    """Measures while `is_chosen`, `backlog` being the messages that wait in the queues that this process knows."""

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        emit: Emit,
        is_chosen: Callable[[], bool],
        backlog: Callable[[], int],
        plan: Plan,
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._emit = emit
        self._is_chosen = is_chosen
        self._backlog = backlog
        self._plan = plan
        self._members: Sequence[FleetMember] = ()
        self._read_at: float | None = None
        self._former: tuple[float, int, Mapping[tuple[str, str], Heartbeat]] | None = None
        self._steps: deque[Step] = deque(maxlen=WINDOW)
        self._waits_since: float | None = None
        self.latest: FleetMeasured | None = None

    async def run(self) -> None:
        """Once a minute, while this daemon is the one."""
        while True:
            if self._is_chosen():
                with suppress(Unavailable):  # told by the health of its service
                    await self.measure()
            elif self.latest is not None:
                self.latest, self._former = None, None
                self._steps.clear()
                self._emit(FleetUnmeasured())
            await asyncio.sleep(EVERY)

    async def count_live(self) -> int:
        """The daemons alive, as the registry had them within the last minute. Raises Unavailable."""
        if self._read_at is None or self._clock.monotonic() - self._read_at >= EVERY:
            await self._read()
        now = self._clock.now()
        return sum(member.heartbeat.is_alive(now) for member in self._members)

    async def measure(self) -> None:
        """One look: tells the figures, and removes who has been gone for an hour. Raises Unavailable."""
        await self._read()
        now = self._clock.now()
        alive = [member.heartbeat for member in self._members if member.heartbeat.is_alive(now)]
        backlog = self._backlog()
        self._note(alive, backlog)
        workers = [said.slots for said in alive if said.slots]
        slots = sum(workers) / len(workers) if workers else float(self._plan.usual_slots)
        self.latest = FleetMeasured(
            live=len(alive),
            silent=sum(_is_silent(member.heartbeat, now) for member in self._members),
            slots=sum(workers),
            busy=sum(said.busy for said in alive),
            backlog=backlog,
            desired=desired_workers(self._steps, backlog, slots, self._plan.drain_target),
            oldest=self._oldest(alive, backlog),
        )
        self._emit(self.latest)
        await self._fold(now)

    async def _read(self) -> None:
        self._members = await self._fleet.members()
        self._read_at = self._clock.monotonic()

    def _note(self, alive: Sequence[Heartbeat], backlog: int) -> None:
        """What has happened since the last look; a daemon that was not there then counts from its start."""
        now, told = self._clock.monotonic(), {(said.worker, said.boot): said for said in alive}
        if self._former is not None:
            began, waited, former = self._former
            ended = ran = 0
            for key, said in told.items():
                before = former.get(key)
                ended += max(0, _ended(said) - (_ended(before) if before else 0))
                ran += max(0, said.ran - (before.ran if before else 0))
            self._steps.append(Step(now - began, ended, ran / 1000, backlog - waited))
        self._former = now, backlog, told

    def _oldest(self, alive: Sequence[Heartbeat], backlog: int) -> float:
        """The longest wait of late (s); where messages wait and nothing is started, for how long that has been so."""
        now, longest = self._clock.monotonic(), max((said.waited for said in alive), default=0) / 1000
        if not backlog or longest:
            self._waits_since = now if backlog else None
            return longest
        if self._waits_since is None:
            self._waits_since = now
        return now - self._waits_since

    async def _fold(self, now: int) -> None:
        for member in self._members:
            said = member.heartbeat
            if said.seen < now - FOLD_AFTER_MS and await self._fleet.fold(member, day_of(said.seen)):
                self._emit(WorkerFolded(member=said.worker, state=said.state))


def _is_silent(said: Heartbeat, now: int) -> bool:
    return said.state is not WorkerState.STOPPED and not said.is_alive(now)


def _ended(said: Heartbeat) -> int:
    return sum(counted.get(ending, 0) for counted in said.counts.values() for ending in ENDINGS)
