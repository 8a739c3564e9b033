"""What a fleet without work asks of the table: a lone worker 30 requests a minute at most, one of fifty far fewer."""

from __future__ import annotations

import asyncio

from cqworker.daemon.fleet_parts import MEASURED_SHARD
from cqworker.model.record import SHARDS
from cqworker.scheduling.sweep_leases import LEAST_SHARE
from tests.flow.fleet_world import FleetWorld
from tests.flow.handlers import quick
from tests.flow.world import story

MINUTES = 10
SETTLED = 900.0
"""Seconds after which everybody has found a share."""
WITHOUT_SHARD, OF_A_SHARD, OF_LIMITS = 4.5, 3.1, 1.5
"""Requests a minute: two looks at the control, a heartbeat, a look at the leases, at times one at the index; for a
shard two queries and a renewal; for the limits a query, and a renewal every two minutes."""


async def requests_a_minute(world: FleetWorld) -> dict[str, float]:
    """By host, over ten minutes; every call of the table's ports is one request."""

    def counted() -> dict[str, int]:
        return {name: len(host.store.calls) + len(world.lines[name].line.calls) for name, host in world.hosts.items()}

    await asyncio.sleep(SETTLED)
    before = counted()
    await asyncio.sleep(60 * MINUTES)
    return {name: (number - before[name]) / MINUTES for name, number in counted().items()}


@story
async def test_one_worker_alone_makes_thirty_requests_a_minute_at_most() -> None:
    world = FleetWorld({"quick": quick})
    host = world.start()
    asked = await requests_a_minute(world)
    receives = host.queue.calls.count("receive")
    assert asked["w1"] <= 30
    assert receives <= (SETTLED / 60 + MINUTES) * 3 + 1, "SQS is asked as ever: three long polls a minute"
    await world.stop()


@story
async def test_one_of_fifty_makes_four_requests_a_minute_and_three_for_each_shard_that_it_sweeps() -> None:
    world = FleetWorld({"quick": quick})
    for number in range(50):
        world.start(f"w{number}")
        await asyncio.sleep(0.7)
    asked = await requests_a_minute(world)
    assert sum(asked.values()) / len(asked) <= 5
    shards = {name: len(leases.shards) for name, leases in world.leases.items()}
    assert sum(shards.values()) == SHARDS
    assert max(shards.values()) <= LEAST_SHARE
    for name, made in asked.items():
        measures = MEASURED_SHARD in world.leases[name].shards
        limits = OF_LIMITS * world.leases[name].has_limits
        assert made <= WITHOUT_SHARD + OF_A_SHARD * shards[name] + measures + limits, name
    assert sum(made <= 6 for made in asked.values()) >= 50 - SHARDS
    await world.stop()


@story
async def test_a_fleet_shares_the_shards_and_none_of_them_is_left() -> None:
    world = FleetWorld({"quick": quick})
    world.start("first")
    await asyncio.sleep(120)
    assert len(world.leases["first"].shards) == SHARDS
    for number in range(1, 8):
        world.start(f"w{number}")
    swept: list[str] = []
    for _ in range(60):
        await asyncio.sleep(10)
        swept = [shard for leases in world.leases.values() for shard in leases.shards]
        assert len({*swept}) == SHARDS, "one that is offered is swept until somebody takes it"
    assert len(swept) == SHARDS
    assert max(len(leases.shards) for leases in world.leases.values()) <= 2
    await world.stop()
