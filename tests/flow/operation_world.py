"""A world whose operator acts on many jobs at once, and jobs that failed before that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from cqworker.jobs.operation_actions import OperationActions, OperationParts, OperationState
from cqworker.jobs.operation_models import Wish
from cqworker.jobs.operation_work import operations_alone
from cqworker.jobs.submit import Submitter
from cqworker.model.history import CLAIMED, SUBMITTED, Entry, ending_event
from cqworker.model.listing import Listing
from cqworker.model.operations import USUAL_RATE, Act, Tally, tally_of
from cqworker.model.record import Failure, JobRecord, shard_of
from cqworker.model.status import FINAL, FailureKind, Status
from cqworker.testing.memory_ports import MemoryQueue
from cqworker.worker.assembly import context_of, queues_of
from cqworker.worker.operations import open_target_lists
from tests.flow.world import World

MINUTE = 60_000


class OperationWorld(World):
    """`actions` are what people may ask for; jobs are put straight into the store."""

    @property
    def actions(self) -> OperationActions:
        host = self.office
        context, queues = context_of(host.ground, host.settings), queues_of(host.ground, host.settings)
        own = (context, operations_alone(), queues, host.ground.artifacts)
        lists = open_target_lists(self.listing, host.ground.schedule, context, host.settings.store)
        submitter = Submitter(*own, inline_limit=host.settings.artifacts.inline_limit)
        parts = OperationParts(lists=lists, operator=host.operator, submitter=submitter)
        return OperationActions(
            self.operations, host.ground.schedule, parts, context.clock, context.emit, context.retention
        )

    async def ask(self, act: str = "retry", *, tenant: str | None = None, by: str = "alice", **more: Any) -> str:
        """Asks for an operation, on all FAILED jobs unless `more` says on which, and returns its id."""
        return (await self.state_of(act, tenant=tenant, by=by, **more)).operation.operation_id

    async def state_of(self, act: str, *, tenant: str | None = None, by: str = "alice", **more: Any) -> OperationState:
        actions = self.actions
        return await actions.start(actions.planned(wish(act, **more), tenant, by))

    def put(self, number: int, status: Status = Status.FAILED, **changed: Any) -> list[JobRecord]:
        """So many jobs in this status, the first of which ended a minute ago and each other a second before."""
        made = [failed(place, self.clock.now(), status, **changed) for place in range(number)]
        self.store.records.update({record.job_id: record for record in made})
        return made

    def tally(self, operation_id: str) -> Tally:
        return tally_of(self.record(operation_id).progress)

    def rounds(self, records: Sequence[JobRecord]) -> set[int]:
        """The rounds that these jobs are in by now."""
        return {self.record(record.job_id).round for record in records}

    def sent(self, queue: str, job_id: str) -> int:
        """How many messages of the job the queue has."""
        port = self.queues[queue]
        assert isinstance(port, MemoryQueue)
        return sum(job_id in body for body in port.bodies)


def wish(act: str, **more: Any) -> Wish:
    chosen = {"filter": {} if "job_ids" in more else {"status": "FAILED"}, "job_ids": ()}
    said: dict[str, Any] = {"dry_run": False, "expect": None, "rate": USUAL_RATE, "reason": ""} | chosen
    return Wish(**said | more, act=Act(act))


def failed(number: int, now: int, status: Status = Status.FAILED, **changed: Any) -> JobRecord:
    job_id, ended = f"job-{number:05}", now - MINUTE - number * 1000
    is_final = status in FINAL
    record = JobRecord(
        job_id=job_id,
        type="work",
        queue="jobs",
        tenant="default",
        status=status,
        max_attempts=1,
        attempt=1 if is_final else 0,
        created_at=ended - MINUTE,
        purge_at=now // 1000 + 30 * 86_400,
        payload="{}",
        finished_at=ended if is_final else None,
        failure=Failure(FailureKind.REJECTED, "no", fingerprint="0a1b2c3d") if status is Status.FAILED else None,
        listing=Listing(kind="rejected", fingerprint="0a1b2c3d", worker="w1", release="1.0")
        if status is Status.FAILED
        else None,
        history=(
            Entry(ended - MINUTE, SUBMITTED),
            Entry(ended - 5, CLAIMED, 1, "w1"),
            Entry(ended, ending_event(status), 1, "w1", "no"),
        )
        if is_final
        else (Entry(ended - MINUTE, SUBMITTED),),
    )
    if status is Status.SCHEDULED:
        record = replace(record, scheduled_at=now + (number + 1) * 60 * MINUTE, due=shard_of(job_id))
    return replace(record, **changed)
