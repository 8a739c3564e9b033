"""One simulated process: the production worker and front desk on event loops of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from cqworker import Job
from cqworker.aws.sqs.batched_sends import BatchedSends
from cqworker.events import Event, JobRef, JobStarted, LeasesRenewed, ReceiveAnswered, SlotsChanged
from cqworker.events.loop_events import HandlerLoopProbed, MainLoopProbed
from cqworker.execution.handler_loop import copy_result
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.lease import Lease
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.schedule_state import ScheduleState
from cqworker.flow.supervised_loop import keep_running
from cqworker.health.monitored_ports import MonitoredArtifacts, MonitoredQueue, MonitoredSchedule, MonitoredStore
from cqworker.health.probes import Probe
from cqworker.health.service_health import ARTIFACTS, STORE, ServiceHealth
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.ports import JobQueue
from cqworker.ports.schedule import Schedule
from cqworker.scheduling.sweeper import Sweeper
from cqworker.settings.limit_settings import limits_of
from cqworker.worker.assembly import Dependencies, open_worker
from cqworker.worker.worker import Worker
from tests.simulation import machine
from tests.simulation.assembly import NO_SCHEDULE, open_jobs, open_queue, open_sweeper, open_unique_keys
from tests.simulation.attempt import Disturbance, disturbed, troubled
from tests.simulation.debts import job_of
from tests.simulation.limit_ports import SimLimits
from tests.simulation.machine import HandlersGuest, InOrder, SkewedClock, post
from tests.simulation.network import Call as Request
from tests.simulation.network import Link
from tests.simulation.ports import AncientStore, SimArtifacts, SimQueue, SimRates, SimSchedule, SimStore
from tests.simulation.site import Site
from tests.simulation.stalls import leave_with_it, stall_of_hand_over

T = TypeVar("T")
PATIENCE, LOOK_BACK = 30.0, 60.0
LAST_SWEEP = 0.5
"""Seconds in which a sweep that is under way may end, once the drain is over; the daemon cuts it off as well."""
QUIET = (SlotsChanged, HandlerLoopProbed, MainLoopProbed, ReceiveAnswered, LeasesRenewed)
"""Events that would only fill the trace."""


class NoAnswer(Exception):
    """The client's request was not answered: it may have been carried out."""


class Process:
    """A daemon: worker, submission and desk behind one link; it can be frozen, killed, and told to leave."""

    def __init__(self, name: str, site: Site, *, modern: bool, skew: int) -> None:
        self.name = name
        self.modern = modern
        self.is_ancient = site.profile.ancient and not modern
        self.main = site.kernel.guest(name)
        self.handlers = machine.guest_for_handlers(site.kernel, self.main)
        self.main.host = self.handlers.host = self
        self.clock = SkewedClock(self.main, site.kernel, skew)
        self.link = Link(name, site.world, site.weather, site.trace, partial(site.witness.accuse, name))
        self.link.swallowed = self._swallowed
        self.disturbances: list[Disturbance] = []
        self.is_dead = False
        self.leaving: asyncio.Event | None = None
        self.leaks: list[str] = []
        self.worker: Worker
        self.submitter: Submitter
        self.operator: OperatorActions
        self.sweeper: Sweeper
        self._site = site
        self._loop = HandlersGuest(self.main, self.handlers)
        self._running: dict[tuple[str, int, int], str] = {}
        self._deaf: set[tuple[str, int, int]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._sweep: asyncio.Task[None] | None = None
        site.witness.suspects[name] = self
        if self.is_ancient:
            site.debts.ancient.add(name)
        self.main.call_soon(self._open)

    def leases(self) -> Iterator[Lease]:
        return (lease for queue_worker in self.worker.queue_workers for lease in queue_worker.leases)

    @property
    def is_frozen(self) -> bool:
        return self.main.thaws_at is not None

    @property
    def is_idle(self) -> bool:
        return self.worker.capacity.taken == 0 and not self.is_frozen

    def freeze(self, kind: str, seconds: float) -> None:
        """Stops the whole process for so long: as SIGSTOP does, or with its clock, as a suspended VM."""
        now = self._site.kernel.now
        self._site.trace.fault(kind, self.name, f"{seconds:.3f} s")
        self.disturbances.append(Disturbance(kind, now, now + seconds))
        self._site.kernel.freeze([self.main, self.handlers], seconds, clock_stops=kind == "suspend")

    def step_clock(self, skew: int) -> None:
        """Somebody sets the wall clock."""
        self._site.trace.fault("clock step", self.name, skew)
        self.disturbances.append(Disturbance("clock step", self._site.kernel.now, self._site.kernel.now))
        self.clock.skew = skew

    def crash(self) -> None:
        self.kill("crash", Disturbance("crash", self._site.kernel.now, float("inf")))

    def kill(self, kind: str, disturbance: Disturbance | None) -> None:
        """None of its code runs from here on; what it leaves undone is excused by the disturbance, if there is one."""
        if disturbance is not None:
            self.disturbances.append(disturbance)
        self._site.trace.note(self.name, "is gone:", kind)
        self.is_dead = True
        self.main.kill()
        self.handlers.kill()

    def leave(self) -> None:
        """SIGTERM; the second one is a hurry."""
        if self.leaving is None:
            self.leaving = asyncio.Event()
            self.main.call_soon(lambda: self.main.create_task(self._leave()))
        else:
            self.main.call_soon(self.leaving.set)

    async def ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """A client's request, from outside. Raises NoAnswer beside what the front desk raises."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def begin() -> None:
            task = self.main.create_task(work())
            task.add_done_callback(reply)

        def reply(task: asyncio.Task[T]) -> None:
            task.cancelled() or task.exception()  # nobody may be waiting for it any more
            post(self._site.world, partial(copy_result, task, answer))

        self.main.call_soon(begin)
        try:
            async with asyncio.timeout(PATIENCE):
                return await answer
        except TimeoutError:
            raise NoAnswer from None

    def began(self, job: Job, payload: Mapping[str, object]) -> int:
        return self._site.witness.began(self._site.payloads.run(self._running[job.id, job.round, job.attempt], payload))

    def ended(self, serial: int) -> None:
        self._site.witness.runs[serial].running = False

    def returned(self, serial: int, result: object) -> None:
        self._site.witness.runs[serial].returned = result

    def block(self, seconds: float) -> None:
        self._site.trace.fault("blocked loop", self.name, f"{seconds:.3f} s")
        self._loop.blocked_at = self.main.time()
        self._site.kernel.freeze([self.handlers], seconds)

    def die(self) -> None:
        self._site.trace.fault("killed by its handler", self.name)
        self.crash()

    def opens(self) -> bool:
        if not self._site.weather.harms("lifespan"):
            return True
        self._site.trace.fault("lifespan failed", self.name)
        return False

    def ignores(self, job: Job) -> None:
        self._deaf.add((job.id, job.round, job.attempt))

    def would_not_stop(self, job: JobRef) -> bool:
        """Whether its handler could not, or would not, hear that it shall stop."""
        return self.handlers.thaws_at is not None or (job.job_id, job.round, job.attempt) in self._deaf

    def _open(self) -> None:
        """What the daemon's composition root does, on simulated ports."""
        site, settings = self._site, self._site.settings
        health = ServiceHealth(self.clock, self._emit, (STORE, ARTIFACTS))
        queues: dict[str, JobQueue] = {
            service.name: BatchedSends(MonitoredQueue(SimQueue(service, self.link, self.clock, self.leases), health))
            for service in site.services
        }
        schedule = None if self.is_ancient else MonitoredSchedule(SimSchedule(site.index, self.link), health)
        ground = Dependencies(
            queues=queues,
            open_queue=partial(open_queue, site, self.link, self.clock, self.leases),
            rates=SimRates(site.rates, self.link),
            limits=SimLimits(site.limits, site.index, self.link),
            schedule=schedule or NO_SCHEDULE,
            schedule_state=ScheduleState(schedule, self.clock),
            unique_keys=open_unique_keys(site.store, self.link, health),
            store=MonitoredStore(self._open_store(), health),
            artifacts=MonitoredArtifacts(SimArtifacts(site.objects, self.link), health),
            in_hand=JobsInHand(self.clock),
            registry=site.new if self.modern else site.old,
            health=health,
            clock=self.clock,
            emit=self._emit,
            queue_control=QueueControl(self.clock, written=limits_of(settings.limits)),
        )
        waiters = Waiters(self.clock, lambda job_id: self.worker.holds(job_id))  # noqa: PLW0108 - the worker comes after its watch
        self.worker = open_worker(ground, settings, self._loop, name=self.name, on_settled=waiters.note_written)
        self.worker.executor.runs = InOrder()  # type: ignore[assignment]  # a set's order is not the seed's
        self.submitter, self.operator = open_jobs(ground, settings, waiters, self.worker)
        self._closers = (waiters.close,)
        if schedule is not None:
            self._start_sweeper(schedule, ground)
        self.worker.start()
        for service, check in ((STORE, ground.store.check), (ARTIFACTS, ground.artifacts.check)):
            loop = keep_running(service, Probe(service, check, health).run, self._emit)
            self._loops.append(self.main.create_task(loop))
        self._loops.append(self.main.create_task(self._watch_for_stuck()))

    def _open_store(self) -> SimStore:
        if self.is_ancient:
            started_marked = partial(leave_with_it, self._site, self.name, self.leave)
            return AncientStore(self._site.store, self.link, self.clock, started_marked)
        return SimStore(self._site.store, self.link, self._stands_still)

    def _start_sweeper(self, schedule: Schedule, ground: Dependencies) -> None:
        horizon = self._site.profile.horizon * 1000
        self.sweeper = open_sweeper(schedule, ground, self._site.settings, self.name, horizon, self._count_live)
        self._sweep = self.main.create_task(keep_running("sweep", self.sweeper.run, self._emit))

    def _count_live(self) -> int:
        """As the registry says, which workers from before it are not in."""
        others = self._site.witness.suspects.values()
        return sum(not other.is_dead and other.name not in self._site.debts.ancient for other in others)

    def _stands_still(self) -> bool:
        """Between the send of a hand-over and its unmark."""
        if (seconds := stall_of_hand_over(self._site, self.name)) is not None:
            self.freeze("freeze", seconds)
        return seconds is not None

    async def _watch_for_stuck(self) -> None:
        await self.worker.stuck.wait()
        self.leave()

    async def _leave(self) -> None:
        """What the daemon's life does at its end."""
        assert self.leaving is not None
        began, seconds = self._site.kernel.now, self._site.settings.worker.drain_timeout
        for close in self._closers:
            close()
        if self._sweep is not None:
            self.sweeper.stop()
        await self.worker.drain(seconds, self.leaving)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.worker.close()
        if self._sweep is not None and not self._sweep.done():
            await asyncio.wait([self._sweep], timeout=LAST_SWEEP)
            self._sweep.cancel()
            await asyncio.wait([self._sweep])
        self._exit(began)

    def _exit(self, began: float) -> None:
        site, now = self._site, self._site.kernel.now
        held = [run.job for run in self.worker.executor.runs]
        site.witness.exited(self, [job for job in held if self.would_not_stop(job)], now - began, now)
        left = [task for guest in (self.main, self.handlers) for task in guest.tasks]
        self.leaks = [repr(task.get_coro()) for task in left if task is not asyncio.current_task()]
        excused = site.profile.wild or (self.leaving is not None and self.leaving.is_set())
        excused = excused or bool(disturbed(self, began, now) or troubled(self, began - LOOK_BACK, now))
        if not excused:
            self._judge_what_is_left()
        self.kill("exit", Disturbance("exit", now, float("inf")) if excused else None)

    def _judge_what_is_left(self) -> None:
        """Who leaves unharmed gives back what it received, but for attempts whose handlers would not stop in time."""
        for message in (message for queue in self._site.queues for message in queue.held_by(self.name)):
            job_id, _, _ = job_of(message.letter.body)
            last = self._site.witness.last_of(self, job_id)
            if job_id is not None and not (last and last.deaf) and self.handlers.thaws_at is None:
                self._site.witness.accuse(self.name, "left without giving back", message.message_id, job_id)

    def _emit(self, event: Event) -> None:
        if self.is_dead:
            return
        now = self._site.kernel.now
        if not isinstance(event, QUIET):
            self._site.trace.note(self.name, event)
        self._site.witness.event(self, event, now)
        if isinstance(event, JobStarted):
            token = next((lease.token for lease in self.leases() if lease.job is event.job), "")
            self._running[event.job.job_id, event.job.round, event.job.attempt] = token
            self._site.pace.started(event.job, now)
            self._site.slots.started(self._site.witness.attempts.get(token), self._site.witness.runs.values(), now)

    def _swallowed(self, call: Request) -> None:
        self._site.witness.swallowed(self, call, self._site.kernel.now)
