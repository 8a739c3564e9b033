"""The queues by name: those that this process is configured for, and any other that a record names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cqworker.ports import JobQueue

MAX_OTHERS = 256
"""Other queues whose ports are remembered: a fleet has some tens, and a record may name anything."""


class QueueDirectory:
    """`configured` are polled here; `open_other` makes the port of any other, to which messages are only sent.

    A job's message goes to the queue that its record names, whoever polls it, and never to another one.
    """

    def __init__(self, configured: Mapping[str, JobQueue], open_other: Callable[[str], JobQueue]) -> None:
        self.configured = configured
        self._open_other = open_other
        self._others: dict[str, JobQueue] = {}

    def named(self, name: str) -> JobQueue:
        """The queue of this name; whether there is one shows when something is sent to it."""
        queue = self.configured.get(name) or self._others.get(name)
        if queue is None:
            while len(self._others) >= MAX_OTHERS:
                del self._others[next(iter(self._others))]
            queue = self._others[name] = self._open_other(name)
        return queue
