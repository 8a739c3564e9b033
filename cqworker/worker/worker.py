"""The worker role: starts the lanes, stops them without losing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from cqworker.clock import Clock
from cqworker.events import Emit, JobLeftRunning
from cqworker.execution.executor import Execution
from cqworker.execution.handler_watchdog import HandlersWatch
from cqworker.execution.invoke import open_state
from cqworker.execution.outcome import StopReason
from cqworker.execution.runtime import Workshop
from cqworker.flow.bounded_wait import wait_for_end
from cqworker.flow.capacity import Slots
from cqworker.flow.supervised_loop import keep_running
from cqworker.flow.type_limits import TypeLimits
from cqworker.worker.queue_worker import Lane

LAST_GRACE = 1.0
"""Seconds after the drain's time or a second signal: for handlers that were told to stop, for handing back, and for a
receive that may be bringing a message."""
FLUSH_GRACE = 0.2
"""Seconds for the last deletes, and for messages that were handed back, where that took all of the time above."""
LIFESPANS_GRACE = 0.1
RECEIVE_MARGIN = 15.0


class Worker:
    """Every lane of this process, the handlers' ground, and the way out."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        slots: Slots,
        limits: TypeLimits,
        execution: Execution,
        workshop: Workshop,
        watch: HandlersWatch,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self.lanes: tuple[Lane, ...] = tuple(lanes)
        self.slots = slots
        self._limits = limits
        self.execution = execution
        self._workshop = workshop
        self._watch = watch
        self._clock = clock
        self._emit = emit
        self._loops: list[asyncio.Task[None]] = []
        self._dead: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Opens the lifespans, then lets every lane go."""
        for handler in self._workshop.registry.handlers.values():
            if handler.lifespan is not None:
                self._workshop.loop.call(partial(open_state, self._workshop.lifespans, handler))
        self._loops.append(self._begin("main loop's pulse", self._watch.main.run))
        for lane in self.lanes:
            self._loops.append(self._begin("lease keeper", lane.leases.run))
            lane.poller.start()
            if lane.dead_letters is not None:
                self._dead.append(self._begin("dead letters", lane.dead_letters.run))
        self._loops.append(self._begin("handlers' watch", self._watch.run))

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Stops receiving, gives back what has not started, and lets the rest run for `seconds`.

        What still runs then is told to stop and handed back; that takes LAST_GRACE and a little at most. `hurry` set:
        all of it at once. What a handler holds on to longer is left, and its lease runs out.
        """
        deadline = self._clock.monotonic() + seconds
        self.quiet()
        await self._until(deadline, self._idle(), hurry, grace=0.0)
        self.execution.stop_all(StopReason.DRAIN)
        now = self._clock.monotonic()
        end = now + LAST_GRACE if hurry.is_set() else max(now, deadline) + LAST_GRACE
        await self._until(end, self._idle(), hurry)
        await self._until(max(end, self._clock.monotonic() + FLUSH_GRACE), self._flush(), hurry)
        self._name_what_is_left()
        lifespans = self._workshop.loop.call(self._workshop.lifespans.close).ended
        await self._until(max(end, self._clock.monotonic() + LIFESPANS_GRACE), lifespans, hurry)

    def _name_what_is_left(self) -> None:
        """Their leases run out; whoever receives their messages then starts them again."""
        for job in [lease.job for lane in self.lanes for lease in lane.leases]:
            remedy = (
                f"Its message starts it again when its lease has ended; if none comes: cqworker jobs retry {job.job_id}"
            )
            self._emit(JobLeftRunning(job=job, remedy=remedy))

    def quiet(self) -> None:
        """Nothing new is asked for and nothing that was only received is started."""
        self.slots.close()
        self._limits.close()
        self.execution.drain()
        for lane in self.lanes:
            lane.poller.quiet()
            lane.claims.drain()
            if lane.dead_letters is not None:
                lane.dead_letters.quiet()

    async def close(self) -> None:
        """Ends the loops that have no end of their own."""
        for task in (*self._loops, *self._dead):
            task.cancel()
        await asyncio.gather(*self._loops, *self._dead, return_exceptions=True)
        self._workshop.threads.close()
        await self._workshop.loop.close()
        await self._workshop.processes.close()

    @property
    def stuck(self) -> asyncio.Event:
        """Set when only a restart can help its handlers."""
        return self._watch.stuck

    @property
    def stuck_because(self) -> str:
        """Why, once it is stuck, and by which handlers."""
        return self._watch.why

    def liveness(self) -> tuple[str, ...]:
        """Why this worker should be restarted: a poller that neither receives nor waits for anything."""
        troubles = (lane.poller.trouble(RECEIVE_MARGIN, self._watch.main) for lane in self.lanes)
        return tuple(reason for reason in troubles if reason is not None)

    def holds(self, job_id: str) -> bool:
        return any(lease.job.job_id == job_id for lane in self.lanes for lease in lane.leases)

    def cancel_here(self, job_id: str) -> None:
        """A cancel asked for in this process need not wait for the next renewal."""
        for lane in self.lanes:
            for lease in lane.leases:
                if lease.job.job_id == job_id:
                    lease.stop(StopReason.CANCEL)

    def _begin(self, name: str, loop: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(keep_running(name, loop, self._emit))

    async def _idle(self) -> None:
        for lane in self.lanes:
            await lane.poller.receives_ended()
        if self._dead:
            await asyncio.wait(self._dead)
        while travels := [travel for lane in self.lanes for travel in lane.poller.travels]:
            await asyncio.wait(travels)

    async def _flush(self) -> None:
        for lane in self.lanes:
            await lane.receipts.flush()
            if lane.dead_receipts is not None:
                await lane.dead_receipts.flush()

    async def _until(
        self, end: float, work: Awaitable[object], hurry: asyncio.Event, grace: float = LAST_GRACE
    ) -> None:
        """The work, until this time; what it has sent by then has been sent."""
        await wait_for_end(work, end - self._clock.monotonic(), hurry, grace)
