"""What happened since the start, in a few numbers for a person who asks /status."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection
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
from cqworker.model.times import rfc3339
from cqworker.observe.known_types import KnownTypes
from cqworker.observe.safety import shorten

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


class Stats:
    """An observer that keeps counts by outcome and by type, and the last failures."""

    def __init__(self, types: Collection[str], clock: Clock) -> None:
        self._names = KnownTypes(types)
        self._clock = clock
        self._began_at = clock.now()
        self._began = clock.monotonic()
        self._by_type: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._failures: deque[dict[str, object]] = deque(maxlen=FAILURES)
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

    def snapshot(self) -> dict[str, object]:
        """JSON-able: since when, `uptime_seconds`, counts since then in all and `by_type`, the last failures first."""
        by_type = {name: dict(counts) for name, counts in sorted(self._by_type.copy().items())}
        return {
            "started_at": rfc3339(self._began_at),
            "uptime_seconds": round(self._clock.monotonic() - self._began, 3),
            "jobs": {name: sum(counts.get(name, 0) for counts in by_type.values()) for name in _COUNTED},
            "by_type": by_type,
            "last_failures": list(self._failures)[::-1],
        }

    def _started(self, event: JobStarted) -> None:
        self._by_type[self._names[event.job.type]]["started"] += 1

    def _settled(self, event: JobSettled) -> None:
        status = event.status
        self._by_type[self._names[event.job.type]][_ENDINGS[status]] += 1
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
        self._by_type[self._names[event.job.type]][name] += 1

    def _remember(self, event: JobEvent, status: Status, kind: FailureKind | None, message: str) -> None:
        self._failures.append(
            {
                "at": rfc3339(self._clock.now()),
                "job_id": event.job.job_id,
                "type": shorten(event.job.type, limit=MESSAGE_LIMIT),
                "attempt": event.job.attempt,
                "status": status.value,
                "kind": kind.value if kind else None,
                "message": shorten(message, limit=MESSAGE_LIMIT),
            }
        )
