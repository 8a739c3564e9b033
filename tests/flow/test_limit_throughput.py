"""How much of what limits allow is used while a long queue is parked, on the virtual clock: no machine is too slow."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker import Job, handler
from cqworker.testing.host import Host
from tests.conftest import Tell
from tests.flow.slots import settled
from tests.flow.world import World, story

MOST = 3
SECONDS = 2.0
LATENCY = 0.015
"""Seconds that each way of a call takes: what a slow table has, so that the queue is behind for a good while."""
SHARE = 0.8
JOBS, KEYS, WORKERS, SLOTS = 1000, 10, 3, 13
"""A fifth of the jobs, keys and slots of `python -m tests.chaos Q`: as many jobs of a key."""


def slow(host: Host) -> None:
    for line in (host.store, host.queue):
        line.latency = lambda: LATENCY


@story
async def test_four_fifths_of_what_limits_allow_are_used_while_many_wait(tell: Tell) -> None:
    """Slots that waited for woken jobs, behind all that their queue held, stood free: it was 76 %."""
    starts: list[float] = []

    @handler(limits="key")
    async def work(_payload: dict[str, Any], _job: Job) -> None:
        starts.append(world.clock.monotonic())
        await asyncio.sleep(SECONDS)

    world = World({"work": work}, concurrency=SLOTS, limits={"key:*": {"concurrency": MOST}})
    for number in range(JOBS):
        await world.submit("work", f'{{"key": "key-{number % KEYS}"}}')
    for number in range(WORKERS):
        world.start(f"w{number}", before=slow)
    await world.until_true(lambda: len(starts) == JOBS, patience=600)
    ideal, took = SECONDS * -(-JOBS // KEYS) / MOST, starts[-1] + SECONDS - starts[0]
    tell(f"{JOBS} jobs of {SECONDS:g} s on {KEYS} keys of limit {MOST}: {ideal / took:.0%} of what the limits allow")
    assert took <= ideal / SHARE
    await world.until_empty()
    await world.until_true(lambda: settled(world), patience=200)
    await world.stop()
