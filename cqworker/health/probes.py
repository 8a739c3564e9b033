"""Asks the services that nobody asked lately: often while one is away, once a minute while all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cqworker.errors import Unavailable
from cqworker.events import DepthSeen, Emit
from cqworker.health.service_health import ServiceHealth
from cqworker.model.backoff import pauses
from cqworker.ports import JobQueue

EVERY = 60.0
SOON = 15.0
SHORTEST = 0.1


class Probe:
    """One service's question, asked when its answers are old or it is away."""

    def __init__(
        self, service: str, ask: Callable[[], Awaitable[None]], health: ServiceHealth, every: float = EVERY
    ) -> None:
        self._service = service
        self._ask = ask
        self._health = health
        self._every = every

    async def run(self) -> None:
        """Asks at once, then for ever."""
        while True:
            await self._ask_until_answered()
            while not self._health.is_away(self._service):
                if (left := self._every - self._health.seconds_since_success(self._service)) <= 0:
                    break
                await self._health.wait_until_away(self._service, max(SHORTEST, left))

    async def _ask_until_answered(self) -> None:
        for pause in pauses(first=0.5, cap=SOON):
            try:
                await self._ask()
            except Unavailable:
                await asyncio.sleep(pause)
            else:
                return


class DepthProbe:
    """Looks at a queue's depth and its dead letters': one call a minute for both, and none waits for the other."""

    def __init__(self, queues: tuple[JobQueue, ...], emit: Emit, every: float = EVERY) -> None:
        self._queues = queues
        self._emit = emit
        self._every = every

    async def run(self) -> None:
        """Each queue at once, so that a missing one is known at the start; then for ever."""
        await asyncio.gather(*(self._watch(queue) for queue in self._queues))

    async def _watch(self, queue: JobQueue) -> None:
        while True:
            await self._look(queue)
            await asyncio.sleep(self._every * len(self._queues))

    async def _look(self, queue: JobQueue) -> None:
        for pause in pauses(first=0.5, cap=SOON):
            try:
                depth = await queue.depth()
            except Unavailable:
                await asyncio.sleep(pause)
                continue
            self._emit(
                DepthSeen(queue=queue.name, visible=depth.visible, in_flight=depth.in_flight, delayed=depth.delayed)
            )
            return
