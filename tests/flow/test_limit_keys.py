"""Limits by key: the jobs of one tenant that name one text."""

from __future__ import annotations

import pytest

from cqworker.model.limits import hashed_key
from cqworker.model.status import Status
from tests.flow.slots import Meter, end_all
from tests.flow.world import World, story


@pytest.mark.parametrize("named", ["inbox", "acme:inbox", "key:acme:inbox", hashed_key("acme", "inbox")])
@story
async def test_no_tenant_takes_a_slot_of_another_s_key_or_waits_for_one_whatever_it_names(named: str) -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"key:*": {"concurrency": 1}})
    world.start()
    hers = await world.submit("work", '{"seconds": 100}', tenant="acme", limit_key="inbox")
    await world.until(hers, Status.RUNNING)
    waits = await world.submit("work", tenant="acme", limit_key="inbox")
    await world.until_true(lambda: world.record(waits).parked == hashed_key("acme", "inbox"))
    other = await world.submit("work", tenant="bob", limit_key=named)
    await world.until(other, Status.SUCCEEDED, patience=30)
    assert world.record(hers).status is Status.RUNNING
    assert list(world.limits.shards[hashed_key("acme", "inbox"), 0].held) == [hers]
    assert list(world.limits.lists[hashed_key("acme", "inbox")]) == [waits]
    await end_all(world, [hers, waits])
    await world.stop()
