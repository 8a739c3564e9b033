"""The port Schedule: what is due, in order and page by page; records read together; who sweeps what."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Sequence

import pytest
from msgspec.structs import replace

from cqworker.errors import NotProvisioned
from cqworker.model.history import Entry
from cqworker.model.operator_writes import Enter
from cqworker.model.record import JobRecord, shard_of
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.status import Status
from cqworker.model.writes import Written
from cqworker.ports import JobStore
from cqworker.ports.schedule import DueEntry, Schedule, SweepLease
from tests.contract.cases import PURGE
from tests.contract.clock import NOW, SetClock
from tests.contract.test_store_races import claim_of, submitted
from tests.contract.worlds import World

SHARD = "3"
HOUR = 3_600_000
LOOKS = 1200
"""Looks, 50 ms apart, in which an index has to follow its table: those of the tests follow at once, or nearly so."""


@pytest.fixture
async def both(world: World, clock: SetClock) -> tuple[Schedule, JobStore]:
    return await world.schedule(clock)


@pytest.fixture
def schedule(both: tuple[Schedule, JobStore]) -> Schedule:
    return both[0]


@pytest.fixture
def store(both: tuple[Schedule, JobStore]) -> JobStore:
    return both[1]


def ids_in(shard: str) -> list[str]:
    """Ids of jobs that this shard has."""
    numbered = (f"job-{number:04}" for number in itertools.count())
    return list(itertools.islice((name for name in numbered if shard_of(name) == shard), 12))


IDS = ids_in(SHARD)


async def schedule_job(store: JobStore, job_id: str, at: int) -> JobRecord:
    """A job that waits in the index for this time (epoch ms)."""
    record = replace(
        submitted(), job_id=job_id, status=Status.SCHEDULED, scheduled_at=at, due=shard_of(job_id), purge_at=PURGE
    )
    answer = await store.write(Enter(record=record))
    assert isinstance(answer, Written)
    return answer.record


async def all_due(schedule: Schedule, until: int, limit: int = 100) -> list[DueEntry]:
    """Everything that is due by then, page by page; no page is longer than asked for."""
    found: list[DueEntry] = []
    after: DueEntry | None = None
    while True:
        page, after = await schedule.due(SHARD, until, limit, after)
        assert len(page) <= limit
        found += page
        if after is None:
            return found


async def comes_to_have(schedule: Schedule, wanted: Sequence[DueEntry], until: int = NOW + HOUR) -> None:
    """The index has exactly this, once it has followed."""
    found: list[DueEntry] = []
    for _ in range(LOOKS):
        if (found := await all_due(schedule, until)) == list(wanted):
            return
        await asyncio.sleep(0.05)
    assert found == list(wanted)


async def test_an_index_that_is_there_is_ready(schedule: Schedule) -> None:
    assert await schedule.is_ready()


async def test_an_index_that_is_missing_is_not_ready_and_that_is_no_error(world: World, clock: SetClock) -> None:
    schedule, _ = await world.schedule(clock, indexed=False)
    assert not await schedule.is_ready()
    with pytest.raises(NotProvisioned):
        await schedule.due(SHARD, NOW, 10)


async def test_what_is_due_is_found_the_earliest_first(schedule: Schedule, store: JobStore) -> None:
    times = [NOW + 900, NOW - 5, NOW + 10_000, NOW + 90]
    for job_id, at in zip(IDS, times, strict=False):
        await schedule_job(store, job_id, at)
    elsewhere = next(name for name in ids_in("4"))
    await schedule_job(store, elsewhere, NOW)
    await comes_to_have(
        schedule,
        [
            DueEntry(NOW - 5, IDS[1]),
            DueEntry(NOW + 90, IDS[3]),
            DueEntry(NOW + 900, IDS[0]),
            DueEntry(NOW + 10_000, IDS[2]),
        ],
    )
    assert await all_due(schedule, NOW + 900) == [
        DueEntry(NOW - 5, IDS[1]),
        DueEntry(NOW + 90, IDS[3]),
        DueEntry(NOW + 900, IDS[0]),
    ]
    assert await all_due(schedule, NOW - 6) == []


@pytest.mark.parametrize("limit", [1, 4, 5, 10])
async def test_pages_go_on_where_the_last_one_ended_and_leave_nobody_out(
    schedule: Schedule, store: JobStore, limit: int
) -> None:
    for job_id in IDS[:10]:
        await schedule_job(store, job_id, NOW + 7)
    await schedule_job(store, IDS[10], NOW + 8)
    found: list[DueEntry] = []
    for _ in range(LOOKS):
        if len(found := await all_due(schedule, NOW + HOUR, limit)) == 11:
            break
        await asyncio.sleep(0.05)
    assert sorted(found[:10]) == [DueEntry(NOW + 7, job_id) for job_id in sorted(IDS[:10])]
    assert found[10:] == [DueEntry(NOW + 8, IDS[10])]


async def test_a_job_leaves_the_index_when_it_is_handed_over_and_stands_elsewhere_when_it_is_put_off(
    schedule: Schedule, store: JobStore
) -> None:
    first = await schedule_job(store, IDS[0], NOW + 10)
    second = await schedule_job(store, IDS[1], NOW + 20)
    await comes_to_have(schedule, [DueEntry(NOW + 10, IDS[0]), DueEntry(NOW + 20, IDS[1])])
    assert isinstance(await store.write(HandOver(seen=first)), Written)
    entry = Entry(NOW, "rescheduled")
    put_off = Reschedule(seen=second, scheduled_at=NOW + HOUR, purge_at=PURGE, entry=entry)
    assert isinstance(await store.write(put_off), Written)
    await comes_to_have(schedule, [DueEntry(NOW + HOUR, IDS[1])])


async def test_a_job_that_starts_leaves_the_index(schedule: Schedule, store: JobStore, clock: SetClock) -> None:
    record = await schedule_job(store, IDS[0], NOW - 10)
    await comes_to_have(schedule, [DueEntry(NOW - 10, IDS[0])])
    claim = replace(claim_of(record, "boot.1"), envelope=replace(claim_of(record, "boot.1").envelope, at=NOW - 10))
    assert isinstance(await store.write(claim), Written)
    await comes_to_have(schedule, [])


async def test_records_are_read_together_and_who_has_none_is_left_out(schedule: Schedule, store: JobStore) -> None:
    records = [await schedule_job(store, job_id, NOW + 5) for job_id in IDS[:3]]
    assert await schedule.read_many([]) == []
    found = await schedule.read_many([*IDS[:3], "absent"])
    assert by_id(found) == by_id(records)


async def test_a_hundred_records_are_read_at_once(schedule: Schedule, store: JobStore) -> None:
    names = [f"many-{number}" for number in range(100)]
    await asyncio.gather(*(schedule_job(store, name, NOW) for name in names))
    assert {record.job_id for record in await schedule.read_many(names)} == set(names)


async def test_a_record_that_is_read_shows_what_was_written_a_moment_ago(schedule: Schedule, store: JobStore) -> None:
    record = await schedule_job(store, IDS[0], NOW + 5)
    answer = await store.write(HandOver(seen=record))
    assert isinstance(answer, Written)
    assert await schedule.read_many([IDS[0]]) == [answer.record]


async def test_a_record_past_its_time_is_left_out(schedule: Schedule, store: JobStore, clock: SetClock) -> None:
    record = await schedule_job(store, IDS[0], NOW + 5)
    clock.ms = record.purge_at * 1000 - 1
    assert len(await schedule.read_many([IDS[0]])) == 1
    clock.ms = record.purge_at * 1000
    assert await schedule.read_many([IDS[0]]) == []


def by_id(records: Collection[JobRecord]) -> dict[str, JobRecord]:
    return {record.job_id: record for record in records}


def lease(holder: str, until: int, shard: str = SHARD) -> SweepLease:
    return SweepLease(shard, holder, until)


async def leases(schedule: Schedule) -> set[tuple[str, str, int]]:
    return {(each.shard, each.holder, each.until) for each in await schedule.sweep_leases()}


async def test_of_sixteen_who_take_a_sweep_lease_one_gets_it(schedule: Schedule) -> None:
    assert await schedule.sweep_leases() == []
    wanted = [lease(f"host:{number}", NOW + 1000) for number in range(16)]
    answers = await asyncio.gather(*(schedule.take_sweep_lease(each, NOW) for each in wanted))
    assert sum(answers) == 1
    assert await leases(schedule) == {(SHARD, wanted[answers.index(True)].holder, NOW + 1000)}


async def test_a_lease_is_its_holder_s_until_it_ends_and_may_be_renewed(schedule: Schedule) -> None:
    assert await schedule.take_sweep_lease(lease("one", NOW + 1000), NOW)
    assert await schedule.take_sweep_lease(lease("one", NOW + 2000), NOW + 500)
    assert not await schedule.take_sweep_lease(lease("two", NOW + 9000), NOW + 1500)
    assert not await schedule.take_sweep_lease(lease("two", NOW + 9000), NOW + 2000), "it lasts until then"
    assert await leases(schedule) == {(SHARD, "one", NOW + 2000)}
    assert await schedule.take_sweep_lease(lease("two", NOW + 9000), NOW + 2001)
    assert not await schedule.take_sweep_lease(lease("one", NOW + 9000), NOW + 2002), "who was late finds out"
    assert await leases(schedule) == {(SHARD, "two", NOW + 9000)}


async def test_each_shard_has_a_lease_of_its_own(schedule: Schedule) -> None:
    assert await schedule.take_sweep_lease(lease("one", NOW + 1000, "0"), NOW)
    assert await schedule.take_sweep_lease(lease("two", NOW + 2000, "7"), NOW)
    assert await leases(schedule) == {("0", "one", NOW + 1000), ("7", "two", NOW + 2000)}


async def test_a_lease_that_is_given_up_is_there_for_others_at_once(schedule: Schedule) -> None:
    await schedule.take_sweep_lease(lease("one", NOW + 1000), NOW)
    await schedule.give_up_sweep_lease(SHARD, "one")
    assert await leases(schedule) == set()
    assert await schedule.take_sweep_lease(lease("two", NOW + 1000), NOW)
    await schedule.give_up_sweep_lease(SHARD, "one")
    await schedule.give_up_sweep_lease("5", "one")
    assert await leases(schedule) == {(SHARD, "two", NOW + 1000)}, "nobody gives up what is another's"
