"""An operation at work: the job behind it, which goes on from its own progress wherever an attempt ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.errors import NotAllowedNow, Unavailable
from cqworker.events import Emit
from cqworker.events.operation_events import OperationStopped
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operation_sample import Sample
from cqworker.jobs.operation_source import Pace, Source
from cqworker.jobs.operator_actions import MAX_TRIES, OperatorActions
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.model.operations import OPERATION_TYPE, Act, Operation, Refusal, Tally, tally_of
from cqworker.model.record import JobRecord
from cqworker.plugins.handler import Reject, Snooze, handler
from cqworker.plugins.job import Job
from cqworker.plugins.loaded_handlers import Handler, Origin, read_handler
from cqworker.plugins.registry import Registry
from cqworker.ports import JobStore
from cqworker.ports.operations import Operations
from cqworker.ports.schedule import Schedule

BEGIN_AFTER = 5
"""Seconds from the asking to the first job, for clocks that differ: what is retried ends again later than it was asked,
by whichever clock, and so is none of the operation's business any more. An index has caught up by then, too."""
WORK_FOR = 600.0
"""Seconds after which an operation hands itself back and goes on, on whichever worker: no deploy waits for it."""
WRITTEN_AFTER = 3.0
"""Seconds in which a report is surely written with a renewal: a second's rest, a second's tick, and the answer."""
ASKED_WITHIN_MS = 60_000
"""Milliseconds in which what was asked for is written down; a job without that was sent by somebody else."""
GROUPS = 5
"""Groups of jobs a second, each under way together, so that they share requests."""
TIMEOUT = 3600.0
"""Seconds of an attempt, well over WORK_FOR."""
ATTEMPTS = 100
"""Attempts that may die; no other counts, and what one did in its last two seconds is looked at again, no more."""
AT_ONCE = 4
"""Operations that one worker runs at once."""
SKIPPED = "skipped"
"""The end of a job that has changed since it was found."""
DONE = "done"
"""The end of a job to which it was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationServices:
    """What operations work with."""

    operations: Operations
    lists: JobLists
    schedule: Schedule
    store: JobStore
    operator: OperatorActions
    queues: QueueDirectory
    clock: Clock
    emit: Emit


class OperationWork:
    """Does what operations ask for. Every act is conditional on the job as it was read: repeating one is harmless."""

    def __init__(self, services: OperationServices) -> None:
        self._services = services
        self._clock = services.clock

    async def run(self, job: Job) -> dict[str, Any]:
        """Goes on with the operation behind this job; its last report says what came of it."""
        operation, tally = await self._begin(job)
        errand = _Errand(self._services, job, operation, tally)
        why = await errand.run()
        if why:
            self._services.emit(
                OperationStopped(operation=job.id, act=operation.act, by=operation.by, why=why, done=errand.tally.done)
            )
        return {"done": errand.tally.done, "stopped": why or None}

    async def _begin(self, job: Job) -> tuple[Operation, Tally]:
        """What was asked for is read from where it was written down, never from a message, which anybody may send."""
        operation = await self._services.operations.find(job.id)
        record = await self._services.store.get(job.id)
        now = self._clock.now()
        if operation is None:
            if record is not None and now < record.created_at + ASKED_WITHIN_MS:
                raise Snooze("what it is to do is not written down yet", after=2)
            raise Reject("Nobody asked for this operation. Ask with POST /operations, or cqworker jobs retry --filter.")
        if (early := operation.as_of + BEGIN_AFTER * 1000 - now) > 0:
            raise Snooze("it begins a little later than it was asked for", after=early / 1000)
        return operation, tally_of(record.progress if record else None)


class _Errand:
    """One attempt at an operation."""

    def __init__(self, services: OperationServices, job: Job, operation: Operation, tally: Tally) -> None:
        self._services = services
        self._job = job
        self._operation = operation
        self._source = Source(operation, services.lists, services.schedule)
        self._sample = Sample(services.schedule, services.clock)
        self._pace = Pace(services.clock, operation.rate)
        self._until = services.clock.monotonic() + WORK_FOR
        self.tally: Tally = tally

    async def run(self) -> str:
        """Why it stopped itself; nothing where it is through with all of its jobs."""
        size = max(1, self._operation.rate // GROUPS)
        async for found in self._source.found(self.tally.at):
            for start in range(0, len(found.records), size):
                group = found.records[start : start + size]
                await self._rest_if_asked()
                await asyncio.sleep(self._pace.seconds_until(len(group)))
                await self._act_on(group, found.places[start + len(group) - 1])
                if why := await self._sample.verdict():
                    self._note(stopped=why)
                    return why
            self._count({SKIPPED: found.skipped} | {why.value: number for why, number in found.refused.items()})
            self._note(at=found.end)
        return ""

    async def _act_on(self, group: Sequence[JobRecord], place: int) -> None:
        """Raises Unavailable where a service is away: then the group is looked at again."""
        answers = await asyncio.gather(*map(self._act, group), return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        ends = Counter(answer for answer in answers if isinstance(answer, str))
        self._count(ends, matched=sum(ends.values()))
        if failures:
            self._note()
            raise failures[0]
        self._note(at=place)

    async def _act(self, record: JobRecord) -> str:
        """How it ended for one job. Raises Unavailable."""
        try:
            return await (self._retry(record) if self._operation.act is Act.RETRY else self._cancel(record))
        except NotAllowedNow:
            return Refusal.UNSENDABLE
        except Unavailable as error:
            is_of_one = error.concerns != "service" or record.queue not in self._services.queues.configured
            if error.service == "sqs" and is_of_one:
                return Refusal.UNSENDABLE
            raise

    async def _retry(self, record: JobRecord) -> str:
        if not await self._services.operator.retry_seen(record, self._operation.said):
            return SKIPPED
        self._sample.add(record)
        return DONE

    async def _cancel(self, record: JobRecord) -> str:
        """A job that began, or was handed back, meanwhile is still meant."""
        for _ in range(MAX_TRIES):
            if await self._services.operator.cancel_seen(record, self._operation.said):
                return DONE
            seen = await self._services.store.get(record.job_id)
            if seen is None or not self._source.still_means(seen):
                break
            record = seen
        return SKIPPED

    async def _rest_if_asked(self) -> None:
        """Hands the job back where the worker stops, or it has worked for long; what it reported is written before."""
        if self._job.stopping:
            await asyncio.sleep(WRITTEN_AFTER)
            self._job.check()
        if self._services.clock.monotonic() >= self._until:
            await asyncio.sleep(WRITTEN_AFTER)
            raise Snooze("goes on", after=1)

    def _count(self, ends: Mapping[str, int], matched: int = 0) -> None:
        tally = self.tally
        refused = Counter(tally.refused)
        refused.update({Refusal(end): number for end, number in ends.items() if end not in (DONE, SKIPPED)})
        self.tally = replace(
            tally,
            matched=tally.matched + matched,
            done=tally.done + ends.get(DONE, 0),
            skipped=tally.skipped + ends.get(SKIPPED, 0),
            refused=dict(refused),
        )

    def _note(self, **changed: Any) -> None:
        """Reports how far it is: from there the next attempt goes on."""
        self.tally = replace(self.tally, **changed)
        self._job.progress(self.tally.looked, self._operation.expected, self.tally.text())


def operation_handler(work: Callable[[Job], Coroutine[Any, Any, dict[str, Any]]]) -> Handler:
    """The handler of operations: `work` runs on the loop that this is called on, where the services are used."""
    main = asyncio.get_running_loop()

    @handler(timeout=TIMEOUT, max_attempts=ATTEMPTS, concurrency=AT_ONCE)
    async def operation(payload: dict[str, Any], job: Job) -> dict[str, Any]:  # noqa: ARG001 - a handler's signature
        """An act of an operator on many jobs."""
        if asyncio.get_running_loop() is main:
            return await work(job)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(job), main))

    return read_handler(OPERATION_TYPE, operation, Origin(f"{__name__}:operation", "cqworker", "0"), None)


def operations_alone() -> Registry:
    """What asks for operations knows no other type, and runs none: its submissions are of the product's own jobs."""

    async def run_nothing(job: Job) -> dict[str, Any]:
        raise Reject(f"{job.id} runs where no operations are served.")

    own = operation_handler(run_nothing)
    return Registry(MappingProxyType({own.type: own}))


def with_operations(registry: Registry, work: OperationWork) -> Registry:
    """What a worker serves beside the handlers that people install."""
    own = operation_handler(work.run)
    return Registry(MappingProxyType({**registry.handlers, own.type: own}), registry.broken)
