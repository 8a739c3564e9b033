"""What an operator may do to many jobs at once: ask for it, look how far it is, stop it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.errors import JobNotFound, ListingRefused, NotAllowedNow, SendUnanswered, Unavailable
from cqworker.events import Emit
from cqworker.events.operation_events import OperationAsked
from cqworker.field_docs import document_fields
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operation_models import Wish
from cqworker.jobs.operation_preview import Preview, Previews, preview_view, summary_of
from cqworker.jobs.operation_targets import ask_of
from cqworker.jobs.operation_work import BEGIN_AFTER
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submission import Submission
from cqworker.jobs.submit import Submitter
from cqworker.model.job_limits import MAX_JOB_ID
from cqworker.model.operations import OPERATION_TYPE, Operation, tally_of
from cqworker.model.record import JobRecord
from cqworker.model.retention import Retention
from cqworker.model.status import Status
from cqworker.model.tenants import EVERY_TENANT
from cqworker.model.timestamps import rfc3339
from cqworker.ports.operations import Operations
from cqworker.ports.schedule import Schedule

USUAL_PAGE, MAX_PAGE = 50, 100
"""Operations of one page of their list: where nobody says how many, and at most."""
MAX_DIGITS = 4
"""Digits of a limit that is read at all."""
STATES = {
    Status.SCHEDULED: "waiting",
    Status.BLOCKED: "waiting",
    Status.QUEUED: "waiting",
    Status.RETRYING: "waiting",
    Status.RUNNING: "running",
    Status.SUCCEEDED: "finished",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
}
"""What an operation is at, by where its job stands."""
STOPPED = "stopped"
"""What an operation is that stopped itself."""


@document_fields(
    operation="What was asked for.",
    record="Its job; None: its record is not there, or not any more.",
)
class OperationState(Struct, frozen=True):
    """An operation and where it stands."""

    operation: Operation
    record: JobRecord | None

    def view(self) -> dict[str, Any]:
        """The operation as JSON-able data; its times are RFC 3339."""
        operation, record = self.operation, self.record
        tally = tally_of(record.progress if record else None)
        state = STOPPED if tally.stopped else "waiting" if record is None else STATES[record.status]
        return {
            "operation_id": operation.operation_id,
            "act": operation.act.value,
            "state": state,
            "tenant": operation.tenant,
            "by": operation.by,
            "reason": operation.reason,
            "as_of": rfc3339(operation.as_of),
            "filter": dict(operation.filter) or None,
            "named": len(operation.job_ids) or None,
            "rate": operation.rate,
            "expected": operation.expected,
            "matched": tally.matched,
            "done": tally.done,
            "skipped": tally.skipped,
            "refused": {reason.value: number for reason, number in tally.refused.items()},
            "looked_to": rfc3339(tally.at) if tally.at is not None and not operation.job_ids else None,
            "stopped_because": tally.stopped or _failure_of(record),
            "updated_at": rfc3339(record.history[-1].at if record and record.history else operation.as_of),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationParts:
    """What operations are asked for with: lists, what acts on one job, and what submits the product's own jobs."""

    lists: JobLists
    operator: OperatorActions
    submitter: Submitter


class OperationActions:
    """Operations of one caller. A tenant sees its own, on its own jobs; None is the operator of all."""

    def __init__(
        self,
        operations: Operations,
        schedule: Schedule,
        parts: OperationParts,
        clock: Clock,
        emit: Emit,
        retention: Retention,
    ) -> None:
        self._operations = operations
        self._previews = Previews(parts.lists, schedule, clock)
        self._schedule = schedule
        self._submitter = parts.submitter
        self._operator = parts.operator
        self._clock = clock
        self._emit = emit
        self._retention = retention

    def planned(self, wish: Wish, tenant: str | None, by: str) -> Operation:
        """What would be asked for now. Raises ListingRefused for a filter that cannot be."""
        now = self._clock.now()
        if not wish.job_ids:
            ask_of(wish.act, wish.filter, now)
        return Operation(
            operation_id="",
            act=wish.act,
            tenant=EVERY_TENANT if tenant is None else tenant,
            by=by,
            as_of=now,
            purge_at=self._retention.purge_at(now),
            reason=wish.reason,
            rate=wish.rate,
            filter=wish.filter,
            job_ids=wish.job_ids,
            expected=wish.expect,
        )

    async def preview(self, planned: Operation) -> Preview:
        """What it would be done to. Raises ListingRefused, NotProvisioned, Unavailable."""
        return await self._previews.look(planned)

    async def start(self, planned: Operation) -> OperationState:
        """Asks for it. Raises what `answer` raises: NotAllowedNow where another number of jobs was expected."""
        expected = planned.expected
        seen = await self._previews.look(planned, first_page=expected is None)
        if expected is not None and seen.is_off(expected):
            raise NotAllowedNow(
                f"{summary_of(seen)} jobs match by now, and {expected:,} were expected: look again, and ask with that "
                "number. Nothing was begun."
            )
        asked = Submission(
            type=OPERATION_TYPE, payload="{}", tenant=planned.tenant, delay_seconds=BEGIN_AFTER, tags=(planned.act,)
        )
        try:
            record = (await self._submitter.submit(asked)).record
        except SendUnanswered as error:  # whatever was sent does nothing that is not written down
            cause = error.cause
            raise Unavailable(cause.service, cause.cause, "Nothing was begun: ask again.", ambiguous=True) from error
        operation = replace(planned, operation_id=record.job_id)
        await self._operations.remember(operation)
        self._emit(
            OperationAsked(
                operation=operation.operation_id,
                act=operation.act,
                tenant=operation.tenant,
                by=operation.by,
                reason=operation.reason,
                filter=operation.filter,
                jobs=len(operation.job_ids),
                rate=operation.rate,
            )
        )
        return OperationState(operation, record)

    async def show(self, operation_id: str, tenant: str | None) -> OperationState:
        """How far it is. Raises JobNotFound, Unavailable."""
        operation = await self._operations.find(operation_id)
        if operation is None or tenant not in (None, operation.tenant):
            raise JobNotFound(f"There is no operation {operation_id}.")
        [state] = await self._states([operation])
        return state

    async def answer(self, wish: Wish, tenant: str | None, by: str) -> dict[str, Any]:
        """The answer to a wish: the operation as it begins, or in a dry run what it would be done to.

        Raises ListingRefused, NotProvisioned and NotAllowedNow where it cannot be asked for so, and Unavailable or
        QueueDraining where nothing was begun.
        """
        planned = self.planned(wish, tenant, by)
        if wish.dry_run:
            return preview_view(planned, await self.preview(planned))
        return (await self.start(planned)).view()

    async def page(self, asked: Mapping[str, str], tenant: str | None) -> dict[str, Any]:
        """A page of the operations, by `limit` and `cursor` of a query. Raises ListingRefused, Unavailable."""
        limit = asked.get("limit", str(USUAL_PAGE))
        if not (limit.isascii() and limit.isdecimal() and len(limit) <= MAX_DIGITS):
            raise ListingRefused(f"`limit` must be a whole number from 1 to {MAX_PAGE}.")
        states, rest = await self.latest(tenant, int(limit), asked.get("cursor"))
        return {"operations": [state.view() for state in states], "next": rest}

    async def latest(
        self, tenant: str | None, limit: int = USUAL_PAGE, cursor: str | None = None
    ) -> tuple[Sequence[OperationState], str | None]:
        """The last operations, the newest first, and the cursor of the rest; None at the end.

        Raises ListingRefused, Unavailable.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise ListingRefused(f"`limit` must be a whole number from 1 to {MAX_PAGE}.")
        if cursor is not None and not 0 < len(cursor) <= MAX_JOB_ID:
            raise ListingRefused("The cursor is none that this list gave; leave it out to begin anew.")
        found, rest = await self._operations.latest(limit, cursor, tenant)
        return await self._states(found), rest

    async def cancel(self, operation_id: str, tenant: str | None) -> OperationState:
        """Stops it; what it has done stays done. Raises JobNotFound, NotAllowedNow where it has ended, Unavailable."""
        state = await self.show(operation_id, tenant)
        return OperationState(state.operation, await self._operator.cancel(operation_id, None))

    async def _states(self, operations: Sequence[Operation]) -> list[OperationState]:
        names = [operation.operation_id for operation in operations]
        records = {record.job_id: record for record in await self._schedule.read_many(names)} if names else {}
        return [OperationState(each, records.get(each.operation_id)) for each in operations]


def _failure_of(record: JobRecord | None) -> str | None:
    return record.failure.message if record is not None and record.failure is not None else None
