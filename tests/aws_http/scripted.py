"""A store and a service that do as a test says, and remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Declined, Read, Request
from cqworker.aws.dynamodb.items import item_of
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import EXECUTE_BATCH, Operation
from cqworker.model.attempt_writes import Renew
from cqworker.model.record import JobRecord
from cqworker.model.writes import Change, Refused, Written
from cqworker.testing import MemoryStore
from tests.contract.clock import SetClock
from tests.contract.test_store_races import submitted

Said = dict[str, Any]
Answering = Callable[[Sequence[str]], Sequence[Said]]
RECORD = submitted()


def job(number: int) -> str:
    return f"job-{number}"


def renewal(number: int, token: str = "boot.1") -> Renew:
    """A change that a batch can hold."""
    return Renew(job_id=job(number), token=token, lease_expires_at=number)


def done(job_id: str) -> Said:
    """A statement's success: what stands there now."""
    return {"TableName": "jobs", "Item": dict(item_of(record_called(job_id)))}


def failed(code: str, item: JobRecord | None = None) -> Said:
    """A statement's failure."""
    return {"Error": {"Code": code, "Message": "because", **({"Item": dict(item_of(item))} if item else {})}}


def record_called(job_id: str) -> JobRecord:
    return JobRecord(
        job_id=job_id,
        type=RECORD.type,
        queue=RECORD.queue,
        tenant=RECORD.tenant,
        status=RECORD.status,
        max_attempts=3,
        created_at=RECORD.created_at,
        purge_at=RECORD.purge_at,
        history=RECORD.history,
    )


def fault(*, ambiguous: bool) -> AwsFault:
    return AwsFault("dynamodb", "It broke.", "Wait.", ambiguous=ambiguous, code="Broken", stale=False)


class ScriptedBatches:
    """Answers BatchExecuteStatement; `jobs` holds the jobs of each request, `trouble` is raised instead of answers.

    While `hold` is set no request is answered.
    """

    def __init__(self, answer: Answering | None = None) -> None:
        self.answer: Answering = answer or (lambda jobs: [done(job_id) for job_id in jobs])
        self.trouble: AwsFault | Declined | ValueError | None = None
        self.more: Said = {}
        self.jobs: list[list[str]] = []
        self.requests: list[Request] = []
        self.read: list[Answer] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.arrivals = asyncio.Semaphore(0)

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        assert (operation, about) == (EXECUTE_BATCH, 'table "jobs"')
        jobs = [job_of(statement) for statement in request["Statements"]]
        self.jobs.append(jobs)
        self.requests.append(request)
        self.arrivals.release()
        await self.hold.wait()
        if self.trouble is not None:
            raise self.trouble
        assert read is not None
        answer = await read({"Responses": self.answer(jobs), **self.more})
        self.read.append(answer)
        return answer


def job_of(statement: Said) -> str:
    """The job that a statement is about."""
    [key] = [cell["S"] for cell in statement["Parameters"] if str(cell.get("S")).startswith("job#")]
    return str(key.removeprefix("job#"))


class RememberingStore(MemoryStore):
    """The store of single writes: `jobs` holds the job of each; while `hold` is set none is answered."""

    def __init__(self) -> None:
        super().__init__(SetClock())
        self.jobs: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def write(self, change: Change) -> Written | Refused:
        self.jobs.append(change.job_id)
        await self.hold.wait()
        return await super().write(change)
