"""Whatever a hostile DynamoDB does to batches and to single statements, each write gets an answer that is true."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Declined, Read, Request
from cqworker.aws.dynamodb import batch_request
from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.aws.operations import Operation
from cqworker.errors import Unavailable
from cqworker.model.attempt_writes import Renew
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.writes import Refused, Written
from tests.aws_http.scripted import (
    RememberingStore,
    Said,
    ScriptedBatches,
    done,
    failed,
    fault,
    job,
    job_of,
    record_called,
)

TEN = range(10)
HOSTILITIES = ("refused", "throttled", "lost before", "lost after", "cut short", "statement by statement")
ERRORS = ("ThrottlingError", "TransactionConflict", "InternalServerError", "ValidationError", "ResourceNotFound")
OURS, OTHERS = "boot.1", "boot.2"


class Hostile(ScriptedBatches):
    """Applies some statements and not others, and tells the truth of some of them; `records` are those of the table."""

    def __init__(self, records: dict[str, JobRecord], seed: int) -> None:
        super().__init__()
        self.under_way: dict[str, Renew] = {}
        self.met: set[str] = set()
        self._records = records
        self._chance = random.Random(seed)

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        await asyncio.sleep(0)
        jobs = [job_of(statement) for statement in request["Statements"]]
        hostility = self._chance.choice(HOSTILITIES)
        self.met.add(hostility)
        match hostility:
            case "refused":
                raise Declined("ValidationException", "because of one of them", {})
            case "throttled":
                raise fault(ambiguous=False)
            case "lost before":
                raise fault(ambiguous=True)
            case _:
                pass
        said = [self._said(job_id, hostility) for job_id in jobs]
        if hostility == "lost after":
            raise fault(ambiguous=True)
        if hostility == "cut short":
            said.pop()
        assert read is not None
        return await read({"Responses": said})

    def _said(self, job_id: str, hostility: str) -> Said:
        """A statement's fate, and what is told of it."""
        if hostility == "statement by statement" and self._chance.random() < 0.4:
            return failed(self._chance.choice(ERRORS))
        change, seen = self.under_way[job_id], self._records[job_id]
        if not change.permits(seen):
            return failed("ConditionalCheckFailed", seen)
        self._records[job_id] = after = change.after(seen)
        told: dict[str, Any] = done(job_id)
        return {**told, "Item": failed("", after)["Error"]["Item"]}


@pytest.mark.parametrize("seed", range(12))
async def test_each_of_ten_writes_is_applied_or_refused_as_it_is_told(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_request, "SUSPENSION_SECONDS", 0.0)
    singles = RememberingStore()
    service = Hostile(singles.records, seed)
    store = BatchedStore(singles, service, "jobs")
    chance = random.Random(f"{seed} tokens")
    for turn in range(1, 31):
        tokens = {number: chance.choice((OURS, OURS, OTHERS)) for number in TEN}
        for number in TEN:
            made = record_called(job(number))
            singles.records[job(number)] = replace(made, status=Status.RUNNING, token=tokens[number])
        changes = [Renew(job_id=job(number), token=OURS, lease_expires_at=turn) for number in TEN]
        service.under_way = {change.job_id: change for change in changes}
        answers = await asyncio.gather(*(store.write(change) for change in changes), return_exceptions=True)
        for number, answer in zip(TEN, answers, strict=True):
            now = singles.records[job(number)]
            if isinstance(answer, Unavailable):
                assert not answer.ambiguous
                assert now.lease_expires_at is None, "it was told that nothing was done"
            elif tokens[number] == OURS:
                assert isinstance(answer, Written), answer
                assert (answer.record, now.lease_expires_at) == (now, turn)
            else:
                assert answer == Refused(now)
                assert now.lease_expires_at is None
    assert service.met == set(HOSTILITIES)
