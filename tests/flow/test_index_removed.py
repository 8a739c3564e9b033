"""The index of due jobs is taken away while daemons run, and made again."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import NotProvisioned
from cqworker.events import ServiceFailed
from cqworker.flow.schedule_state import BELIEVED_FOR
from cqworker.model.status import Status
from tests.flow.handlers import quick
from tests.flow.world import World, story

MINUTE = 60.0


@story
async def test_without_its_index_a_table_serves_all_other_jobs_and_what_waits_is_sent_once_it_is_there_again() -> None:
    world = World({"quick": quick})
    host = world.start()
    later = await world.submit("quick", run_at=world.clock.now() + 1_200_000)
    await asyncio.sleep(2 * MINUTE)
    world.schedule.ready = False
    await asyncio.sleep(MINUTE)
    assert (await world.until(await world.submit("quick"))).status is Status.SUCCEEDED
    assert not host.ground.schedule_state.is_ready
    await asyncio.sleep(BELIEVED_FOR)
    with pytest.raises(NotProvisioned):
        await world.submit("quick", run_at=world.clock.now() + 3_600_000)
    await asyncio.sleep(35 * MINUTE)
    assert world.record(later).status is Status.SCHEDULED
    assert (host.ground.health.readiness(), host.ground.health.outages) == ((), {}), "the table itself was never away"
    assert world.seen(ServiceFailed) == []
    world.schedule.ready, back = True, world.clock.now()
    assert (await world.until(later)).status is Status.SUCCEEDED
    assert world.clock.now() - back <= 90_000, "a look every half minute, a sweep, and a poll"
