"""The queues by name and level: those that this process is configured for, and any other that a record names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cqworker.jobs.refused_field import FieldRefused
from cqworker.model.priorities import level_of, level_queue, stored_priority
from cqworker.ports import JobQueue

MAX_OTHERS = 256
"""Other queues whose ports are remembered: a fleet has some tens, and a record may name anything."""
NO_LEVELS: Mapping[str, tuple[str, ...]] = {}
"""Where no queue has levels."""


class PriorityRefused(FieldRefused):
    """The queue has no such level; the text says which it has."""

    field = "priority"


class QueueDirectory:
    """`configured` are polled here; `open_other` makes the port of any other, to which messages are only sent.

    A job's message goes to the queue that its record names, and there to its level, whoever polls it, and never to
    another one. `levels` are the priorities of the queues that have some, by their names; `configured` has the ports of
    all of them.
    """

    def __init__(
        self,
        configured: Mapping[str, JobQueue],
        open_other: Callable[[str], JobQueue],
        levels: Mapping[str, tuple[str, ...]] = NO_LEVELS,
    ) -> None:
        of_levels = {level_queue(queue, priority) for queue in levels for priority in levels[queue]} - levels.keys()
        self.configured: Mapping[str, JobQueue] = {
            name: queue for name, queue in configured.items() if name not in of_levels
        }
        self._ports = configured
        self._levels = levels
        self._open_other = open_other
        self._others: dict[str, JobQueue] = {}

    def named(self, name: str, priority: str | None = None) -> JobQueue:
        """The queue of this name, at this level; whether there is one shows when something is sent to it."""
        if priority is not None:
            name = level_queue(name, priority)
        queue = self._ports.get(name) or self._others.get(name)
        if queue is None:
            while len(self._others) >= MAX_OTHERS:
                del self._others[next(iter(self._others))]
            queue = self._others[name] = self._open_other(name)
        return queue

    def priority_of(self, queue: str, asked: str | int | None) -> str | None:
        """The level that a job asks for, as it is stored; None: medium. Raises PriorityRefused where there is none.

        A queue that is not configured here may have levels elsewhere, which nobody knows here.
        """
        if asked is None:
            return None
        levels = self._levels.get(queue, ())
        level = level_of(asked, levels)
        if level is not None:
            return stored_priority(level)
        if not levels:
            raise PriorityRefused(
                f'The queue "{queue}" has no levels of priority here: leave priority out, or give the queue '
                "`priorities` in the settings and run `cqworker provision`."
            )
        raise PriorityRefused(
            f'The queue "{queue}" has no level {asked!r}: ask for {", ".join(levels)}, or for a number from 0 to 9, '
            "the most urgent."
        )
