"""Copies of parked jobs: they put a job back on its list where it is not there, and change nothing where it is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.admission.waiting_lists import park_of
from cqworker.events import JobHandedBack
from cqworker.model.envelope import read_envelope
from cqworker.model.record import envelope_of
from cqworker.model.status import Status
from cqworker.ports import Letter
from cqworker.ports.limits import Slots, Waiter
from cqworker.worker.assembly import lists_of
from tests.flow.slots import Meter, end_all
from tests.flow.world import World, story

KEY = "type:work"
RATED = {KEY: {"rate": "100/s", "concurrency": 1}}


async def parked(world: World) -> tuple[str, Waiter]:
    """A job that was parked at its moment, while another one has the slot, and its entry."""
    first = await world.submit("work", '{"seconds": 60}')
    await world.until(first, Status.RUNNING)
    second = await world.submit("work")
    await world.until_true(lambda: world.record(second).parked)
    await asyncio.sleep(1)
    return second, world.limits.lists[KEY][second]


async def send_copy(world: World, job_id: str) -> None:
    """Its first message once more."""
    envelope = replace(envelope_of(world.record(job_id)), woken=None)
    await world.queue.send(Letter(body=envelope.text()))


@story
async def test_a_copy_of_a_job_that_was_parked_at_its_moment_does_not_take_that_from_it() -> None:
    world = World({"work": Meter().work}, limits=RATED)
    world.start()
    job_id, entry = await parked(world)
    assert entry.is_admitted
    await send_copy(world, job_id)
    await asyncio.sleep(5)
    assert not world.queue.bodies[1:], "the copy is gone"
    assert replace(world.limits.lists[KEY][job_id], token=entry.token) == entry
    await end_all(world, [job_id])
    await world.stop()


@story
async def test_a_copy_that_was_held_up_takes_the_place_of_no_later_park() -> None:
    world = World({"work": Meter().work}, limits=RATED)
    world.start()
    job_id, entry = await parked(world)
    record = world.record(job_id)
    later = replace(entry, token="that of a later claim", parked_at=entry.parked_at + 1_000)
    world.limits.lists[KEY][job_id] = later
    await lists_of(world.office.ground, world.settings).relist(record)
    assert world.limits.lists[KEY][job_id] == later
    world.limits.lists[KEY][job_id] = entry
    await end_all(world, [job_id])
    await world.stop()


@story
async def test_a_copy_puts_a_job_back_that_is_on_no_list() -> None:
    world = World({"work": Meter().work}, limits=RATED)
    world.start()
    job_id, entry = await parked(world)
    del world.limits.lists[KEY][job_id]
    await send_copy(world, job_id)
    await world.until_true(lambda: job_id in world.limits.lists[KEY])
    assert park_of(world.limits.lists[KEY][job_id]) == entry.token
    await end_all(world, [job_id])
    await world.stop()


@pytest.mark.parametrize("is_late", [False, True], ids=["a copy is late", "all of it is late"])
@story
async def test_who_woke_it_takes_nothing_off_that_was_put_there_since_however_late(is_late: bool) -> None:
    world = World({"work": Meter().work}, limits=RATED)
    world.start()
    job_id, entry = await parked(world)
    record, lists = world.record(job_id), lists_of(world.office.ground, world.settings)
    for _ in range(3):
        if not is_late:
            assert await world.limits.delete_waiter(KEY, entry)
        await lists.relist(record)
        assert not await world.limits.delete_waiter(KEY, entry), "the delete, or a copy of it, after the relist"
        entry = world.limits.lists[KEY][job_id]
    assert entry.is_admitted is is_late
    await end_all(world, [job_id])
    await world.stop()


@story
async def test_two_who_look_at_once_wake_two_jobs_and_no_job_twice() -> None:
    world = World({"work": Meter().work}, limits={KEY: {"concurrency": 2}})
    host = world.start()
    running = [await world.submit("work", '{"seconds": 60}') for _ in range(2)]
    await world.until_true(lambda: all(world.record(job).status is Status.RUNNING for job in running))
    waiting = [await world.submit("work") for _ in range(2)]
    await world.until_true(lambda: all(world.record(job).parked for job in waiting))
    await asyncio.sleep(1)
    lists, sent, read = lists_of(world.office.ground, world.settings), list[str](), world.limits.first_waiters

    async def read_slowly(*asked: Any) -> Any:
        found = await read(*asked)
        await asyncio.sleep(0.1)
        return found

    async def noted(letter: Letter) -> None:
        sent.append(read_envelope(letter.body).job_id)
        await asyncio.sleep(0.1)
        await send(letter)

    send = world.queue.send
    world.limits.first_waiters = read_slowly  # type: ignore[method-assign,assignment]
    world.queue.send = noted  # type: ignore[method-assign]
    free = [Slots(0, {}, world.limits.shards[KEY, 0].waiting)]
    await asyncio.gather(lists.look(KEY, free, 1), lists.look(KEY, free, 1))
    assert sorted(sent) == sorted(waiting)
    assert host.seen(JobHandedBack)
    await end_all(world, [*running, *waiting])
    await world.stop()
