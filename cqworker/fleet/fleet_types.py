"""Which job types the live workers of the fleet serve: a job of a type that only others know waits for them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.ports.fleet import Fleet

LOOK_SECONDS = 60.0
"""Seconds for which an answer of the registry is believed."""
MAX_LISTS = 256
"""Lists of types, one a deploy, that are remembered: they never change."""


def hash_of_types(types: Collection[str]) -> str:
    """The hash by which the fleet has this list of job types; empty for none."""
    return hashlib.sha256("\n".join(sorted(types)).encode()).hexdigest()[:16] if types else ""


class FleetTypes:
    """Asks the registry at most once a minute, and only for whoever met a type that nobody here serves."""

    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock
        self._lists: dict[str, frozenset[str]] = {}
        self._served: dict[str, frozenset[str]] = {}
        self._ask_at = clock.monotonic()

    async def is_served(self, job_type: str, queue: str) -> bool:
        """Whether some live worker that polls this queue serves the type.

        True while the registry does not answer: no job fails for want of an answer.
        """
        if self._clock.monotonic() >= self._ask_at:
            try:
                self._served = await self._read()
            except Unavailable:  # told by the health of its service
                return True
            self._ask_at = self._clock.monotonic() + LOOK_SECONDS
        return job_type in self._served.get(queue, ())

    async def _read(self) -> dict[str, frozenset[str]]:
        """The types by queue."""
        now = self._clock.now()
        alive = [member.heartbeat for member in await self._fleet.members() if member.heartbeat.is_alive(now)]
        for key in {said.types for said in alive} - self._lists.keys() - {""}:
            while len(self._lists) >= MAX_LISTS:
                del self._lists[next(iter(self._lists))]
            if types := await self._fleet.types(key):
                self._lists[key] = types
        served: dict[str, frozenset[str]] = {}
        for said in alive:
            for queue in said.queues:
                served[queue] = served.get(queue, frozenset()) | self._lists.get(said.types, frozenset())
        return served
