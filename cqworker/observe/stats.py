"""What happened since the start, in a few numbers for a person who asks /status."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from operator import itemgetter
from typing import Any

from cqworker.clock import Clock
from cqworker.events import (
    Event,
    JobEvent,
    JobForestalled,
    JobHandedBack,
    JobLost,
    JobSettled,
    JobStarted,
    JobSubmitted,
    LeaseLost,
)
from cqworker.model.status import SETTLED, FailureKind, Status
from cqworker.model.timestamps import rfc3339
from cqworker.observe.sanitize import shorten
from cqworker.observe.type_labels import KnownTypes

FAILURES = 20
"""How many of the last failures are remembered."""
MESSAGE_LIMIT = 300
"""Bytes of a failure's message that are shown."""


def _ending(status: Status) -> str:
    """What an attempt that ended so is counted as."""
    match status:
        case Status.RETRYING:
            return "retried"
        case Status.SUCCEEDED | Status.FAILED | Status.CANCELLED:
            return status.lower()
        case Status.SCHEDULED | Status.BLOCKED | Status.QUEUED | Status.RUNNING:
            raise ValueError(f"no attempt ends in {status}")


_ENDINGS = {status: _ending(status) for status in SETTLED}
_COUNTED = ("submitted", "started", *_ENDINGS.values(), "handed_back", "leases_lost")
_FAILURES = frozenset({Status.FAILED, Status.RETRYING})


class Shelf:
    """What is kept of one tenant's jobs: counts by type and outcome, and the last failures, each with its number."""

    def __init__(self) -> None:
        self.by_type: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.failures: deque[tuple[int, dict[str, object]]] = deque(maxlen=FAILURES)


class Stats:
    """An observer that keeps, for each tenant apart, counts by outcome and by type, and the last failures.

    `tenants` are those that may ask, as the tokens name them; the jobs of all others, whom a message may invent, lie on
    one shelf, which only the operator of all is shown.
    """

    def __init__(self, types: Collection[str], clock: Clock, *, tenants: Collection[str] = ()) -> None:
        self._names = KnownTypes(types)
        self._clock = clock
        self._began_at = clock.now()
        self._began = clock.monotonic()
        self._shelves = {tenant: Shelf() for tenant in tenants}
        self._others = Shelf()
        self._number = count()
        self._acts: dict[type, Callable[[Any], None]] = {
            JobSubmitted: lambda event: self._count(event, "submitted"),
            JobStarted: self._started,
            JobSettled: self._settled,
            JobForestalled: self._forestalled,
            JobLost: self._lost,
            JobHandedBack: lambda event: self._count(event, "handed_back"),
            LeaseLost: lambda event: self._count(event, "leases_lost"),
        }

    def act_on(self, kind: type) -> Callable[[Any], None] | None:
        """What is done about events of this class; None where they change no number."""
        return self._acts.get(kind)

    def __call__(self, event: Event) -> None:
        act = self._acts.get(type(event))
        if act is not None:
            act(event)

    def snapshot(self, tenant: str | None = None) -> dict[str, object]:
        """JSON-able: since when, `uptime_seconds`, counts since then in all and `by_type`, the last failures first.

        They are those of this tenant's jobs; None is the operator of all.
        """
        shelves = self._seen_by(tenant)
        by_type = _added([shelf.by_type for shelf in shelves])
        failures = sorted((entry for shelf in shelves for entry in shelf.failures), key=itemgetter(0), reverse=True)
        return {
            "started_at": rfc3339(self._began_at),
            "uptime_seconds": round(self._clock.monotonic() - self._began, 3),
            "jobs": {name: sum(counts.get(name, 0) for counts in by_type.values()) for name in _COUNTED},
            "by_type": by_type,
            "last_failures": [failure for _, failure in failures[:FAILURES]],
        }

    def _seen_by(self, tenant: str | None) -> Sequence[Shelf]:
        if tenant is None:
            return (*self._shelves.values(), self._others)
        return (self._shelves[tenant],) if tenant in self._shelves else ()

    def _started(self, event: JobStarted) -> None:
        """As _count; every job has a start and an ending, and the call costs as much as the counting."""
        job = event.job
        shelf = self._shelves.get(job.tenant, self._others)
        shelf.by_type[self._names[job.type]]["started"] += 1

    def _settled(self, event: JobSettled) -> None:
        job, status = event.job, event.status
        shelf = self._shelves.get(job.tenant, self._others)
        shelf.by_type[self._names[job.type]][_ENDINGS[status]] += 1
        if status in _FAILURES:
            self._remember(event, status, event.kind, event.message or "")

    def _forestalled(self, event: JobForestalled) -> None:
        self._count(event, _ENDINGS[event.status])
        if event.status is Status.FAILED:
            self._remember(event, event.status, event.kind, "the last attempt never reported an ending")

    def _lost(self, event: JobLost) -> None:
        self._count(event, "failed")
        self._remember(event, Status.FAILED, FailureKind.LOST, "recovered from the dead-letter queue")

    def _count(self, event: JobEvent, name: str) -> None:
        job = event.job
        self._shelves.get(job.tenant, self._others).by_type[self._names[job.type]][name] += 1

    def _remember(self, event: JobEvent, status: Status, kind: FailureKind | None, message: str) -> None:
        failure = {
            "at": rfc3339(self._clock.now()),
            "job_id": event.job.job_id,
            "type": shorten(event.job.type, limit=MESSAGE_LIMIT),
            "attempt": event.job.attempt,
            "status": status.value,
            "kind": kind.value if kind else None,
            "message": shorten(message, limit=MESSAGE_LIMIT),
        }
        self._shelves.get(event.job.tenant, self._others).failures.append((next(self._number), failure))


def _added(counts: Sequence[Mapping[str, Counter[str]]]) -> dict[str, dict[str, int]]:
    """The counts of several by type, in the order of the types' names."""
    total: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for by_type in counts:
        for name, counted in tuple(by_type.items()):
            total[name].update(counted)
    return {name: dict(total[name]) for name in sorted(total)}
