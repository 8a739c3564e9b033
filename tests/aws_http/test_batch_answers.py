"""What a batch's answers mean for each of its writes, and what becomes of them when there is no answer."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.aws.aws_call import Declined
from cqworker.aws.dynamodb import batch_request
from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.errors import Unavailable
from cqworker.model.attempt_writes import Settle
from cqworker.model.history import Entry
from cqworker.model.operator_writes import Enter
from cqworker.model.record import Progress
from cqworker.model.status import Status
from cqworker.model.writes import LazyWritten, Refused, Written
from tests.aws_http.scripted import (
    RememberingStore,
    Said,
    ScriptedBatches,
    done,
    failed,
    fault,
    job,
    record_called,
    renewal,
)
from tests.contract.test_store_races import claim_of, submitted

HELD = replace(record_called(job(1)), status=Status.RUNNING, token="boot.1")
LOST = replace(HELD, token="boot.2")


@pytest.fixture
def batches() -> ScriptedBatches:
    return ScriptedBatches()


@pytest.fixture
def singles() -> RememberingStore:
    return RememberingStore()


@pytest.fixture
def store(batches: ScriptedBatches, singles: RememberingStore) -> BatchedStore:
    return BatchedStore(singles, batches, "jobs")


async def two(store: BatchedStore) -> list[Written | Refused | BaseException]:
    """The answers to two writes of one moment."""
    writes = [asyncio.create_task(store.write(renewal(number))) for number in (1, 2)]
    return await asyncio.gather(*writes, return_exceptions=True)


def first_answered(batches: ScriptedBatches, answer: Said) -> None:
    """The first statement of each batch is answered so, the others succeed."""
    batches.answer = lambda jobs: [answer, *map(done, jobs[1:])]


async def test_a_refusal_brings_what_stood_there(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    first_answered(batches, failed("ConditionalCheckFailed", LOST))
    assert await two(store) == [Refused(LOST), Written(record_called(job(2)))]
    assert singles.jobs == []


async def test_a_refusal_without_an_item_means_that_there_was_no_record(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    first_answered(batches, failed("ConditionalCheckFailed"))
    assert (await two(store))[0] == Refused(None)
    assert singles.jobs == []


async def test_a_refusal_of_what_the_rules_permit_by_now_is_asked_for_singly(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    singles.records[job(1)] = HELD
    first_answered(batches, failed("ConditionalCheckFailed", HELD))
    assert (await two(store))[0] == Written(replace(HELD, lease_expires_at=1))
    assert singles.jobs == [job(1)]


async def test_the_claim_of_a_job_without_a_record_is_made_singly_and_creates_it(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    batches.answer = lambda jobs: [failed("ConditionalCheckFailed")] * len(jobs)
    new = [replace(submitted(), job_id=job(number)) for number in (1, 2)]
    answers = await asyncio.gather(*(store.write(claim_of(one, "boot.1")) for one in new))
    assert [answer.record.attempt for answer in answers if isinstance(answer, Written)] == [1, 1]
    assert singles.jobs == [job(1), job(2)]


@pytest.mark.parametrize(
    "answer",
    [
        failed("ValidationError"),
        failed("ThrottlingError"),
        failed("InternalServerError"),
        failed("TransactionConflict"),
        failed("ResourceNotFound"),
        {"TableName": "jobs"},
        {"TableName": "jobs", "Item": {"pk": {"S": "job#1"}, "status": {"S": "DREAMING"}}},
    ],
)
async def test_whatever_else_is_said_of_a_statement_concerns_its_own_write_alone(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore, answer: Said
) -> None:
    first_answered(batches, answer)
    singles.records[job(1)] = HELD
    assert await two(store) == [Written(replace(HELD, lease_expires_at=1)), Written(record_called(job(2)))]
    assert singles.jobs == [job(1)]
    await two(store)
    assert len(batches.jobs) == 2, "the next writes share a request again"


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "UnknownOperationException"])
async def test_a_batch_that_is_refused_whole_is_written_singly_and_the_next_ones_too_for_a_while(
    store: BatchedStore,
    batches: ScriptedBatches,
    singles: RememberingStore,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
) -> None:
    batches.trouble = Declined(code, "because", {})
    await two(store)
    await two(store)
    assert (len(batches.jobs), singles.jobs) == (1, [job(1), job(2)] * 2)
    rested = time.monotonic() + batch_request.SUSPENSION_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: rested + 1)
    batches.trouble = None
    await two(store)
    assert len(batches.jobs) == 2


async def test_a_role_that_may_not_send_batches_is_not_asked_each_time(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    batches.answer = lambda jobs: [failed("AccessDenied")] * len(jobs)
    await two(store)
    await two(store)
    assert (len(batches.jobs), singles.jobs) == (1, [job(1), job(2)] * 2)


async def test_a_batch_without_an_answer_is_written_singly(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    batches.trouble = fault(ambiguous=True)
    singles.records[job(1)] = HELD
    assert await two(store) == [Written(replace(HELD, lease_expires_at=1)), Refused(None)]
    assert singles.jobs == [job(1), job(2)]


async def test_a_fault_that_single_writes_would_meet_as_well_is_everybodys(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    batches.trouble = fault(ambiguous=False)
    answers = await two(store)
    assert [type(answer) for answer in answers] == [type(batches.trouble)] * 2
    assert all(isinstance(answer, Unavailable) and not answer.ambiguous for answer in answers)
    assert singles.jobs == []
    batches.trouble = None
    assert await two(store) == [Written(record_called(job(number))) for number in (1, 2)]


async def test_a_mistake_of_ours_leaves_nobody_waiting(store: BatchedStore, batches: ScriptedBatches) -> None:
    batches.trouble = ValueError("a mistake")
    assert [type(answer) for answer in await two(store)] == [ValueError, ValueError]


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_answers_that_are_not_as_many_as_the_writes_are_none(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore, count: int
) -> None:
    batches.answer = lambda _: [done(job(1))] * count
    await two(store)
    assert singles.jobs == [job(1), job(2)]


async def test_every_statement_asks_for_what_stood_there_and_the_request_for_its_price(
    store: BatchedStore, batches: ScriptedBatches
) -> None:
    await two(store)
    [request] = batches.requests
    assert request["ReturnConsumedCapacity"] == "TOTAL"
    for statement in request["Statements"]:
        assert statement["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
        assert statement["Statement"].count("?") == len(statement["Parameters"])


async def test_units_are_those_that_dynamodb_counted_or_else_those_of_the_items(
    store: BatchedStore, batches: ScriptedBatches
) -> None:
    batches.more = {"ConsumedCapacity": [{"TableName": "jobs", "CapacityUnits": 7.0}]}
    await two(store)
    batches.more = {}
    big = replace(LOST, result='"' + "x" * 3000 + '"')
    for answer in (done(job(1)), failed("ConditionalCheckFailed", big), failed("ConditionalCheckFailed")):
        first_answered(batches, answer)
        await two(store)
    counted = [answer["ConsumedCapacity"][0]["CapacityUnits"] for answer in batches.read]
    assert counted == [7.0, 2.0, 5.0, 2.0]


async def test_everything_but_a_write_is_the_stores_own(store: BatchedStore, singles: RememberingStore) -> None:
    await store.write(Enter(record=submitted()))
    assert await store.get(submitted().job_id) == submitted()
    await store.check()


async def test_an_ending_that_left_something_unreadable_has_ended_the_job_all_the_same(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    spoilt = {"TableName": "jobs", "Item": {"pk": {"S": "job#job-1"}, "history": {"L": [{"S": "of a newer version"}]}}}
    first_answered(batches, spoilt)
    spoilt_one, sound_one = await asyncio.gather(store.write(ending(1)), store.write(ending(2)))
    assert isinstance(spoilt_one, LazyWritten)
    assert singles.jobs == []
    with pytest.raises(Unavailable, match='The table "jobs" holds an item that this version cannot read'):
        _ = spoilt_one.record
    assert sound_one == Written(record_called(job(2)))


def ending(number: int) -> Settle:
    return Settle(
        job_id=job(number), token="boot.1", status=Status.SUCCEEDED, now=1, purge_at=2, entry=Entry(1, "succeeded", 1)
    )


async def test_a_change_that_cannot_be_written_leaves_its_neighbours_to_single_writes(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    odd: Any = Decimal("0.5")
    spoilt = replace(renewal(1), progress=Progress(odd, None, None, 1))
    answers = await asyncio.gather(store.write(spoilt), store.write(renewal(2)), return_exceptions=True)
    assert answers[1] == Refused(None), "as the single write found it"
    assert batches.jobs == []
    assert job(2) in singles.jobs
