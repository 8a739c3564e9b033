"""A job that waits is given another level: at once, once, and without ever being lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from cqworker.errors import NotAllowedNow, SubmissionRefused, Unavailable
from cqworker.model.priorities import PriorityName
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.status import Status
from cqworker.testing import World as PublicWorld
from cqworker.testing import in_virtual_time
from cqworker.testing.mishaps import refused
from tests.flow.handlers import quick
from tests.flow.test_priorities import Starts, fill, handlers_of, levelled
from tests.flow.world import World, story

LEVELS: tuple[PriorityName, ...] = ("high", "medium", "low")


@in_virtual_time
async def test_a_low_job_made_high_overtakes_those_before_it() -> None:
    starts = Starts()
    async with PublicWorld(handlers_of(starts), concurrency=2, queues=levelled(), workers=0) as world:
        await fill(world, {"low": 500}, 10.0)
        chosen = await world.submit("work", {"seconds": 1}, priority="low")
        world.start()
        await world.advance(35)
        job = await world.operator.reprioritise(chosen.job_id, "high")
        assert (job.priority, job.history[-1].event, job.history[-1].reason) == ("high", "reprioritised", "high")
        asked = asyncio.get_running_loop().time()
        await world.wait(chosen.job_id)
        world.kill("w1")
    assert starts.ids[chosen.job_id] - asked <= 11.0


@in_virtual_time
async def test_both_messages_are_gone_once_it_has_run_once() -> None:
    starts = Starts()
    async with PublicWorld(handlers_of(starts), concurrency=2, queues=levelled(), workers=0) as world:
        job = await world.submit("work", priority="low")
        await world.operator.reprioritise(job.job_id, "high")
        assert {name: len(bodies) for name, bodies in world.messages.items()} == {
            "jobs": 0,
            "jobs-high": 1,
            "jobs-low": 1,
            "jobs-dead": 0,
        }
        world.start()
        await world.wait(job.job_id)
        await world.advance(200)
        assert not any(world.messages.values())
    assert starts.levels == ["high"]


@in_virtual_time
async def test_made_medium_again_it_stays_so_whichever_copy_comes_first() -> None:
    starts = Starts()
    async with PublicWorld(handlers_of(starts), queues=levelled(), workers=0) as world:
        job = await world.submit("work", priority="low")
        await world.operator.reprioritise(job.job_id, "medium")
        world.start()
        assert (await world.wait(job.job_id)).priority == "medium"


@in_virtual_time
async def test_of_a_scheduled_job_nothing_is_sent_until_it_is_due() -> None:
    starts = Starts()
    async with PublicWorld(handlers_of(starts), queues=levelled()) as world:
        job = await world.submit("work", run_at=world.now + timedelta(days=2))
        await world.operator.reprioritise(job.job_id, 9)
        assert not any(world.messages.values())
        await world.advance(timedelta(days=2, seconds=-300))
        assert {name for name, bodies in world.messages.items() if bodies} == {"jobs-high"}
        await world.wait(job.job_id)
    assert starts.levels == ["high"]


@in_virtual_time
async def test_a_job_that_runs_or_has_ended_keeps_its_level() -> None:
    starts = Starts()
    async with PublicWorld(handlers_of(starts), queues=levelled()) as world:
        job = await world.submit("work", {"seconds": 30})
        await world.advance(1)
        with pytest.raises(NotAllowedNow, match="is RUNNING; only a job that waits can be given another priority"):
            await world.operator.reprioritise(job.job_id, "high")
        await world.wait(job.job_id)
        with pytest.raises(NotAllowedNow, match="submit it anew"):
            await world.operator.reprioritise(job.job_id, "high")


@in_virtual_time
async def test_a_level_that_its_queue_has_not_is_refused_with_those_that_it_has() -> None:
    async with PublicWorld(handlers_of(Starts()), queues=[*levelled(), "plain"], workers=0) as world:
        job, other = await world.submit("work"), await world.submit("work", queue="plain")
        with pytest.raises(SubmissionRefused, match="ask for high, medium, low"):
            await world.operator.reprioritise(job.job_id, "highest")
        with pytest.raises(SubmissionRefused, match='The queue "plain" has no levels of priority here'):
            await world.operator.reprioritise(other.job_id, "high")


@story
async def test_who_dies_between_the_write_and_the_send_leaves_it_in_its_old_place() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    job_id = await world.submit("work", priority="low")
    world.office.queues["jobs-high"].away = refused
    with pytest.raises(Unavailable):
        await world.operator.reprioritise(job_id, None, "high")
    assert world.record(job_id).priority == "high"
    assert [len(world.queues[name].bodies) for name in ("jobs-high", "jobs-low")] == [0, 1]
    world.start()
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_of_a_job_on_a_waiting_list_nothing_is_sent_until_its_turn() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    job_id = await world.submit("work", priority="low")
    for queue in world.queues.values():
        queue.purge()
    world.store.records[job_id] = replace(world.record(job_id), parked="type:work", token="t")
    await world.operator.reprioritise(job_id, None, "high")
    assert not any(queue.bodies for queue in world.queues.values())
    assert (world.record(job_id).priority, world.record(job_id).parked) == ("high", "type:work")


@story
async def test_asked_again_for_the_same_level_its_message_is_sent_again() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    job_id = await world.submit("work", priority="low")
    world.office.queues["jobs-high"].away = refused
    with pytest.raises(Unavailable):
        await world.operator.reprioritise(job_id, None, "high")
    world.office.queues["jobs-high"].away = None
    before = len(world.record(job_id).history)
    await world.operator.reprioritise(job_id, None, "high")
    assert len(world.record(job_id).history) == before
    assert [len(world.queues[name].bodies) for name in ("jobs-high", "jobs-low")] == [1, 1]


@story
async def test_a_claim_that_comes_first_is_seen() -> None:
    """The condition names all that was seen: a job that started meanwhile is not given another level."""
    world = World({"work": quick}, priorities=LEVELS)
    job_id = await world.submit("work", priority="low")

    async def starts_first(write: object) -> object:
        world.start()
        await world.until(job_id)
        return await write()  # type: ignore[operator]

    world.office.store.on(Reprioritise, starts_first)
    with pytest.raises(NotAllowedNow, match="SUCCEEDED"):
        await world.operator.reprioritise(job_id, None, "high")
    await world.stop()
    assert world.record(job_id).priority == "low"
