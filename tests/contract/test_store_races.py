"""What a store promises when several ask at once, and when one asks twice."""

from __future__ import annotations

import asyncio
from random import Random

from msgspec.structs import replace

from cqworker.model.attempt_writes import Claim, Settle
from cqworker.model.history import Entry
from cqworker.model.operator_writes import Enter
from cqworker.model.record import JobRecord, envelope_of, record_from
from cqworker.model.status import Status
from cqworker.model.writes import Refused, Written
from cqworker.ports import JobStore, KeyItem
from tests.contract.cases import PURGE, record
from tests.contract.clock import NOW

RACERS = 16


def submitted() -> JobRecord:
    return record_from(envelope_of(record(Random(7)), round_number=1), PURGE, None)


def claim_of(job: JobRecord, token: str, now: int = NOW) -> Claim:
    envelope, until = envelope_of(job), now + 60_000
    return Claim(envelope=envelope, token=token, worker="host:1", now=now, lease_expires_at=until, purge_at=PURGE)


async def race(store: JobStore, job: JobRecord) -> None:
    """Sixteen claims at once: one is written, the others are refused with the winner's record."""
    claims = [claim_of(job, f"boot.{number:x}") for number in range(RACERS)]
    answers = await asyncio.gather(*map(store.write, claims))
    [won] = [answer for answer in answers if isinstance(answer, Written)]
    assert (won.record.status, won.record.attempt) == (Status.RUNNING, 1)
    assert won.record.token == claims[answers.index(won)].token
    assert [answer for answer in answers if isinstance(answer, Refused)] == [Refused(won.record)] * (RACERS - 1)


async def test_of_sixteen_claims_of_a_queued_job_one_wins(store: JobStore) -> None:
    job = submitted()
    await store.write(Enter(record=job))
    await race(store, job)


async def test_of_sixteen_claims_of_a_job_without_a_record_one_creates_it(store: JobStore) -> None:
    await race(store, submitted())


async def test_a_submission_that_comes_after_the_claim_is_refused_with_the_running_record(store: JobStore) -> None:
    job = submitted()
    claimed = await store.write(claim_of(job, "boot.1"))
    assert isinstance(claimed, Written)
    assert await store.write(Enter(record=job)) == Refused(claimed.record)
    assert await store.get(job.job_id) == claimed.record


async def test_an_attempt_whose_lease_another_took_over_can_write_nothing(store: JobStore) -> None:
    job = submitted()
    await store.write(claim_of(job, "boot.1"))
    later = NOW + 60_001
    taken = await store.write(claim_of(job, "boot.2", later))
    assert isinstance(taken, Written)
    entry = Entry(later, "succeeded")
    ending = Settle(job_id=job.job_id, token="boot.1", status=Status.SUCCEEDED, now=later, purge_at=PURGE, entry=entry)
    assert await store.write(ending) == Refused(taken.record)
    assert await store.get(job.job_id) == taken.record


async def test_an_unknown_job_is_absent(store: JobStore) -> None:
    assert await store.get("never-heard-of") is None


async def test_a_record_past_its_purge_time_is_absent_though_nothing_deleted_it(store: JobStore) -> None:
    for job_id, purge_at in (("past", NOW // 1000 - 1), ("future", NOW // 1000 + 1)):
        await store.write(Enter(record=replace(submitted(), job_id=job_id, purge_at=purge_at)))
    assert await store.get("past") is None
    assert await store.get("future") is not None


async def test_a_key_belongs_to_the_first_who_reserves_it(store: JobStore) -> None:
    first = KeyItem("hash", "job-1", "request-1", NOW + 1000)
    assert await store.reserve_key(first, NOW) is None
    assert await store.reserve_key(KeyItem("hash", "job-2", "request-2", NOW + 2000), NOW) == first
    assert await store.reserve_key(KeyItem("other", "job-2", "request-2", NOW + 2000), NOW) is None


async def test_a_key_is_free_again_when_its_time_is_over(store: JobStore) -> None:
    await store.reserve_key(KeyItem("hash", "job-1", "request-1", NOW + 1000), NOW)
    second = KeyItem("hash", "job-2", "request-2", NOW + 9000)
    assert await store.reserve_key(second, NOW + 1001) is None
    assert await store.reserve_key(KeyItem("hash", "job-3", "request-3", NOW + 9000), NOW + 1001) == second


async def test_a_reservation_that_is_repeated_is_still_ours(store: JobStore) -> None:
    key = KeyItem("hash", "job-1", "request-1", NOW + 1000)
    assert [await store.reserve_key(key, NOW), await store.reserve_key(key, NOW)] == [None, None]


async def test_of_sixteen_reservations_of_a_key_one_wins_and_the_others_learn_whose_it_is(store: JobStore) -> None:
    keys = [KeyItem("hash", f"job-{number}", "request", NOW + 1000) for number in range(RACERS)]
    answers = await asyncio.gather(*(store.reserve_key(key, NOW) for key in keys))
    winner = keys[answers.index(None)]
    assert [answer for answer in answers if answer is not None] == [winner] * (RACERS - 1)


async def test_a_key_and_a_job_of_one_name_do_not_meet(store: JobStore) -> None:
    await store.reserve_key(KeyItem("same", "job-1", "request", NOW + 1000), NOW)
    assert await store.get("same") is None


async def test_the_check_passes_where_the_table_can_be_read(store: JobStore) -> None:
    await store.check()


async def test_the_check_of_writing_passes_and_writes_nothing(store: JobStore) -> None:
    await store.check_writing()
    assert await store.get("") is None
