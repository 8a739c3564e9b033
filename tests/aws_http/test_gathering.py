"""Which writes share a request, and how long they wait for one another."""

from __future__ import annotations

import asyncio
from itertools import chain

import pytest

from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.model.attempt_writes import Reopen
from cqworker.model.operator_writes import AskCancel, Enter
from cqworker.model.writes import Change, Refused, Written
from tests.aws_http.scripted import RememberingStore, ScriptedBatches, job, record_called, renewal
from tests.contract.clock import NOW
from tests.contract.test_store_races import claim_of, submitted
from tests.patience import scaled

ALL = 1000.0
"""Seconds to linger: long enough to show that something else sent what waited."""


@pytest.fixture
def batches() -> ScriptedBatches:
    return ScriptedBatches()


@pytest.fixture
def singles() -> RememberingStore:
    return RememberingStore()


@pytest.fixture
def store(batches: ScriptedBatches, singles: RememberingStore) -> BatchedStore:
    return BatchedStore(singles, batches, "jobs")


@pytest.fixture
def patient(batches: ScriptedBatches, singles: RememberingStore) -> BatchedStore:
    """A store whose writes would wait for others for a very long time."""
    return BatchedStore(singles, batches, "jobs", linger=ALL)


async def settled() -> None:
    """Lets everything that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


def begin(store: BatchedStore, *numbers: int) -> list[asyncio.Task[Written | Refused]]:
    return [asyncio.create_task(store.write(renewal(number))) for number in numbers]


async def test_a_lone_write_goes_out_at_once_by_itself(
    patient: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    for number in range(3):
        await patient.write(renewal(number))
    assert (batches.jobs, singles.jobs) == ([], [job(0), job(1), job(2)])


async def test_writes_of_one_moment_share_a_request_and_each_gets_its_own_answer(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    answers = await asyncio.gather(*(store.write(renewal(number)) for number in range(10)))
    assert batches.jobs == [[job(number) for number in range(10)]]
    assert answers == [Written(record_called(job(number))) for number in range(10)]
    assert singles.jobs == []


async def test_a_request_holds_no_more_than_dynamodb_takes(store: BatchedStore, batches: ScriptedBatches) -> None:
    await asyncio.gather(*(store.write(renewal(number)) for number in range(60)))
    assert [len(jobs) for jobs in batches.jobs] == [25, 25, 10]
    assert [*chain(*batches.jobs)] == [job(number) for number in range(60)]


async def test_two_writes_of_one_job_never_share_a_request(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    await asyncio.gather(*(store.write(renewal(number)) for number in (1, 2, 1, 3, 1, 2)))
    assert batches.jobs == [[job(1), job(2), job(3)], [job(1), job(2)]]
    assert singles.jobs == [job(1)]


async def test_writes_gather_while_a_request_is_under_way(patient: BatchedStore, batches: ScriptedBatches) -> None:
    batches.hold.clear()
    writes = begin(patient, 1, 2)
    await settled()
    for number in (3, 4, 5):
        writes += begin(patient, number)
        await settled()
    assert batches.jobs == [[job(1), job(2)]]
    batches.hold.set()
    await asyncio.gather(*writes)
    assert batches.jobs == [[job(1), job(2)], [job(3), job(4), job(5)]]


async def test_writes_gather_behind_a_single_one_too(
    patient: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    singles.hold.clear()
    writes = begin(patient, 1)
    await settled()
    writes += begin(patient, 2)
    await settled()
    writes += begin(patient, 3)
    await settled()
    assert (batches.jobs, singles.jobs) == ([], [job(1)])
    singles.hold.set()
    await asyncio.gather(*writes)
    assert batches.jobs == [[job(2), job(3)]]


async def test_a_return_among_others_is_no_reason_to_leave(
    patient: BatchedStore, batches: ScriptedBatches, singles: RememberingStore
) -> None:
    """Small requests would make small ones for ever."""
    batches.hold.clear()
    singles.hold.clear()
    writes = begin(patient, 1, 2)
    await settled()
    writes += [asyncio.create_task(patient.write(Enter(record=submitted())))]
    await settled()
    writes += begin(patient, 3, 4)
    singles.hold.set()
    await settled()
    assert batches.jobs == [[job(1), job(2)]]
    batches.hold.set()
    await asyncio.gather(*writes)
    assert batches.jobs == [[job(1), job(2)], [job(3), job(4)]]


async def test_nothing_waits_longer_than_the_linger(store: BatchedStore, batches: ScriptedBatches) -> None:
    batches.hold.clear()
    writes = begin(store, 1, 2)
    await settled()
    writes += begin(store, 3, 4)
    async with asyncio.timeout(scaled(5)):
        for _ in range(2):
            await batches.arrivals.acquire()
    batches.hold.set()
    await asyncio.gather(*writes)
    assert batches.jobs == [[job(1), job(2)], [job(3), job(4)]]


async def test_a_full_request_does_not_wait(patient: BatchedStore, batches: ScriptedBatches) -> None:
    batches.hold.clear()
    writes = begin(patient, 1, 2)
    await settled()
    writes += begin(patient, *range(100, 130))
    await settled()
    assert [len(jobs) for jobs in batches.jobs] == [2, 25]
    batches.hold.set()
    await asyncio.gather(*writes)
    assert [len(jobs) for jobs in batches.jobs] == [2, 25, 5]


@pytest.mark.parametrize(
    "change",
    [
        Enter(record=submitted()),
        AskCancel(job_id=job(1), round=1, now=NOW),
        Reopen(
            envelope=claim_of(submitted(), "t").envelope, token="t", worker="", now=NOW, lease_expires_at=1, purge_at=1
        ),
    ],
    ids=lambda change: type(change).__name__,
)
async def test_other_changes_are_single_writes(
    store: BatchedStore, batches: ScriptedBatches, singles: RememberingStore, change: Change
) -> None:
    await asyncio.gather(*(store.write(change) for _ in range(3)))
    assert (batches.jobs, len(singles.jobs)) == ([], 3)


async def test_a_write_that_is_given_up_before_it_is_sent_is_not_sent(
    store: BatchedStore, batches: ScriptedBatches
) -> None:
    first, *others = begin(store, 1, 2, 3)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(*others)
    assert batches.jobs == [[job(2), job(3)]]
    assert first.cancelled()


async def test_a_write_that_is_given_up_later_takes_no_other_with_it(
    store: BatchedStore, batches: ScriptedBatches
) -> None:
    batches.hold.clear()
    first, second = begin(store, 1, 2)
    await settled()
    first.cancel()
    await settled()
    batches.hold.set()
    assert await second == Written(record_called(job(2)))
    assert first.cancelled()
