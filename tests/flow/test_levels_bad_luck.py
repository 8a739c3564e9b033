"""Bad luck with levels: one that was taken out, workers from before, dead letters, pauses, drains, deaths."""

from __future__ import annotations

import json

import pytest

from cqworker.errors import SubmissionRefused
from cqworker.events.level_events import LevelReceived
from cqworker.model.priorities import PriorityName
from cqworker.model.status import FailureKind, Status
from cqworker.ports import Letter
from cqworker.ports.fleet import Control, QueueOrder, QueueState
from cqworker.settings import QueueSettings
from cqworker.testing import World as PublicWorld
from cqworker.testing import in_virtual_time
from tests.flow.handlers import quick
from tests.flow.test_priorities import Starts, fill, handlers_of, levelled
from tests.flow.world import World, story

LEVELS: tuple[PriorityName, ...] = ("high", "medium", "low")


@story
async def test_a_level_that_was_taken_out_is_emptied_as_a_queue_of_its_own() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    job_id = await world.submit("work", priority="low")
    two = world.settings.queues[0].model_copy(update={"priorities": ("high", "medium")})
    alone = QueueSettings(name="jobs-low", visibility_timeout=two.visibility_timeout)
    world.settings = world.settings.model_copy(update={"queues": (two,)})
    former = world.start()
    with pytest.raises(TimeoutError):
        await world.until(job_id, patience=600)
    await former.drain()
    del world.hosts["w1"]
    world.settings = world.settings.model_copy(update={"queues": (two, alone)})
    world.start("w2")
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert world.record(job_id).priority == "low"
    await world.stop()


@story
async def test_a_worker_from_before_drains_the_middle_level_and_leaves_the_others() -> None:
    """It knows no levels: its settings have none, and it polls the plain name alone."""
    world = World({"work": quick}, priorities=LEVELS)
    jobs = {level: await world.submit("work", priority=level) for level in LEVELS}
    plain = world.settings.queues[0].model_copy(update={"priorities": ()})
    levelled_settings = world.settings
    world.settings = world.settings.model_copy(update={"queues": (plain,)})
    world.start("old")
    await world.until(jobs["medium"])
    with pytest.raises(TimeoutError):
        await world.until(jobs["high"], patience=600)
    world.settings = levelled_settings
    world.start("new")
    for job_id in jobs.values():
        assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_retry_of_a_job_goes_to_its_level_again() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    job_id = await world.submit("work", priority="high")
    await world.operator.cancel(job_id, None)
    await world.operator.retry(job_id, None)
    assert [json.loads(body)["round"] for body in world.queues["jobs-high"].bodies] == [1, 2]
    world.start()
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_message_of_others_has_the_level_whose_queue_it_came_through() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    await world.queues["jobs-high"].send(
        Letter(body='{"cqworker": 1, "job_id": "theirs", "type": "work", "payload": {}}')
    )
    world.start()
    record = await world.until("theirs")
    assert (record.queue, record.priority, record.status) == ("jobs", "high", Status.SUCCEEDED)
    await world.stop()


@story
async def test_a_dead_letter_of_any_level_ends_its_job() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    job_id = await world.submit("work", priority="low")
    [body] = world.queues["jobs-low"].bodies
    world.queues["jobs-low"].purge()
    await world.queues["dead"].send(Letter(body=body))
    world.start()
    record = await world.until(job_id)
    assert (record.status, record.failure and record.failure.kind) == (Status.FAILED, FailureKind.LOST)
    await world.stop()


@story
async def test_a_pause_of_the_queue_is_one_of_all_its_levels() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    host = world.start()
    paused = Control(1, {"jobs": QueueOrder(state=QueueState.PAUSED, until=world.clock.now() + 600_000)})
    host.ground.queue_control.note(paused)
    jobs = [await world.submit("work", priority=level) for level in LEVELS]
    for job_id in jobs:
        with pytest.raises(TimeoutError):
            await world.until(job_id, patience=100)
    host.ground.queue_control.note(Control(2))
    for job_id in jobs:
        await world.until(job_id)
    await world.stop()


@story
async def test_a_queue_that_drains_takes_jobs_of_no_level() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    drained = Control(1, {"jobs": QueueOrder(state=QueueState.DRAINING)})
    world.office.ground.queue_control.note(drained)
    for level in LEVELS:
        with pytest.raises(Exception, match='The queue "jobs" takes no new jobs now'):
            await world.submit("work", priority=level)


@story
async def test_a_level_that_the_queue_has_not_is_refused_with_those_that_it_has() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    with pytest.raises(SubmissionRefused, match="ask for high, medium, low, or for a number from 0 to 9"):
        await world.submit("work", priority="lowest")


@in_virtual_time
async def test_a_message_that_is_kept_for_a_slot_goes_back_after_half_its_visibility() -> None:
    """It is received twice, so that the level is known to have a backlog; then it is left to others."""
    starts = Starts()
    async with PublicWorld(handlers_of(starts), concurrency=2, queues=levelled(), workers=0) as world:
        await fill(world, {"low": 2}, 3000.0)
        world.start()
        await world.advance(10)
        job = await world.submit("work", priority="high")
        await world.advance(600)
        received = [event for event in world._inner.seen(LevelReceived) if event.priority == "high" and event.oldest]
        assert len(received) == 2
        world.start()
        assert (await world.wait(job.job_id, 5)).status == "SUCCEEDED"
        world.kill("w1")


@in_virtual_time
async def test_a_message_of_a_long_visibility_is_kept_for_a_minute_at_most() -> None:
    starts = Starts()
    queues = levelled(visibility_timeout=43_200)
    async with PublicWorld(handlers_of(starts), concurrency=2, queues=queues, workers=0) as world:
        await fill(world, {"low": 2}, 3000.0)
        world.start()
        await world.advance(10)
        job = await world.submit("work", priority="high")
        await world.advance(150)
        world.start()
        assert (await world.wait(job.job_id, 5)).status == "SUCCEEDED"
        world.kill("w1")


@in_virtual_time
async def test_a_worker_that_dies_with_a_message_in_hand_loses_nothing() -> None:
    starts = Starts()
    async with PublicWorld(handlers_of(starts), concurrency=2, queues=levelled(), workers=0) as world:
        await fill(world, {"low": 2}, 3000.0)
        world.start()
        await world.advance(10)
        job = await world.submit("work", priority="high")
        await world.advance(5)
        world.kill("w1")
        for _ in range(2):
            world.start()
        assert (await world.wait(job.job_id, 120)).attempt == 1
        for name in world.workers:
            world.kill(name)


@in_virtual_time
async def test_a_worker_that_leaves_gives_a_message_in_hand_back_at_once() -> None:
    starts = Starts()
    async with PublicWorld(handlers_of(starts), concurrency=2, queues=levelled(), workers=0) as world:
        await fill(world, {"low": 2}, 20.0)
        world.start()
        await world.advance(10)
        job = await world.submit("work", priority="high")
        await world.advance(1)
        await world.stop("w1")
        world.start()
        assert (await world.wait(job.job_id, 5)).attempt == 1


@story
async def test_no_message_is_younger_than_nothing_by_a_clock_that_is_behind() -> None:
    world = World({"work": quick}, priorities=LEVELS)
    world.start(skew=-60_000)
    await world.until(await world.submit("work", priority="high"))
    assert {event.oldest for event in world.seen(LevelReceived)} == {0.0}
    await world.stop()
