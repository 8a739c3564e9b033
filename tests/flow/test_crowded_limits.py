"""Limits for which as many jobs wait as may: submissions are refused, and what is in the queue asks again."""

from __future__ import annotations

import asyncio
from dataclasses import replace as changed
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.admission.full_lists import MOST_A_SECOND, FullLists
from cqworker.errors import RateLimited
from cqworker.events.fleet_events import CrowdingNoticed
from cqworker.fleet.explanations import Explanations
from cqworker.model import crowding
from cqworker.model.crowding import Crowding
from cqworker.model.limits import Limit, hashed_key
from cqworker.ports.fleet import Control
from cqworker.ports.limits import Waiter
from cqworker.scheduling.crowding_watch import HOLDS_MS, CrowdingWatch
from cqworker.worker.assembly import context_of, lists_of
from tests.flow.fleet_world import FleetWorld
from tests.flow.slots import Meter, end_all, events_of
from tests.flow.test_limit_pauses import actions_in
from tests.flow.world import World, story

NOTICED = 35
"""Seconds until a daemon knows what was said."""


async def started(limits: dict[str, Any]) -> tuple[FleetWorld, Meter]:
    meter = Meter()
    world = FleetWorld({"work": meter.work}, limits=limits)
    await world.fleet.enable("limits")
    world.office.ground.queue_control.note(await world.fleet.control())
    for name in ("w1", "w2"):
        world.start(name)
    await asyncio.sleep(2)
    return world, meter


async def until_said(world: FleetWorld) -> Crowding:
    """What the sweep tells; the office reads it as a daemon does."""
    await world.until_true(lambda: world.fleet.present.crowding, patience=150)
    world.office.ground.queue_control.note(await world.fleet.control())
    await asyncio.sleep(NOTICED)
    assert world.fleet.present.crowding is not None
    return world.fleet.present.crowding


@story
async def test_while_a_list_is_full_submissions_are_refused_and_what_comes_from_the_queue_asks_again() -> None:
    world, meter = await started({"type:work": {"concurrency": 1, "max_waiting": 3}})
    jobs = [await world.submit("work", '{"seconds": 300}') for _ in range(4)]
    late = [await world.submit("work", delay_seconds=200) for _ in range(3)]
    assert (await until_said(world)).limits == ("type:work",)
    said = r"already wait for type:work: nothing was accepted. Send it again in 60 s"
    with pytest.raises(RateLimited, match=said) as caught:
        await world.submit("work")
    assert caught.value.retry_after == 60
    await world.until_true(lambda: all("handed_back crowded type:work" in events_of(world.record(j)) for j in late))
    assert len(world.limits.lists["type:work"]) == 3
    assert {world.record(job).parked for job in late} == {None}
    why = await Explanations(world.limits, world.clock).explain(world.record(late[0]), sees_all=True)
    assert why == "not even parked, for as many as may already wait for type:work; it asks again and again"
    assert (await actions_in(world).show("type:work")).is_full
    await end_all(world, [*jobs, *late])
    assert meter.most == {"default": 1}
    await world.until_true(lambda: world.fleet.present.crowding is None, patience=150)
    told = [event.limits for event in world.seen(CrowdingNoticed)]
    assert (told[0], told[-1]) == ("type:work", "")
    world.office.ground.queue_control.note(await world.fleet.control())
    await end_all(world, [await world.submit("work")])
    await world.stop()


@story
async def test_a_tenant_for_whose_limit_keys_too_many_lists_are_kept_gets_no_more_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowding, "MAX_WAITED_KEYS", 3)
    world, _ = await started({"key:*": {"concurrency": 1}})
    jobs = [
        await world.submit("work", '{"seconds": 200}', tenant="acme", limit_key=f"k{number}")
        for number in range(3)
        for _ in range(2)
    ]
    assert (await until_said(world)).tenants == ("acme",)
    with pytest.raises(RateLimited, match='of the tenant "acme" already wait for 3 limit_keys'):
        await world.submit("work", tenant="acme", limit_key="k9")
    of_bob = await world.submit("work", tenant="bob", limit_key="k1")
    without_key = await world.submit("work", tenant="acme")
    await end_all(world, [*jobs, of_bob, without_key])
    await world.stop()


@story
async def test_who_was_woken_and_finds_no_slot_goes_back_to_a_list_that_is_full() -> None:
    world = World({"work": Meter().work}, limits={"type:work": {"concurrency": 1}})
    host = world.start()
    first, second = [await world.submit("work", f'{{"seconds": {seconds}}}') for seconds in (100, 5)]
    await world.until_true(lambda: world.record(second).parked)
    full = Crowding(limits=("type:work",), until=world.clock.now() + 10**9)
    host.ground.queue_control.note(Control(1, crowding=full))
    await asyncio.sleep(1)
    slots = world.limits.shards["type:work", 0]
    world.limits.shards["type:work", 0] = replace(slots, held={})
    await lists_of(world.office.ground, world.settings).look("type:work")
    world.limits.shards["type:work", 0] = slots
    await world.until_true(lambda: events_of(world.record(second))[-1] == "handed_back parked type:work x2")
    await end_all(world, [first, second])
    assert "handed_back crowded type:work" not in events_of(world.record(second))
    await world.stop()


@story
async def test_a_first_look_takes_nothing_back_and_what_nobody_says_again_ends_by_itself() -> None:
    world = World({"work": Meter().work})
    context = context_of(world.office.ground, world.settings)
    said, control = list[Crowding](), context.queue_control
    full = Crowding(limits=("type:work",), until=world.clock.now() + 60_000)
    control.note(Control(1, crowding=full))

    async def tell(crowding: Crowding) -> None:
        said.append(crowding)

    watch = CrowdingWatch(changed(context, tell_crowding=tell))
    await watch.note([], [])
    assert [one.limits for one in said] == [("type:work",)], "half of its time is over, and it is said again"
    assert control.first_full(("queue:jobs", "type:work")) == "type:work"
    await asyncio.sleep(HOLDS_MS / 1000)
    assert control.first_full(("type:work",)) is None
    await watch.note([], [])
    assert said[-1].is_empty
    await watch.note([], [])
    assert len(said) == 2


def test_the_tenant_of_a_key_is_the_one_who_named_it() -> None:
    keys = [hashed_key(tenant, text) for tenant in ("a:b", "c") for text in map(str, range(999))]
    assert crowding.crowded_tenants([*keys, "tenant:a:b", "type:t"]) == []
    assert crowding.crowded_tenants([*keys, hashed_key("a:b", "one more")]) == ["a:b"]
    full = Crowding(tenants=("a:b",), until=2)
    assert full.first_full(("tenant:a:b", keys[0]), 1) == keys[0]
    assert full.first_full((keys[0],), 2) is None
    assert full.first_full((keys[-1],), 1) is None


@story
async def test_a_list_is_counted_when_it_can_be_full_and_not_before() -> None:
    world = World({"work": Meter().work})
    counted, count = list[int](), world.limits.count_waiters

    async def noted(key: str, most: int) -> int:
        counted.append(await count(key, most))
        return counted[-1]

    world.limits.count_waiters = noted  # type: ignore[method-assign]
    most = 100 * MOST_A_SECOND
    full = FullLists(world.limits, world.clock, lambda key: Limit(max_waiting=most) if key == "type:work" else None)
    assert not await full.has("type:of no limit")
    assert not counted
    for waited, times in ((0, 1), (60, 1), (60, 2), (60, 2)):
        await asyncio.sleep(waited)
        assert not await full.has("type:work")
        assert len(counted) == times
    for number in range(most):
        waiter = Waiter(number, f"job {number}", "token", 1, 1)
        world.limits.lists["type:work"][waiter.job_id] = waiter
    await asyncio.sleep(60)
    assert await full.has("type:work")
    await asyncio.sleep(1)
    assert await full.has("type:work"), "one that is full is counted every time"
    assert len(counted) == 4
