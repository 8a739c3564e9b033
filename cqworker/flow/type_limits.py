"""How many jobs of one type may run at once in this worker."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

from cqworker.flow.acknowledger import Hide
from cqworker.flow.capacity import Slot
from cqworker.flow.waiting import Condition
from cqworker.plugins.registry import Registry

TURN_TIMEOUT = 1.0
"""Seconds a message waits for its type's turn before it is given back, unclaimed and uncounted."""
SHORTEST, USUAL, LONGEST = 1.0, 5.0, 20.0
"""Seconds before such a message comes again: usually up to 5, more the more often it was received."""


class TypeLimits:
    """The `concurrency` of each type, where it has one.

    Messages that wait for their type's turn hold slots that others could use: no more than `most_waiting` of them do.
    """

    def __init__(self, registry: Registry, most_waiting: int, chance: Callable[[], float] = random.random) -> None:
        self._most_waiting = most_waiting
        self._chance = chance
        self._most = {
            handler.type: handler.concurrency
            for handler in registry.handlers.values()
            if handler.concurrency is not None
        }
        self._running: Counter[str] = Counter()
        self._waiting = 0
        self._changed = Condition()
        self._closed = False

    def close(self) -> None:
        """Nobody waits from now on: the worker stops."""
        self._closed = True
        self._changed.notify()

    async def admit(self, job_type: str, slot: Slot) -> bool:
        """Whether one more job of this type may run, until its slot is free again; waits a second for its turn."""
        most = self._most.get(job_type)
        if most is None:
            return True
        if not await self._wait_for_turn(job_type, most):
            return False
        self._running[job_type] += 1
        slot.when_free(partial(self._leave, job_type))
        return True

    def hide_until_turn(self, receive_count: int) -> Hide:
        """When a message that was not admitted comes again, spread by chance; at once in a drain."""
        if self._closed:
            return Hide(0.0)
        latest = max(USUAL, min(LONGEST, float(receive_count)))
        return Hide(SHORTEST + self._chance() * (latest - SHORTEST))

    async def _wait_for_turn(self, job_type: str, most: int) -> bool:
        def there_is_room() -> bool:
            return self._running[job_type] < most

        if there_is_room() or self._waiting >= self._most_waiting:
            return there_is_room()
        self._waiting += 1
        try:
            await self._changed.wait_for(lambda: self._closed or there_is_room(), TURN_TIMEOUT)
        finally:
            self._waiting -= 1
        return there_is_room() and not self._closed

    def _leave(self, job_type: str) -> None:
        self._running[job_type] -= 1
        self._changed.notify()
