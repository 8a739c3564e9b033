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
from cqworker.observe.type_labels import TypeLabels

MAX_FAILURES = 20
"""How many of the last failures are remembered."""
MESSAGE_LIMIT = 300
"""Bytes of a failure's message that are shown."""


def _ending_name(status: Status) -> str:
    """What an attempt that ended so is counted as."""
    match status:
        case Status.RETRYING:
            return "retried"
        case Status.SUCCEEDED | Status.FAILED | Status.CANCELLED:
            return status.lower()
        case Status.SCHEDULED | Status.BLOCKED | Status.QUEUED | Status.RUNNING:
            raise ValueError(f"no attempt ends in {status}")


_ENDINGS = {status: _ending_name(status) for status in SETTLED}
_COUNTS = ("submitted", "started", *_ENDINGS.values(), "handed_back", "leases_lost")
_REMEMBERED = frozenset({Status.FAILED, Status.RETRYING})


class TenantStats:
    """One tenant's counts by type and outcome, and its last failures, each with a number that orders them."""

    def __init__(self) -> None:
        self.by_type: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.failures: deque[tuple[int, dict[str, object]]] = deque(maxlen=MAX_FAILURES)


class Stats:
    """An observer that keeps, for each tenant apart, counts by outcome and by type, and the last failures.

    `tenants` are those that may ask, as the tokens name them; the jobs of all others, whom a message may invent, are
    counted together, which only the operator of all is shown.
    """

    def __init__(self, types: Collection[str], clock: Clock, *, tenants: Collection[str] = ()) -> None:
        self._labels = TypeLabels(types)
        self._clock = clock
        self._began_at = clock.now()
        self._began = clock.monotonic()
        self._tenants = {tenant: TenantStats() for tenant in tenants}
        self._others = TenantStats()
        self._number = count()
        self._actions: dict[type, Callable[[Any], None]] = {
            JobSubmitted: lambda event: self._count(event, "submitted"),
            JobStarted: self._count_start,
            JobSettled: self._count_settle,
            JobForestalled: self._count_forestall,
            JobLost: self._count_loss,
            JobHandedBack: lambda event: self._count(event, "handed_back"),
            LeaseLost: lambda event: self._count(event, "leases_lost"),
        }

    def action_on(self, kind: type) -> Callable[[Any], None] | None:
        """What is done about events of this class; None where they change no number."""
        return self._actions.get(kind)

    def __call__(self, event: Event) -> None:
        action = self._actions.get(type(event))
        if action is not None:
            action(event)

    def snapshot(self, tenant: str | None = None) -> dict[str, object]:
        """JSON-able: since when, `uptime_seconds`, counts since then in all and `by_type`, the last failures first.

        They are those of this tenant's jobs; None is the operator of all.
        """
        shown = self._visible_to(tenant)
        by_type = _sum_by_type([tenant_stats.by_type for tenant_stats in shown])
        failures = sorted(
            (entry for tenant_stats in shown for entry in tenant_stats.failures),
            key=itemgetter(0),
            reverse=True,
        )
        return {
            "started_at": rfc3339(self._began_at),
            "uptime_seconds": round(self._clock.monotonic() - self._began, 3),
            "jobs": {name: sum(counts.get(name, 0) for counts in by_type.values()) for name in _COUNTS},
            "by_type": by_type,
            "last_failures": [failure for _, failure in failures[:MAX_FAILURES]],
        }

    def counts_by_type(self) -> dict[str, dict[str, int]]:
        """The counts of all tenants' jobs by type and outcome, since the start."""
        return _sum_by_type([tenant_stats.by_type for tenant_stats in self._visible_to(None)])

    def _visible_to(self, tenant: str | None) -> Sequence[TenantStats]:
        if tenant is None:
            return (*self._tenants.values(), self._others)
        return (self._tenants[tenant],) if tenant in self._tenants else ()

    def _count_start(self, event: JobStarted) -> None:
        """As _count, without its call: every job has a start and an ending, and it costs as much as the counting."""
        job = event.job
        tenant_stats = self._tenants.get(job.tenant, self._others)
        tenant_stats.by_type[self._labels[job.type]]["started"] += 1

    def _count_settle(self, event: JobSettled) -> None:
        job, status = event.job, event.status
        tenant_stats = self._tenants.get(job.tenant, self._others)
        tenant_stats.by_type[self._labels[job.type]][_ENDINGS[status]] += 1
        if status in _REMEMBERED:
            self._remember(event, status, event.kind, event.message or "")

    def _count_forestall(self, event: JobForestalled) -> None:
        self._count(event, _ENDINGS[event.status])
        if event.status is Status.FAILED:
            self._remember(event, event.status, event.kind, "the last attempt never reported an ending")

    def _count_loss(self, event: JobLost) -> None:
        self._count(event, "failed")
        self._remember(event, Status.FAILED, FailureKind.LOST, "recovered from the dead-letter queue")

    def _count(self, event: JobEvent, name: str) -> None:
        job = event.job
        self._tenants.get(job.tenant, self._others).by_type[self._labels[job.type]][name] += 1

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
        self._tenants.get(event.job.tenant, self._others).failures.append((next(self._number), failure))


def _sum_by_type(counts: Sequence[Mapping[str, Counter[str]]]) -> dict[str, dict[str, int]]:
    """The counts of several by type, in the order of the types' names."""
    total: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for by_type in counts:
        for name, counted in tuple(by_type.items()):
            total[name].update(counted)
    return {name: dict(total[name]) for name in sorted(total)}
