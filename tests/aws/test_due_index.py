"""The index's own ways: what is left unprocessed, what cannot be read, and which refusals say that it is not there."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb import due_index
from cqworker.aws.dynamodb.due_index import DynamoSchedule
from cqworker.aws.dynamodb.items import Item, item_of
from cqworker.errors import NotProvisioned, RecordUnreadable, Unavailable
from tests.aws.stub import answers, body_of, error, ok, serving
from tests.contract.cases import PURGE, record
from tests.contract.clock import NOW, SetClock

SpeakTo = Callable[..., None]


@pytest.fixture
def schedule(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> DynamoSchedule:
    monkeypatch.setattr(due_index, "GET_PAUSE", 0.001)
    return DynamoSchedule(clients, "jobs", SetClock())


def item(job_id: str) -> Item:
    return item_of(replace(record(Random(1)), job_id=job_id, purge_at=PURGE))


def key(job_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"job#{job_id}"}, "sk": {"S": "job"}}


def left(*job_ids: str) -> dict[str, Any]:
    return {"jobs": {"Keys": [key(job_id) for job_id in job_ids], "ConsistentRead": True}} if job_ids else {}


def page(*found: Item, unprocessed: dict[str, Any] | None = None) -> Any:
    return ok(Responses={"jobs": list(found)}, UnprocessedKeys=unprocessed or {})


async def test_what_a_request_left_unprocessed_is_asked_for_again(schedule: DynamoSchedule, speak_to: SpeakTo) -> None:
    async with serving(answers(page(item("a"), unprocessed=left("b")), page(item("b")))) as stub:
        speak_to(stub.url)
        found = await schedule.read_many(["a", "b"])
    assert [each.job_id for each in found] == ["a", "b"]
    assert [body_of(seen)["RequestItems"] for seen in stub.seen] == [left("a", "b"), left("b")]


async def test_what_stays_unprocessed_is_a_throttled_table_and_no_job_is_left_out_in_silence(
    schedule: DynamoSchedule, speak_to: SpeakTo
) -> None:
    async with serving(answers(page(item("a"), unprocessed=left("b")), page(unprocessed=left("b")))) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match='DynamoDB throttles BatchGetItem on table "jobs"') as told:
            await schedule.read_many(["a", "b"])
    assert (told.value.service, told.value.ambiguous, told.value.concerns) == ("dynamodb", False, "service")
    assert len(stub.seen) == 1 + due_index.GET_TRIES


async def test_a_table_that_answers_a_little_each_time_is_asked_until_it_has_answered_all(
    schedule: DynamoSchedule, speak_to: SpeakTo
) -> None:
    names = [f"job-{number}" for number in range(3 * due_index.GET_TRIES)]
    bits = [page(item(name), unprocessed=left(*names[place + 1 :])) for place, name in enumerate(names)]
    async with serving(answers(*bits)) as stub:
        speak_to(stub.url)
        found = await schedule.read_many(names)
    assert [each.job_id for each in found] == names


async def test_an_answer_that_says_nothing_of_the_table_is_not_taken_for_an_empty_one(
    schedule: DynamoSchedule, speak_to: SpeakTo
) -> None:
    async with serving(answers(ok(UnprocessedKeys={}))) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match="could not be read"):
            await schedule.read_many(["a"])


async def test_a_record_that_this_version_cannot_read_is_left_out_and_holds_up_no_other(
    schedule: DynamoSchedule, speak_to: SpeakTo
) -> None:
    newer = {**item("b"), "status": {"S": "DREAMING"}}
    async with serving(answers(page(item("a"), newer, {**key("c")}, item("d")))) as stub:
        speak_to(stub.url)
        found = await schedule.read_many(["a", "b", "c", "d"])
    assert [each.job_id for each in found] == ["a", "d"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ValidationException", "The table does not have the specified index: due"),
        ("ValidationException", "Cannot read from backfilling global secondary index: due"),
        ("ResourceNotFoundException", "Requested resource not found"),
    ],
)
async def test_an_index_that_is_missing_or_being_filled_is_not_ready_and_cannot_be_read(
    schedule: DynamoSchedule, speak_to: SpeakTo, code: str, words: str
) -> None:
    async with serving(answers(error(400, code, words))) as stub:
        speak_to(stub.url)
        assert not await schedule.is_ready()
        with pytest.raises(NotProvisioned, match="Run `cqworker provision`"):
            await schedule.due("3", NOW, 10)


async def test_a_sweep_lease_that_cannot_be_read_is_told(schedule: DynamoSchedule, speak_to: SpeakTo) -> None:
    strange = {"pk": {"S": "sweeps"}, "sk": {"S": "due#3"}, "holder": {"S": "me"}}
    async with serving(answers(ok(Items=[strange], Count=1))) as stub:
        speak_to(stub.url)
        with pytest.raises(RecordUnreadable, match="a sweep lease's item"):
            await schedule.sweep_leases()
