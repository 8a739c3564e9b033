"""The fleet from Python: who works, one worker to rest or to leave, one queue or limit to stand still for a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cqworker.client.job_types import View
from cqworker.client.transport import LimitChange, QueueChange, Transport
from cqworker.errors import SubmissionRefused
from cqworker.fleet.fleet_counts import MAX_DAYS
from cqworker.model.tenants import DEFAULT_TENANT
from cqworker.model.timestamps import seconds_of


class FleetClient:
    """What `client.fleet` offers; answers are as GET /workers, GET /queues and GET /limits show them.

    Over HTTP it takes a token with the scope operate that is no single tenant's. Every method raises CqworkerErrors:
    WorkerNotFound, UnknownQueue, PauseRefused, LimitRefused, and those of the client.
    """

    def __init__(self, transport: Callable[[], Transport]) -> None:
        self._transport = transport

    async def workers(self) -> Sequence[View]:
        """The workers of the fleet, by name."""
        return await self._transport().workers()

    async def counts(self, *, days: int = 1) -> View:
        """How many jobs of each type ended how, and run, as GET /workers/counts has it.

        `days` (1 to 31): for how many the counts of removed workers are shown. Raises SubmissionRefused for others.
        """
        if not 1 <= days <= MAX_DAYS:
            raise SubmissionRefused(f"`days` must be a whole number from 1 to {MAX_DAYS}.")
        return await self._transport().count_fleet(days)

    async def quiet(self, worker: str) -> View:
        """The worker receives nothing more; what it runs is finished."""
        return await self._transport().order_worker(worker, "quiet")

    async def resume(self, worker: str) -> View:
        """The worker receives again."""
        return await self._transport().order_worker(worker, "resume")

    async def drain(self, worker: str) -> View:
        """The worker finishes and leaves with exit code 0, as SIGTERM has it."""
        return await self._transport().order_worker(worker, "drain")

    async def queues(self) -> Sequence[View]:
        """How the queues stand, by name."""
        return await self._transport().queues()

    async def pause_queue(
        self,
        queue: str,
        *,
        lasts: float | timedelta | None = None,
        until: datetime | None = None,
        reason: str = "",
    ) -> View:
        """Nothing more is received from the queue until then, or for so long (s or a timedelta): 24 hours at most."""
        return await self._change("pause", queue, lasts, until, reason)

    async def drain_queue(
        self,
        queue: str,
        *,
        lasts: float | timedelta | None = None,
        until: datetime | None = None,
        reason: str = "",
    ) -> View:
        """The queue takes no new jobs until then, for so long, or until it is resumed; workers go on."""
        return await self._change("drain", queue, lasts, until, reason)

    async def resume_queue(self, queue: str, *, reason: str = "") -> View:
        """The queue runs as usual."""
        return await self._change("resume", queue, None, None, reason)

    async def limits(self) -> Sequence[View]:
        """How the limits stand, by key."""
        return await self._transport().limits()

    async def limit(self, key: str, *, tenant: str = DEFAULT_TENANT) -> View:
        """How the limit of a key stands: "type:…", "queue:…", "tenant:…", or "key:…" of this tenant."""
        return await self._transport().limit(key, tenant)

    async def set_limit(  # noqa: PLR0913 - what a limit may say, by name
        self,
        key: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
        burst: int | None = None,
        lasts: float | timedelta | None = None,
        until: datetime | None = None,
        reason: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> View:
        """Limits a key otherwise than the files say: so many at once, so often ("100/s"), until then or resumed."""
        limit = LimitChange("set", tenant, concurrency, rate, burst, until, _seconds(lasts, until), reason)
        return await self._transport().change_limit(key, limit)

    async def pause_limit(
        self,
        key: str,
        *,
        lasts: float | timedelta | None = None,
        until: datetime | None = None,
        reason: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> View:
        """No job of the key starts until then, or for so long (s or a timedelta): 24 hours at most."""
        limit = LimitChange("pause", tenant, until=until, seconds=_seconds(lasts, until), reason=reason)
        return await self._transport().change_limit(key, limit)

    async def resume_limit(self, key: str, *, reason: str = "", tenant: str = DEFAULT_TENANT) -> View:
        """The key is limited as the files say: a pause ends, and whatever was set."""
        return await self._transport().change_limit(key, LimitChange("resume", tenant, reason=reason))

    async def _change(
        self, act: str, queue: str, lasts: float | timedelta | None, until: datetime | None, reason: str
    ) -> View:
        seconds = _seconds(lasts, until)
        return await self._transport().change_queue(queue, QueueChange(act, until, seconds, reason))


def _seconds(lasts: float | timedelta | None, until: datetime | None) -> int | None:
    """The span in whole seconds. Raises SubmissionRefused where two ends are given, or one without its zone."""
    if lasts is not None and until is not None:
        raise SubmissionRefused("Give either `lasts` or `until`, not both.")
    if until is not None and until.tzinfo is None:
        raise SubmissionRefused("`until` needs its zone: datetime(…, tzinfo=UTC).")
    return None if lasts is None else math.ceil(seconds_of(lasts))
