"""Who of a waiting list cannot be sent now, and is passed over for a while."""

from __future__ import annotations

from cqworker.clock import Clock
from cqworker.ports.limits import Waiter

ASIDE_FOR = 30.0
"""Seconds for which a queue that takes nothing, or a job that cannot be sent, is let be: less than between sweeps."""
MAX_ASIDE = 10_000
"""Jobs, and keys, that are remembered: some 200 bytes each."""


class SetAside:
    """Jobs that could not be sent, by what hindered them: their queue, or they themselves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hindrances: dict[str, str] = {}
        self._until: dict[str, float] = {}
        self._passed: dict[str, tuple[Waiter, float]] = {}

    def add(self, job_id: str, hindrance: str) -> None:
        """This job could not be sent: nobody whom the same hinders is tried for a while."""
        self.note(job_id, hindrance)
        _forget_first(self._until)
        self._until[hindrance] = self._clock.monotonic() + ASIDE_FOR

    def note(self, job_id: str, hindrance: str) -> None:
        """What may hinder this job."""
        if self._hindrances.pop(job_id, None) is None:
            _forget_first(self._hindrances)
        self._hindrances[job_id] = hindrance

    def hinders(self, hindrance: str) -> bool:
        """Whether it hindered somebody a moment ago."""
        return self._until.get(hindrance, 0.0) > self._clock.monotonic()

    def has(self, job_id: str) -> bool:
        """Whether this job would be tried in vain."""
        hindrance = self._hindrances.get(job_id)
        return hindrance is not None and self.hinders(hindrance)

    def start_of(self, key: str) -> Waiter | None:
        """Up to whom on the list of this key all are set aside; None: nobody is known to be."""
        last, until = self._passed.get(key, (None, 0.0))
        return last if until > self._clock.monotonic() else None

    def pass_over(self, key: str, last: Waiter) -> None:
        """All up to this one are set aside: for a while the list is read from there."""
        until = self._clock.monotonic() + ASIDE_FOR if (known := self._passed.pop(key, None)) is None else known[1]
        _forget_first(self._passed)
        self._passed[key] = last, until

    def begin(self, key: str) -> None:
        """The list is read from its beginning."""
        self._passed.pop(key, None)


def _forget_first(known: dict[str, str] | dict[str, float] | dict[str, tuple[Waiter, float]]) -> None:
    while len(known) >= MAX_ASIDE:
        del known[next(iter(known))]
