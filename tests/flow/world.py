"""A world in memory for stories: cqworker/testing/world_in_memory.py, and what tests of the flow need beyond it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypedDict

from cqworker.clock import SystemClock
from cqworker.execution.handler_loop import HandlerLoop, ThreadedLoop
from cqworker.model.priorities import PriorityName
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.plugins.registry import registry_from
from cqworker.ports import Letter
from cqworker.settings import (
    ArtifactSettings,
    HandlerSettings,
    HttpSettings,
    QueueSettings,
    Settings,
    StoreSettings,
    WorkerSettings,
)
from cqworker.settings.limit_settings import LimitSettings
from cqworker.settings.settings import ListedStatus
from cqworker.testing import MemoryQueue, VirtualClock, in_virtual_time
from cqworker.testing.virtual_run import loop_of_hosts
from cqworker.testing.world_in_memory import DAY, WorldInMemory
from tests.flow.ports import BriskQueue
from tests.patience import scaled

__all__ = ["BRIEF", "DAY", "MAX_RECEIVES", "REAL", "VISIBILITY", "World", "loop_of_this_story", "story"]

VISIBILITY = 60
MAX_RECEIVES = 40
loop_of_this_story = loop_of_hosts


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
    return in_virtual_time(told)


class World(WorldInMemory):
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
        limits: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        priorities: Sequence[PriorityName] = (),
    ) -> None:
        self.is_real = real is not None
        periods = real or Periods(visibility_timeout=VISIBILITY, wait_time=20)
        named = QueueSettings(name="jobs", dead_letter_queue="dead", priorities=tuple(priorities), **periods)
        jobs = named.model_copy(update={"max_receive_count": max_receives})
        settings = Settings(
            queues=(jobs, *(QueueSettings(name=name, **periods) for name in more_queues)),
            worker=WorkerSettings(
                concurrency=concurrency, max_abandoned_handlers=max_abandoned_handlers, release=release
            ),
            store=StoreSettings(listed=tuple(listed)),
            artifacts=ArtifactSettings(inline_limit=inline_limit),
            http=HttpSettings(max_upload=max_upload),
            limits={key: LimitSettings(**said) for key, said in limits.items()},
        )
        super().__init__(
            settings,
            registry_from(handlers, types or HandlerSettings()),
            SystemClock() if self.is_real else VirtualClock(),
            BriskQueue if self.is_real else MemoryQueue,
        )

    @property
    def queue(self) -> MemoryQueue:
        return self.queues["jobs"]

    @property
    def dead(self) -> MemoryQueue:
        return self.queues["dead"]

    async def copy(self, job_id: str, **changed: Any) -> None:
        """Sends the job's message once more, as SQS may do by itself."""
        [body, *_] = [body for body in self.queue.bodies if job_id in body]
        await self.queue.send(Letter(body=body, **changed))

    async def until(self, job_id: str, *statuses: Status, patience: float = DAY) -> JobRecord:
        """As a world's; in real time the patience grows with the machine's slowness."""
        return await super().until(job_id, *statuses, patience=scaled(patience) if self.is_real else patience)

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

    def _open_loop(self) -> HandlerLoop:
        return ThreadedLoop() if self.is_real else super()._open_loop()
