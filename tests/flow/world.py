"""A world in memory for stories: queues, store, artifacts, hosts with workers and desks, all on virtual time."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from typing import Any, TypedDict, TypeVar

from cqworker.clock import Clock, SystemClock
from cqworker.events import Event
from cqworker.events.loop_events import HandlerLoopProbed, MainLoopProbed
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.flow.schedule_state import ScheduleState
from cqworker.flow.supervised_loop import keep_running
from cqworker.health.monitored_ports import MonitoredArtifacts, MonitoredQueue, MonitoredSchedule, MonitoredStore
from cqworker.health.probes import Probe
from cqworker.health.service_health import STORE, ServiceHealth
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submit import Accepted, Submission
from cqworker.jobs.waiters import Waiters
from cqworker.model.record import JobRecord
from cqworker.model.status import FINAL, Status
from cqworker.plugins.registry import Registry, registry_from
from cqworker.ports import Letter
from cqworker.scheduling.sweeper import Sweeper
from cqworker.settings import (
    ArtifactSettings,
    HandlerSettings,
    HttpSettings,
    QueueSettings,
    Settings,
    StoreSettings,
    WorkerSettings,
)
from cqworker.settings.settings import ListedStatus
from cqworker.testing import MemoryArtifacts, MemoryQueue, VirtualClock
from cqworker.testing.memory_schedule import MemorySchedule
from cqworker.testing.same_loop import SameLoop
from cqworker.worker.assembly import Dependencies, open_worker
from cqworker.worker.worker import Worker
from tests.flow.faults import FaultyArtifacts, FaultyQueue, FaultySchedule, FaultyStore
from tests.flow.host import Host
from tests.flow.hosts import HOST, HostLoop
from tests.flow.ports import BriskQueue, ToldStore
from tests.patience import scaled

E = TypeVar("E")
VISIBILITY = 60
MAX_RECEIVES = 40
DAY = 86_400.0


class Periods(TypedDict):
    """The times of a queue in seconds."""

    visibility_timeout: int
    wait_time: int


REAL = Periods(visibility_timeout=30, wait_time=1)
"""For tests in real time: a lease that no pause of a busy machine outlasts."""
BRIEF = Periods(visibility_timeout=4, wait_time=1)
"""For those that show a lease being kept."""


def story(told: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine, run in virtual time."""

    @functools.wraps(told)
    def run(*args: Any, **kwargs: Any) -> None:
        async def tell() -> None:
            try:
                await told(*args, **kwargs)
            finally:
                await loop_of_this_story().bury()

        with asyncio.Runner(loop_factory=HostLoop) as runner:
            runner.run(tell())

    del run.__wrapped__  # pytest would see the coroutine function behind it
    run.__signature__ = inspect.signature(told)  # type: ignore[attr-defined]  # but it needs the parameters
    return run


def loop_of_this_story() -> HostLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HostLoop)
    return loop


class World:
    """Everything a story needs; make it inside the story. `real` periods are for tests of threads and processes."""

    def __init__(
        self,
        handlers: Mapping[str, Callable[..., Any]],
        *,
        concurrency: int = 32,
        max_abandoned_handlers: int = 8,
        types: HandlerSettings | None = None,
        inline_limit: int = 4096,
        max_upload: int = 33_554_432,
        max_receives: int = MAX_RECEIVES,
        more_queues: Sequence[str] = (),
        real: Periods | None = None,
        listed: Sequence[ListedStatus] = (Status.FAILED,),
        release: str | None = None,
    ) -> None:
        self.clock = VirtualClock() if real is None else SystemClock()
        self.is_real = real is not None
        periods = real or Periods(visibility_timeout=VISIBILITY, wait_time=20)
        jobs = QueueSettings(name="jobs", dead_letter_queue="dead", max_receive_count=max_receives, **periods)
        self.settings = Settings(
            queues=(jobs, *(QueueSettings(name=name, **periods) for name in more_queues)),
            worker=WorkerSettings(
                concurrency=concurrency, max_abandoned_handlers=max_abandoned_handlers, release=release
            ),
            store=StoreSettings(listed=tuple(listed)),
            artifacts=ArtifactSettings(inline_limit=inline_limit),
            http=HttpSettings(max_upload=max_upload),
        )
        self.registry = registry_from(handlers, types or HandlerSettings())
        new = BriskQueue if self.is_real else MemoryQueue
        self.dead = new("dead", self.clock)
        self.queue = new("jobs", self.clock, dead_letters=self.dead, max_receive_count=max_receives)
        more = {name: new(name, self.clock) for name in more_queues}
        self.queues = {"jobs": self.queue, "dead": self.dead, **more}
        self.store = ToldStore(self.clock)
        self.schedule = MemorySchedule(self.store)
        self.artifacts = MemoryArtifacts()
        self.events: list[Event] = []
        self.hosts: dict[str, Host] = {}
        self.office = self._open("office", self.registry, self.clock)

    def start(
        self,
        name: str = "w1",
        *,
        registry: Registry | None = None,
        skew: int = 0,
        before: Callable[[Host], object] = lambda _: None,
    ) -> Host:
        """A host with a worker at work, its wall clock `skew` ms ahead; `before` may spoil its lines first."""
        host = self._open(name, registry or self.registry, VirtualClock(skew=skew) if skew else self.clock)
        self.hosts[name] = host
        before(host)
        context = copy_context()
        context.run(HOST.set, name)
        context.run(self._set_to_work, host)
        return host

    def freeze(self, name: str) -> None:
        loop_of_this_story().freeze(name)

    def thaw(self, name: str) -> None:
        loop_of_this_story().thaw(name)

    def kill(self, name: str) -> None:
        """Nothing of this host happens any more, as after SIGKILL."""
        loop_of_this_story().freeze(name)
        del self.hosts[name]

    @property
    def operator(self) -> OperatorActions:
        return self.office.operator

    async def submit(self, job_type: str, payload: str = "{}", **more: Any) -> str:
        return (await self.accept(job_type, payload, **more)).record.job_id

    async def accept(self, job_type: str, payload: str = "{}", **more: Any) -> Accepted:
        return await self.office.submitter.submit(Submission(type=job_type, payload=payload, **more))

    async def copy(self, job_id: str, **changed: Any) -> None:
        """Sends the job's message once more, as SQS may do by itself."""
        [body, *_] = [body for body in self.queue.bodies if job_id in body]
        await self.queue.send(Letter(body=body, **changed))

    def other_queue(self, name: str) -> MemoryQueue:
        """A queue that no host here polls; it is there from when something is sent to it."""
        return self.queues.setdefault(name, MemoryQueue(name, self.clock))

    def record(self, job_id: str) -> JobRecord:
        return self.store.records[job_id]

    async def until(self, job_id: str, *statuses: Status, patience: float = DAY) -> JobRecord:
        """The record once it has one of these statuses; every final one when none is named."""

        async with asyncio.timeout(scaled(patience) if self.is_real else patience):
            while (record := self.store.records.get(job_id)) is None or record.status not in (statuses or FINAL):
                await self.store.written()
        return record

    async def until_true(self, holds: Callable[[], object], patience: float = DAY) -> None:
        """Looks often at first, and after a day twice a minute: a story may last long."""
        began = self.clock.monotonic()
        while not holds():
            waited = self.clock.monotonic() - began
            assert waited < (scaled(patience) if self.is_real else patience), (
                f"waited {waited} s in vain; {self.store.records}"
            )
            await asyncio.sleep(max(0.01, min(1.0, waited / 100), waited / 3600))

    async def until_empty(self, patience: float = DAY) -> None:
        """Returns once no message is left in any queue that jobs are sent to."""
        await self.until_true(lambda: not any(queue.bodies for queue in self.queues.values()), patience)

    async def stop(self, seconds: float = 25.0) -> None:
        await asyncio.gather(*(host.drain(seconds) for host in self.hosts.values()))

    def seen(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def _open(self, name: str, registry: Registry, clock: Clock) -> Host:
        events: list[Event] = []

        def emit(event: Event) -> None:
            if not isinstance(event, HandlerLoopProbed | MainLoopProbed):
                events.append(event)
                self.events.append(event)

        health = ServiceHealth(clock, emit, ())
        store, artifacts = FaultyStore(self.store), FaultyArtifacts(self.artifacts)
        schedule = MonitoredSchedule(FaultySchedule(self.schedule, store), health)
        queues = {queue: FaultyQueue(port) for queue, port in self.queues.items()}
        ground = Dependencies(
            queues={queue: MonitoredQueue(port, health) for queue, port in queues.items()},
            open_queue=lambda queue: FaultyQueue(self.other_queue(queue)),
            schedule=schedule,
            schedule_state=ScheduleState(schedule, clock),
            store=MonitoredStore(store, health),
            artifacts=MonitoredArtifacts(artifacts, health),
            registry=registry,
            health=health,
            clock=clock,
            emit=emit,
        )
        workers: list[Worker] = []
        return Host(
            name=name,
            store=store,
            queues=queues,
            artifacts=artifacts,
            waiters=Waiters(clock, lambda job_id: any(worker.holds(job_id) for worker in workers)),
            ground=ground,
            settings=self.settings,
            events=events,
            workers=workers,
        )

    def _sweeper_of(self, host: Host) -> Sweeper:
        return host.sweeper

    def _set_to_work(self, host: Host) -> None:
        ground = host.ground
        loop = ThreadedLoop() if self.is_real else SameLoop()
        host.workers.append(
            open_worker(ground, host.settings, loop, name=host.name, on_settled=host.waiters.note_written)
        )
        check = Probe(STORE, ground.store.check, ground.health)
        host.loops.append(asyncio.get_running_loop().create_task(keep_running("check", check.run, ground.emit)))
        host.loops.append(
            asyncio.get_running_loop().create_task(keep_running("sweep", self._sweeper_of(host).run, ground.emit))
        )
        host.worker.start()
