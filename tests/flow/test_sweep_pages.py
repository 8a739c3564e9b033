"""A sweep goes through its shards page by page, and says that it came to the end of one only where it saw every job."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import Unavailable
from cqworker.events.schedule_events import ShardSwept
from cqworker.model.status import Status
from cqworker.scheduling.sweep_leases import ALL_SHARDS
from tests.flow.faults import refused
from tests.flow.handlers import quick
from tests.flow.world import World, story


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
