"""A worker, a submitter and a sweeper in this process, on real engines, whose every call is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cqworker import Job, Reject, Retry, handler
from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.due_index import MAX_GET, DynamoSchedule
from cqworker.aws.provision import provision
from cqworker.clock import SystemClock
from cqworker.daemon.aws_ports import open_aws_ports
from cqworker.daemon.standalone import open_submitter
from cqworker.events import Event, ServiceCalled, ignore
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.fleet.control_reader import ControlReader
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.submission import Submission
from cqworker.jobs.submit import Submitter
from cqworker.model.record import JobRecord
from cqworker.model.writes import Written
from cqworker.plugins.registry import registry_from
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.scheduling.sweeper import Pace, Sweeper
from cqworker.settings import ArtifactSettings, AwsSettings, QueueSettings, Settings, StoreSettings, WorkerSettings
from cqworker.settings.limit_settings import LimitSettings
from cqworker.worker.assembly import Dependencies, context_of, lists_of, open_worker, queues_of
from tests.contract.worlds import unique
from tests.patience import scaled

LINGERS = 0.2
"""Seconds that a job takes which is to meet others."""
LONG_BEFORE = 600_000
"""Milliseconds before its time at which the sweeper takes a job here: all that there are."""


@handler
async def fine(payload: dict[str, str]) -> dict[str, str]:
    """Does as little as a job may."""
    return payload


@handler
async def refuse(_: dict[str, str]) -> None:
    """Fails at once."""
    raise Reject("as asked")


@handler
async def linger(payload: dict[str, str]) -> dict[str, str]:
    """Takes a while."""
    await asyncio.sleep(LINGERS)
    return payload


@handler
async def later(payload: dict[str, str], job: Job) -> dict[str, str]:
    """Is retried once, a while later."""
    if job.attempt == 1:
        raise Retry("as asked", after=1)
    return payload


@dataclass(slots=True)
class Workshop:
    """What one kind of job is counted with; `events` are those since the last look, without those of `onlooker`."""

    settings: Settings
    dependencies: Dependencies
    submitter: Submitter
    sweeper: Sweeper
    events: list[Event]
    onlooker: DynamoSchedule

    def calls(self) -> list[ServiceCalled]:
        """The calls since the last look."""
        found = [event for event in self.events if isinstance(event, ServiceCalled)]
        self.events.clear()
        return found

    async def submit(self, jobs: int, **asked: Any) -> list[str]:
        """So many jobs like this one; their ids."""
        submission = Submission(payload='{"text":"' + "x" * 100 + '"}', **asked)
        accepted = await self.submitter.submit_many([submission] * jobs)
        records = [each.record for each in accepted if not isinstance(each, Exception)]
        assert len(records) == jobs, accepted
        return [record.job_id for record in records]

    async def run_until(self, job_ids: Sequence[str], is_so: Callable[[JobRecord], bool]) -> None:
        """Has a worker work until this holds for each record and its queue is empty."""
        worker = open_worker(self.dependencies, self.settings, ThreadedLoop(), name="figures:1", on_settled=_ignore)
        worker.start()
        async with asyncio.timeout(scaled(60)):
            while not all(map(is_so, await self.records(job_ids))):  # noqa: ASYNC110 - the engine tells nobody
                await asyncio.sleep(0.2)
        await worker.drain(20, asyncio.Event())
        await worker.close()

    async def records(self, job_ids: Sequence[str]) -> list[JobRecord]:
        """The records as they are; these reads are counted nowhere."""
        pages = [job_ids[first : first + MAX_GET] for first in range(0, len(job_ids), MAX_GET)]
        return [record for page in pages for record in await self.onlooker.read_many(page)]


def _ignore(_: str, __: Written) -> None:
    """Nobody waits for a job's end here."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What calls cost, by operation."""

    calls: Mapping[str, int]
    write_units: Mapping[str, float]
    read_units: Mapping[str, float]

    @classmethod
    def of(cls, calls: Sequence[ServiceCalled]) -> Spent:
        """The sums."""
        operations = {call.operation for call in calls}
        return cls(
            Counter(call.operation for call in calls),
            {name: sum(call.write_units for call in calls if call.operation == name) for name in operations},
            {name: sum(call.read_units for call in calls if call.operation == name) for name in operations},
        )


@asynccontextmanager
async def workshop(
    *, list_all: bool = False, limits: Mapping[str, LimitSettings] = MappingProxyType({}), slots: int = 128
) -> AsyncIterator[Workshop]:
    """A provisioned place of its own; records are written one by one, for an engine does not tell what batches cost."""
    name = unique("figures")
    settings = Settings(
        worker=WorkerSettings(concurrency=slots),
        store=StoreSettings(table=name, list_all=list_all),
        queues=(QueueSettings(name=name, dead_letter_queue=f"{name}-dead", wait_time=1),),
        artifacts=ArtifactSettings(bucket=name),
        aws=AwsSettings(batch_writes=False),
        limits=dict(limits),
    )
    events: list[Event] = []
    clock = SystemClock()
    registry = registry_from({"fine": fine, "refuse": refuse, "later": later, "linger": linger})
    aws = open_aws_ports(settings, registry, clock, events.append)
    async with aws.clients, AwsClients(ignore) as others:
        await provision(aws.clients, settings, {name: 40})
        made = aws.dependencies
        await made.schedule_state.check()
        await ControlReader(aws.fleet, made.queue_control, clock, ignore).read()
        context = context_of(made, settings, "figures:1")
        leases = SweepLeases(made.schedule, clock, "figures:1")
        hand_overs = HandOvers(context, queues_of(made, settings))
        sweeper = Sweeper(made.schedule, context, hand_overs, leases, lists_of(made, settings), Pace(LONG_BEFORE))
        events.clear()
        yield Workshop(
            settings, made, open_submitter(made, settings), sweeper, events, DynamoSchedule(others, name, clock)
        )
