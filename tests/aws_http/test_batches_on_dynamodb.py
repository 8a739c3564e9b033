"""Batches on DynamoDB Local, which keeps to the conditions of statements where moto looks away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.batch_request import MAX_STATEMENTS
from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.aws.dynamodb.items import job_key
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.dynamodb.partiql import BATCHABLE
from cqworker.aws.operations import UPDATE_ITEM
from cqworker.events import Event, ServiceCalled, ignore
from cqworker.model.claim_table import Proceed, verdict_of
from cqworker.model.operator_writes import Enter
from cqworker.model.record import JobRecord
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import JobStore
from tests.aws.stub import Seen, losing_answers
from tests.contract.cases import Case, cases
from tests.contract.clock import SetClock
from tests.contract.edges import edges
from tests.contract.test_store_races import claim_of, submitted
from tests.contract.worlds import create_table, unique, use_environment
from tests.engines.running import Engines

pytestmark = pytest.mark.engines
SEED = 20260202


@dataclass(frozen=True, slots=True)
class Place:
    """A table, the two ways of writing to it, and what the clients told."""

    table: str
    clients: AwsClients
    single: JobStore
    batched: JobStore
    told: list[ServiceCalled]

    def calls(self) -> Counter[str]:
        """Calls by operation since the last time."""
        counted = Counter(event.operation for event in self.told if event.operation != "GetItem")
        self.told.clear()
        return counted

    async def stand(self, records: Sequence[JobRecord]) -> None:
        """Puts these records there."""
        await asyncio.gather(*(self.single.write(Enter(record=record)) for record in records))
        self.told.clear()

    async def write(self, changes: Sequence[Change]) -> Sequence[Written | Refused]:
        """Writes of one moment."""
        return await asyncio.gather(*map(self.batched.write, changes))


@pytest.fixture
async def place(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    use_environment(monkeypatch, engines.environment())
    told: list[ServiceCalled] = []

    def remember(event: Event) -> None:
        assert isinstance(event, ServiceCalled)
        told.append(event)

    async with AwsClients(remember) as clients:
        table = unique("table")
        await create_table(clients, table)
        single = DynamoStore(clients, table, SetClock())
        yield Place(table, clients, single, BatchedStore(single, clients, table), told)


def chosen(seed: int) -> list[Case]:
    """Changes that batches hold, of records that are there."""
    tried = [*edges(seed), *cases(seed + 1, 12)]
    return [case for case in tried if type(case.change) in BATCHABLE and case.seen is not None]


@pytest.mark.parametrize("way", [1, -1])
async def test_every_statement_does_what_the_rules_say_whoever_its_neighbours_are(place: Place, way: int) -> None:
    tried = sorted(chosen(SEED), key=lambda case: case.change.job_id)[::way]
    permitted = Counter((case.kind, case.permitted) for case in tried)
    assert len(permitted) == 2 * len(BATCHABLE)
    assert min(permitted.values()) >= 4
    for start in range(0, len(tried) // MAX_STATEMENTS * MAX_STATEMENTS, MAX_STATEMENTS):
        some = tried[start : start + MAX_STATEMENTS]
        await place.stand([case.seen for case in some if case.seen is not None])
        for case, answer in zip(some, await place.write([case.change for case in some]), strict=True):
            after = case.change.after(case.seen) if case.permitted else case.seen
            assert after is not None
            assert answer == (Written(after) if case.permitted else Refused(after)), case
            assert await place.single.get(case.change.job_id) == after, case
        assert place.calls() == {"BatchExecuteStatement": 1}


async def test_of_sixteen_workers_that_claim_the_same_ten_jobs_one_gets_each(place: Place) -> None:
    jobs = [replace(submitted(), job_id=f"job-{number}") for number in range(10)]
    await place.stand(jobs)
    workers = [BatchedStore(place.single, place.clients, place.table) for _ in range(16)]

    async def claim_all(number: int, store: JobStore) -> Sequence[Written | Refused]:
        return await asyncio.gather(*(store.write(claim_of(job, f"boot.{number:x}")) for job in jobs))

    answers = await asyncio.gather(*(claim_all(number, store) for number, store in enumerate(workers)))
    for column in zip(*answers, strict=True):
        [won] = [answer.record for answer in column if isinstance(answer, Written)]
        assert won.attempt == 1
        assert [answer for answer in column if answer != Written(won)] == [Refused(won)] * 15
    assert place.calls() == {"BatchExecuteStatement": 16}


@pytest.mark.parametrize(("times", "singles"), [(1, 0), (3, 10)])
async def test_a_batch_that_was_applied_without_an_answer_knows_itself(
    place: Place, engines: Engines, monkeypatch: pytest.MonkeyPatch, times: int, singles: int
) -> None:
    jobs = [replace(submitted(), job_id=f"job-{number}") for number in range(10)]
    await place.stand(jobs)
    lost: list[Seen] = []

    def lose(seen: Seen) -> bool:
        lost.append(seen)
        return seen.operation == "BatchExecuteStatement" and len(lost) <= times

    async with losing_answers(engines.dynamodb_url, lose) as line, AwsClients(ignore) as clients:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", line.url)
        store = BatchedStore(DynamoStore(clients, place.table, SetClock()), clients, place.table)
        claims = [claim_of(job, f"boot.{number}") for number, job in enumerate(jobs)]
        answers = await asyncio.gather(*map(store.write, claims))
    for claim, job, answer in zip(claims, jobs, answers, strict=True):
        assert answer == Refused(claim.after(job))
        assert isinstance(verdict_of(answer.seen, claim.envelope, claim.token, claim.now), Proceed)
    assert Counter(seen.operation for seen in lost)["UpdateItem"] == singles


async def test_two_copies_and_a_job_without_a_record_among_ten(place: Place) -> None:
    jobs = [replace(submitted(), job_id=f"job-{number}") for number in range(9)]
    await place.stand(jobs[1:])
    answers = await place.write([claim_of(job, f"boot.{n:x}") for n, job in enumerate([*jobs, jobs[4]])])
    won = [answer.record for answer in answers if isinstance(answer, Written)]
    assert sorted(record.job_id for record in won) == [job.job_id for job in jobs]
    assert all(record.attempt == 1 for record in won)
    assert place.calls() == {"BatchExecuteStatement": 1, "UpdateItem": 2}, "the copy, and the record that was not there"


async def test_a_statement_that_cannot_be_carried_out_costs_its_neighbours_nothing(place: Place) -> None:
    jobs = [replace(submitted(), job_id=f"job-{number}") for number in range(5)]
    await place.stand(jobs)
    spoil = {"UpdateExpression": "SET attempt = :text", "ExpressionAttributeValues": {":text": {"S": "no number"}}}
    key = {"TableName": place.table, "Key": job_key("job-2")}
    await place.clients.call(UPDATE_ITEM, {**key, **spoil}, "a test's table")
    writes = [asyncio.create_task(place.batched.write(claim_of(job, "boot.1"))) for job in jobs]
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(answer, Written) for answer in answers] == [True, True, False, True, True]


async def test_the_units_of_a_batch_are_counted_by_the_items(place: Place) -> None:
    jobs = [replace(submitted(), job_id=f"job-{n}", payload='"' + "x" * size + '"') for n, size in ((0, 10), (1, 3000))]
    await place.stand(jobs)
    await place.write([claim_of(job, "boot.1") for job in jobs])
    [told] = place.told
    single = [claim_of(job, "boot.2", now=claim_of(job, "").now + 60_001) for job in jobs]
    place.told.clear()
    for change in single:
        await place.single.write(change)
    assert told.write_units == sum(event.write_units for event in place.told) == 5.0
