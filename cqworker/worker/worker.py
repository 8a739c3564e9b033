"""The worker role: everything that works for its queues is started, and stopped without losing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cqworker.events import JobLeftRunning
from cqworker.execution.executor import Executor
from cqworker.execution.invoke import Runtime, open_state
from cqworker.execution.outcome import StopReason
from cqworker.execution.stuck_handlers import HandlerWatchdog
from cqworker.flow.acknowledger import Acknowledger
from cqworker.flow.admission import Admission
from cqworker.flow.capacity import Capacity
from cqworker.flow.claim import Claimer
from cqworker.flow.context import Context
from cqworker.flow.dead_letter_poller import DeadLetterPoller
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.poller import Poller
from cqworker.flow.settle import Settler
from cqworker.flow.supervised_loop import keep_running
from cqworker.flow.turns import Turns
from cqworker.flow.type_limits import TypeLimits
from cqworker.flow.waiting import wait_for_end
from cqworker.model.ids import TokenGenerator

LAST_GRACE = 1.0
"""Seconds after the drain's time or a second signal: for handlers that were told to stop, for handing back, and for a
receive that may be bringing a message."""
FLUSH_GRACE = 0.2
"""Seconds for the last deletes, and for messages that were handed back, where that took all of the time above."""
LIFESPANS_GRACE = 0.1
"""Seconds for lifespans to be left where the rest took all of its time."""
RECEIVE_MARGIN = 15.0
"""Seconds beyond its wait after which a receive counts as stuck: its call's own deadline is ten (aws/sqs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all queues of a worker share."""

    context: Context
    capacity: Capacity
    limits: TypeLimits
    in_hand: JobsInHand
    executor: Executor
    admission: Admission
    settler: Settler
    turns: Turns
    tokens: TokenGenerator


@dataclass(frozen=True, slots=True)
class QueueWorker:
    """The parts of one queue; the last two are None where it has no dead-letter queue."""

    poller: Poller
    claimer: Claimer
    leases: LeaseKeeper
    acknowledger: Acknowledger
    dead_letters: DeadLetterPoller | None
    dead_letter_acknowledger: Acknowledger | None


class Worker:
    """The workers of all queues of this process, where their handlers run, and the way out."""

    def __init__(
        self, queue_workers: Sequence[QueueWorker], shared: Shared, runtime: Runtime, watchdog: HandlerWatchdog
    ) -> None:
        self.queue_workers: tuple[QueueWorker, ...] = tuple(queue_workers)
        self.capacity: Capacity = shared.capacity
        self.executor: Executor = shared.executor
        self._limits = shared.limits
        self._clock = shared.context.clock
        self._emit = shared.context.emit
        self._runtime = runtime
        self._watchdog = watchdog
        self._loops: list[asyncio.Task[None]] = []
        self._dead_letter_loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Opens the lifespans, then lets every queue's worker go."""
        for handler in self._runtime.registry.handlers.values():
            if handler.lifespan is not None:
                self._runtime.loop.call(partial(open_state, self._runtime.lifespans, handler))
        self._loops.append(self._start_loop("main loop's pulse", self._watchdog.main.run))
        for worker in self.queue_workers:
            self._loops.append(self._start_loop("lease keeper", worker.leases.run))
            worker.poller.start()
            if worker.dead_letters is not None:
                self._dead_letter_loops.append(self._start_loop("dead letters", worker.dead_letters.run))
        self._loops.append(self._start_loop("handlers' watch", self._watchdog.run))

    async def drain(self, seconds: float, stop_now: asyncio.Event) -> None:
        """Stops receiving, gives back what has not started, and lets the rest run for `seconds`.

        What still runs then is told to stop and handed back; that takes LAST_GRACE and a little at most. Once
        `stop_now` is set all of it is done at once. What a handler holds on to longer is left, and its lease runs out.
        """
        deadline = self._clock.monotonic() + seconds
        self.stop_taking_work()
        await self._until(deadline, self._idle(), stop_now, grace=0.0)
        self.executor.stop_all(StopReason.DRAIN)
        now = self._clock.monotonic()
        end = now + LAST_GRACE if stop_now.is_set() else max(now, deadline) + LAST_GRACE
        await self._until(end, self._idle(), stop_now)
        await self._until(max(end, self._clock.monotonic() + FLUSH_GRACE), self._flush(), stop_now)
        self._report_left_running()
        lifespans = self._runtime.loop.call(self._runtime.lifespans.close).ended
        await self._until(max(end, self._clock.monotonic() + LIFESPANS_GRACE), lifespans, stop_now)

    def _report_left_running(self) -> None:
        """Their leases run out; whoever receives their messages then starts them again."""
        for job in [lease.job for worker in self.queue_workers for lease in worker.leases]:
            remedy = (
                f"Its message starts it again when its lease has ended; if none comes: cqworker jobs retry {job.job_id}"
            )
            self._emit(JobLeftRunning(job=job, remedy=remedy))

    def stop_taking_work(self) -> None:
        """Receives nothing more, and starts nothing that was only received."""
        self.capacity.close()
        self._limits.close()
        self.executor.stop_starting()
        for worker in self.queue_workers:
            worker.poller.stop_receiving()
            worker.claimer.stop_claiming()
            if worker.dead_letters is not None:
                worker.dead_letters.stop_receiving()

    async def close(self) -> None:
        """Ends the loops that have no end of their own."""
        for task in (*self._loops, *self._dead_letter_loops):
            task.cancel()
        await asyncio.gather(*self._loops, *self._dead_letter_loops, return_exceptions=True)
        self._runtime.threads.close()
        await self._runtime.loop.close()
        await self._runtime.processes.close()

    @property
    def stuck(self) -> asyncio.Event:
        """Set when only a restart can help its handlers."""
        return self._watchdog.stuck

    @property
    def stuck_because(self) -> str:
        """Why, once it is stuck, and by which handlers."""
        return self._watchdog.why

    def liveness(self) -> tuple[str, ...]:
        """Why this worker should be restarted, if so: each poller that neither receives nor waits for anything."""
        troubles = (worker.poller.trouble(RECEIVE_MARGIN, self._watchdog.main) for worker in self.queue_workers)
        return tuple(reason for reason in troubles if reason is not None)

    def holds(self, job_id: str) -> bool:
        """Whether the job runs here, or its ending is being written."""
        return any(lease.job.job_id == job_id for worker in self.queue_workers for lease in worker.leases)

    def cancel_here(self, job_id: str, round_number: int) -> None:
        """A cancel of this round, asked for in this process, need not wait for the next renewal.

        The answer of the table may be late: a later round of the job, which nobody cancelled, may run by then.
        """
        for worker in self.queue_workers:
            for lease in worker.leases:
                if (lease.job.job_id, lease.job.round) == (job_id, round_number):
                    lease.stop(StopReason.CANCEL)

    def _start_loop(self, name: str, loop: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(keep_running(name, loop, self._emit))

    async def _idle(self) -> None:
        for worker in self.queue_workers:
            await worker.poller.wait_for_receives()
        if self._dead_letter_loops:
            await asyncio.wait(self._dead_letter_loops)
        while journeys := [journey for worker in self.queue_workers for journey in worker.poller.journeys]:
            await asyncio.wait(journeys)

    async def _flush(self) -> None:
        for worker in self.queue_workers:
            await worker.acknowledger.flush()
            if worker.dead_letter_acknowledger is not None:
                await worker.dead_letter_acknowledger.flush()

    async def _until(
        self, end: float, work: Awaitable[object], stop_now: asyncio.Event, grace: float = LAST_GRACE
    ) -> None:
        """The work, until this time; what it has sent by then has been sent."""
        await wait_for_end(work, end - self._clock.monotonic(), stop_now, grace)
