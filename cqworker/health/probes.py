"""Probes the services that no call used lately: often while one is away, once a minute while all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cqworker.errors import Unavailable
from cqworker.events import DepthMeasured, Emit
from cqworker.health.service_health import ServiceHealth
from cqworker.model.backoff import retry_pauses
from cqworker.ports import JobQueue

PROBE_SECONDS = 60.0
"""Seconds between two probes of a service that answers nothing else: a call a minute costs nothing worth saving."""
MAX_RETRY_SECONDS = 15.0
"""Seconds between two probes of a service that is away, at most: how late its return may be noticed."""
MIN_WAIT_SECONDS = 0.1
"""Seconds of a wait at least, so that rounding never makes a busy loop."""


class Probe:
    """One service's probe, made when its last answer is `every` seconds old, or while it is away."""

    def __init__(
        self, service: str, ask: Callable[[], Awaitable[None]], health: ServiceHealth, every: float = PROBE_SECONDS
    ) -> None:
        self._service = service
        self._ask = ask
        self._health = health
        self._every = every

    async def run(self) -> None:
        """Probes at once, then for ever; pauses grow from 0.5 s to MAX_RETRY_SECONDS while the service is away."""
        while True:
            await self._ask_until_answered()
            while not self._health.is_away(self._service):
                if (left := self._every - self._health.seconds_since_success(self._service)) <= 0:
                    break
                await self._health.wait_until_away(self._service, max(MIN_WAIT_SECONDS, left))

    async def _ask_until_answered(self) -> None:
        for pause in retry_pauses(first=0.5, cap=MAX_RETRY_SECONDS):
            try:
                await self._ask()
            except Unavailable:
                await asyncio.sleep(pause)
            else:
                return


class DepthProbe:
    """Reads the depth of a queue and of its dead letters: one call in `every` seconds for both, independently."""

    def __init__(self, queues: tuple[JobQueue, ...], emit: Emit, every: float = PROBE_SECONDS) -> None:
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
        for pause in retry_pauses(first=0.5, cap=MAX_RETRY_SECONDS):
            try:
                depth = await queue.depth()
            except Unavailable:
                await asyncio.sleep(pause)
                continue
            self._emit(
                DepthMeasured(queue=queue.name, visible=depth.visible, in_flight=depth.in_flight, delayed=depth.delayed)
            )
            return
