"""A world in memory for stories: queues, store, artifacts, workers and a desk, all on virtual time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from cqworker.events import Event
from cqworker.flow.desk import Desk
from cqworker.flow.health import Health
from cqworker.flow.staffing import Ground, open_worker
from cqworker.flow.submit import Accepted, Submission, Submitter
from cqworker.flow.watch import Watch
from cqworker.flow.worker import Worker
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.plugins.registry import registry_from
from cqworker.ports import JobQueue, JobStore
from cqworker.settings import ArtifactSettings, HandlerSettings, QueueSettings, Settings, WorkerSettings
from cqworker.testing import MemoryArtifacts, MemoryQueue, MemoryStore, VirtualClock, run_virtually
from cqworker.testing.loop import SameLoop

VISIBILITY = 60
MAX_RECEIVES = 40
RETENTION = 30 * 86_400


def story(told: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine, run in virtual time."""

    @functools.wraps(told)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtually(lambda: told(*args, **kwargs))

    del run.__wrapped__  # type: ignore[attr-defined]  # pytest would see the coroutine function behind it
    return run


class World:
    """Everything a story needs; make it inside the story."""

    def __init__(
        self,
        handlers: Mapping[str, Callable[..., Any]],
        *,
        concurrency: int = 32,
        types: HandlerSettings | None = None,
        inline_limit: int = 4096,
    ) -> None:
        self.clock = VirtualClock()
        self.settings = Settings(
            queues=(QueueSettings(name="jobs", dead_letter_queue="dead", visibility_timeout=VISIBILITY),),
            worker=WorkerSettings(concurrency=concurrency),
            artifacts=ArtifactSettings(inline_limit=inline_limit),
        )
        self.registry = registry_from(handlers, types or HandlerSettings())
        self.dead = MemoryQueue("dead", self.clock)
        self.queue = MemoryQueue("jobs", self.clock, dead_letters=self.dead, max_receive_count=MAX_RECEIVES)
        self.store = MemoryStore(self.clock)
        self.artifacts = MemoryArtifacts()
        self.events: list[Event] = []
        self.workers: dict[str, Worker] = {}

    def ground(self, queue: JobQueue | None = None, store: JobStore | None = None) -> Ground:
        return Ground(
            queues={"jobs": queue or self.queue, "dead": self.dead},
            store=store or self.store,
            artifacts=self.artifacts,
            registry=self.registry,
            health=Health(self.clock, self.events.append, ()),
            clock=self.clock,
            emit=self.events.append,
        )

    def start(self, name: str = "w1", *, queue: JobQueue | None = None, store: JobStore | None = None) -> Worker:
        """A worker at work; `queue` and `store` may be worse than the world's own."""
        worker = open_worker(self.ground(queue, store), self.settings, SameLoop(), name=name, seen=lambda _: None)
        worker.start()
        self.workers[name] = worker
        return worker

    @property
    def submitter(self) -> Submitter:
        return Submitter(
            self.registry,
            {"jobs": self.queue},
            self.store,
            self.artifacts,
            self.clock,
            self.events.append,
            inline_limit=self.settings.artifacts.inline_limit,
            retention=RETENTION,
        )

    @property
    def desk(self) -> Desk:
        watch = Watch(self.clock, lambda _: False)
        return Desk(self.store, {"jobs": self.queue}, watch, self.clock, self.events.append, retention=RETENTION)

    async def submit(self, job_type: str, payload: str = "{}", **more: Any) -> str:
        return (await self.accept(job_type, payload, **more)).record.job_id

    async def accept(self, job_type: str, payload: str = "{}", **more: Any) -> Accepted:
        return await self.submitter.submit(Submission(type=job_type, payload=payload, **more))

    def record(self, job_id: str) -> JobRecord:
        return self.store.records[job_id]

    async def until(self, job_id: str, *statuses: Status, patience: float = 86_400) -> JobRecord:
        """The record once it has one of these statuses; every final one when none is named."""
        wanted = statuses or tuple(status for status in Status if status.is_final)

        async def reached() -> bool:
            record = self.store.records.get(job_id)
            return record is not None and record.status in wanted

        await self.until_true(reached, patience)
        return self.record(job_id)

    async def until_true(self, holds: Callable[[], Awaitable[bool]], patience: float = 86_400) -> None:
        deadline = self.clock.monotonic() + patience
        while not await holds():
            assert self.clock.monotonic() < deadline, f"waited {patience} s in vain; {self.store.records}"
            await asyncio.sleep(0.05)

    async def until_empty(self, patience: float = 86_400) -> None:
        """Returns once no message is left in the queue."""

        async def is_empty() -> bool:
            return not self.queue.bodies

        await self.until_true(is_empty, patience)

    async def stop(self, seconds: float = 25.0) -> None:
        for worker in self.workers.values():
            await worker.drain(seconds, asyncio.Event())
            await worker.close()

    def seen(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
