"""A retry may wait for longer than SQS delays or hides a message: in the index of due jobs, and without it, too."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cqworker import Backoff, Job, Retry, handler
from cqworker.events import CopyRefreshed, JobSettled
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.settings import HandlerSettings, TypeSettings
from cqworker.settings.handler_settings import BackoffSettings
from tests.flow.long_stories import HOUR, look_seldom
from tests.flow.world import DAY, World, story

LONG = 30 * HOUR
"""Seconds, longer than SQS hides a message (12 h)."""
YEAR = timedelta(days=366)


@pytest.fixture(autouse=True)
def _long_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    look_seldom(monkeypatch)


def asking(after: float | timedelta | None, works: float = 0.0, **options: Any) -> Any:
    """Works for a while and asks for another attempt, in the second attempt it succeeds."""

    @handler(timeout=39_600, **options)
    async def work(payload: dict[str, Any], job: Job) -> float:
        if job.attempt == 1:
            await asyncio.sleep(works)
            raise Retry("not yet", after=after)
        return asyncio.get_running_loop().time()

    return work


async def retrying(world: World) -> JobRecord:
    """The record once its first attempt has asked for another, and its message has been seen to."""
    job_id = await world.submit("work")
    record = await world.until(job_id, Status.RETRYING)
    await asyncio.sleep(5)
    return record


async def ends_in_time(world: World, record: JobRecord) -> None:
    """It starts again at its time and at no other, and leaves nothing behind."""
    assert record.scheduled_at is not None
    wait = (record.scheduled_at - world.clock.now()) / 1000
    due = world.clock.monotonic() + wait
    record = await world.until(record.job_id, patience=wait + HOUR)
    assert (record.status, record.attempt, record.due, record.scheduled_at) == (Status.SUCCEEDED, 2, None, None)
    assert due - 2 <= float(record.result or "") <= due + 2
    await world.until_empty()
    assert world.dead.bodies == []


@story
async def test_a_long_retry_waits_in_the_index_and_its_attempt_counts() -> None:
    world = World({"work": asking(LONG)})
    world.start()
    record = await retrying(world)
    assert (record.attempt, record.is_marked, world.queue.bodies) == (1, True, [])
    [settled] = world.seen(JobSettled)
    assert settled.retry_in == LONG
    await ends_in_time(world, record)
    await world.stop()


@story
async def test_without_the_index_a_long_retry_is_hidden_for_as_long_as_sqs_can_and_not_lost() -> None:
    world = World({"work": asking(LONG)})
    world.schedule.ready = False
    host = world.start()
    record = await retrying(world)
    assert (record.attempt, record.is_marked, len(world.queue.bodies)) == (1, False, 1)
    await ends_in_time(world, record)
    assert host.store.calls.count("Claim") == 4, "two starts, and a look each 12 hours"
    await world.stop()


@story
async def test_what_of_the_twelve_hours_was_used_for_the_attempt_is_not_there_for_the_wait() -> None:
    world = World({"work": asking(20 * HOUR, works=10 * HOUR)})
    world.schedule.ready = False
    host = world.start()
    record = await retrying(world)
    await asyncio.sleep(2.5 * HOUR)
    assert host.store.calls.count("Claim") == 2, "it came back after the two hours that were left"
    await ends_in_time(world, record)
    await world.stop()


@story
async def test_a_wait_of_many_looks_wears_no_message_out() -> None:
    world = World({"work": asking(LONG)}, max_receives=5)
    world.schedule.ready = False
    host = world.start()
    record = await retrying(world)
    await ends_in_time(world, record)
    assert host.seen(CopyRefreshed)
    await world.stop()


@story
async def test_an_index_that_is_there_in_the_midst_of_a_wait_changes_nothing_of_it() -> None:
    world = World({"work": asking(LONG)})
    world.schedule.ready = False
    world.start()
    record = await retrying(world)
    await asyncio.sleep(3 * HOUR)
    world.schedule.ready = True
    await ends_in_time(world, record)
    await world.stop()


@story
async def test_an_index_that_is_away_in_the_midst_of_a_wait_sends_what_is_overdue_once_it_is_made_again() -> None:
    world = World({"work": asking(3 * HOUR)})
    host = world.start()
    record = await retrying(world)
    world.schedule.ready = False
    host.ground.schedule_state.note(is_ready=False)
    await asyncio.sleep(5 * HOUR)
    assert world.record(record.job_id) == record
    world.schedule.ready = True
    record = await world.until(record.job_id, patience=HOUR)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 2)
    await world.stop()


@pytest.mark.parametrize("is_ready", [True, False])
@pytest.mark.parametrize("whose", ["author", "operator"])
@story
async def test_a_backoff_may_be_longer_than_sqs_hides_a_message_whoever_says_so(whose: str, is_ready: bool) -> None:
    """Of draws that reach over a year one in 35,000 is below a quarter of an hour."""
    pause = YEAR.total_seconds()
    own = Backoff(first=YEAR, cap=YEAR) if whose == "author" else Backoff()
    theirs = TypeSettings(backoff=BackoffSettings(first=pause, cap=pause)) if whose == "operator" else TypeSettings()
    world = World({"work": asking(None, backoff=own)}, types=HandlerSettings(types={"work": theirs}))
    world.schedule.ready = is_ready
    world.start()
    record = await retrying(world)
    assert record.scheduled_at is not None
    assert 900 < record.scheduled_at / 1000 - world.clock.now() / 1000 < pause
    assert (record.is_marked, len(world.queue.bodies)) == (is_ready, not is_ready)
    assert record.purge_at > record.scheduled_at // 1000, "a message without a record would start at once"
    await world.stop()


@pytest.mark.parametrize("is_ready", [True, False])
@story
async def test_a_retry_may_wait_for_366_days(is_ready: bool) -> None:
    world = World({"work": asking(YEAR)})
    world.schedule.ready = is_ready
    world.start()
    record = await retrying(world)
    assert record.scheduled_at == record.history[-1].at + round(YEAR.total_seconds() * 1000)
    assert record.purge_at >= record.scheduled_at // 1000 + 1
    await world.stop()


@story
async def test_a_worker_that_dies_before_it_deletes_the_message_of_a_long_retry_leaves_no_second_start() -> None:
    world = World({"work": asking(LONG)})
    host = world.start("w1")
    host.queue.on("delete", _never)
    job_id = await world.submit("work")
    record = await world.until(job_id, Status.RETRYING)
    world.kill("w1")
    assert len(world.queue.bodies) == 1
    world.start("w2")
    await world.until_empty(HOUR)
    assert world.record(job_id) == record, "the old copy was deleted and started nothing"
    await ends_in_time(world, record)
    assert world.clock.monotonic() < 2 * DAY
    await world.hosts["w2"].drain()


async def _never(_apply: Any) -> Any:
    await asyncio.get_running_loop().create_future()
