"""A sweep goes through its shards page by page, and says that it came to the end of one only where it saw every job."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.errors import Unavailable
from cqworker.events.schedule_events import ShardSwept
from cqworker.jobs.hand_over import HORIZON_MS
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.schedule import DueEntry
from cqworker.scheduling.sweep_leases import ALL_SHARDS, SweepLeases
from cqworker.scheduling.sweeper import PAGE, Sweeper
from cqworker.testing.memory_schedule import MemorySchedule
from cqworker.worker.assembly import context_of, lists_of
from tests.flow.faults import refused
from tests.flow.handlers import quick
from tests.flow.time_travel import MINUTE
from tests.flow.world import World, story

QUERY, READ, HAND_OVER = 0.01, 0.02, 0.05
"""Seconds that each request of a page takes, and its hundred messages with their writes: a slow service's."""
MILLION = 1_000_000


class Crowd(MemorySchedule):
    """Jobs without number that are all due in one second, made when they are asked for.

    `in_hand` are those that were read and not handed over yet, `left` the numbers of those that wait, by shard.
    """

    def __init__(self, world: World, number: int, due: int) -> None:
        super().__init__(world.store)
        self._clock = world.clock
        self._due = due
        self._template = JobRecord(
            job_id="",
            type="quick",
            queue="jobs",
            tenant="default",
            status=Status.SCHEDULED,
            max_attempts=1,
            created_at=0,
            purge_at=due,
            scheduled_at=due,
            due="0",
        )
        self._of_a_shard = number // len(ALL_SHARDS)
        self.left = dict.fromkeys(ALL_SHARDS, self._of_a_shard)
        self.in_hand = self.most_in_hand = self.pages = 0
        self.last = 0.0

    async def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None = None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        await asyncio.sleep(QUERY)
        if until < self._due or not self.left[shard]:
            return [], None
        self.pages += 1
        first, number = self._of_a_shard - self.left[shard], min(limit, self.left[shard])
        found = [DueEntry(self._due, f"{shard}-{place:06}") for place in range(first, first + number)]
        return found, found[-1] if self.left[shard] > limit else None

    async def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        await asyncio.sleep(READ)
        self.in_hand += len(job_ids)
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        return [replace(self._template, job_id=job_id) for job_id in job_ids]

    async def hand_over_all(self, records: Sequence[JobRecord]) -> Sequence[None]:
        """As HandOvers.hand_over_all: what was sent leaves the index."""
        await asyncio.sleep(HAND_OVER)
        for record in records:
            shard, _, number = record.job_id.partition("-")
            assert int(number) == self._of_a_shard - self.left[shard], "each is sent once, in their order"
            self.left[shard] -= 1
        self.in_hand -= len(records)
        self.last = self._clock.now()
        return [None] * len(records)


@story
async def test_a_million_jobs_of_one_second_are_handed_over_before_it_by_one_process_page_by_page() -> None:
    world = World({"quick": quick})
    due = world.clock.now() + 20 * 60_000
    crowd: Any = Crowd(world, MILLION, due)
    context = context_of(world.office.ground, world.settings, "w1")
    leases = SweepLeases(crowd, world.clock, "w1", lambda: 0.5)
    sweeper = Sweeper(crowd, context, crowd, leases, lists_of(world.office.ground, world.settings))
    running = asyncio.get_running_loop().create_task(sweeper.run())
    await asyncio.sleep(4 * MINUTE)
    assert sum(crowd.left.values()) == MILLION, "nothing can be sent before SQS can delay it until then"
    await asyncio.sleep(16 * MINUTE)
    assert sum(crowd.left.values()) == 0
    assert due - HORIZON_MS <= crowd.last < due
    assert (crowd.pages, crowd.most_in_hand) == (MILLION // PAGE, PAGE), "never more than a page in memory"
    sweeper.stop()
    await running


@story
async def test_a_page_whose_records_a_throttled_table_does_not_say_is_read_again_and_no_end_of_its_shard() -> None:
    world = World({"quick": quick})
    sweeper = world.office.sweeper
    job_id = await world.submit("quick", delay_seconds=1000)
    await asyncio.sleep(200)
    world.office.store.on("read_many", refused, 1)
    with pytest.raises(Unavailable):
        await sweeper.sweep()
    shard = world.record(job_id).due
    assert {event.shard for event in world.office.seen(ShardSwept)} == {*ALL_SHARDS} - {shard}
    await sweeper.sweep()
    assert world.record(job_id).status is Status.QUEUED
    assert {event.shard for event in world.office.seen(ShardSwept)} == {*ALL_SHARDS}
