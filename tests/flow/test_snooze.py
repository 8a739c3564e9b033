"""A handler that finds that it is too early snoozes its job: no attempt counts, for however long and how often."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cqworker import Job, Retry, Snooze, handler
from cqworker.events import JobHandedBack, JobStarted
from cqworker.model.attempt_writes import HandBack
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.testing.host import Host
from tests.flow.faults import Mishap, refused, unanswered, unheard
from tests.flow.long_stories import HOUR, look_seldom
from tests.flow.snoozing_handlers import CHILDREN
from tests.flow.world import DAY, REAL, VISIBILITY, World, story

LONG = 30 * HOUR
"""Seconds, longer than SQS hides a message (12 h)."""


@pytest.fixture(autouse=True)
def _long_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    look_seldom(monkeypatch)


def snoozing(after: float | timedelta, times: int = 1, starts: list[float] | None = None, **options: Any) -> Any:
    """Snoozes its job so often for so long, then returns the number of its attempt."""
    noted = [] if starts is None else starts

    @handler(**options)
    async def work(payload: dict[str, Any], job: Job) -> int:
        noted.append(asyncio.get_running_loop().time())
        if len(noted) <= times:
            raise Snooze(f"too early for the {len(noted)}.", after=after)
        return job.attempt

    return work


async def snoozed(world: World, host: Host, times: int = 1) -> JobRecord:
    """The record once its job was snoozed so often."""
    await world.until_true(lambda: len(host.seen(JobHandedBack)) >= times)
    [record] = world.store.records.values()
    return record


def story_of(record: JobRecord) -> list[tuple[str, str]]:
    return [(entry.event, entry.reason) for entry in record.history]


@pytest.mark.parametrize("after", [30, timedelta(minutes=15)])
@story
async def test_a_short_snooze_waits_in_the_queue_and_costs_no_attempt(after: float | timedelta) -> None:
    starts = list[float]()
    seconds = after.total_seconds() if isinstance(after, timedelta) else after
    world = World({"work": snoozing(after, starts=starts, max_attempts=1)})
    host = world.start()
    job_id = await world.submit("work")
    record = await snoozed(world, host)
    assert (record.status, record.attempt, record.due, record.hindered_at) == (Status.QUEUED, 0, None, None)
    assert len(world.queue.bodies) == 1
    assert story_of(record)[-1] == ("handed_back", "snoozed: too early for the 1.")
    record = await world.until(job_id)
    assert (record.status, record.result) == (Status.SUCCEEDED, "1")
    assert seconds - 2 <= starts[1] - starts[0] <= seconds + 2
    await world.stop()


@story
async def test_a_long_snooze_waits_in_the_index_and_no_message_has_to() -> None:
    starts = list[float]()
    world = World({"work": snoozing(LONG, starts=starts, max_attempts=1)})
    host = world.start()
    job_id = await world.submit("work")
    record = await snoozed(world, host)
    assert (record.status, record.attempt, record.is_marked) == (Status.QUEUED, 0, True)
    await world.until_empty(60)
    record = await world.until(job_id, patience=2 * LONG)
    assert (record.status, record.result, record.due) == (Status.SUCCEEDED, "1", None)
    assert LONG - 2 <= starts[1] - starts[0] <= LONG + 2
    assert host.seen(JobStarted)[1].waited <= 2, "to wait as asked is no wait for a worker"
    await world.until_empty()
    await world.stop()


@pytest.mark.parametrize("is_ready", [True, False])
@story
async def test_a_snooze_may_last_366_days_and_the_record_stays_for_longer(is_ready: bool) -> None:
    world = World({"work": snoozing(timedelta(days=366))})
    world.schedule.ready = is_ready
    host = world.start()
    await world.submit("work")
    record = await snoozed(world, host)
    assert record.is_marked is is_ready
    assert record.purge_at > (record.scheduled_at or 0) // 1000, "a message without a record would start at once"
    await asyncio.sleep(5)
    assert len(world.queue.bodies) == (not is_ready)
    await world.stop()


@story
async def test_without_the_index_a_long_snooze_is_looked_at_every_twelve_hours_and_not_lost() -> None:
    starts = list[float]()
    world = World({"work": snoozing(LONG, starts=starts, max_attempts=1)})
    world.schedule.ready = False
    host = world.start()
    job_id = await world.submit("work")
    await snoozed(world, host)
    began = world.clock.monotonic()
    claims = host.store.calls.count("Claim")
    await asyncio.sleep(LONG - HOUR)
    assert host.store.calls.count("Claim") - claims == 2, "it is asked about as seldom as SQS lets it"
    assert len(world.queue.bodies) == 1
    record = await world.until(job_id)
    assert (record.status, record.result) == (Status.SUCCEEDED, "1")
    assert LONG - 2 <= world.clock.monotonic() - began <= LONG + 2
    await world.until_empty()
    await world.stop()


@story
async def test_endless_snoozing_takes_one_line_of_the_history_and_leaves_the_story_before_it() -> None:
    starts = list[float]()

    @handler(max_attempts=2)
    async def work(payload: dict[str, Any], job: Job) -> int:
        starts.append(asyncio.get_running_loop().time())
        if len(starts) == 1:
            raise Retry("the first attempt failed", after=1)
        if len(starts) <= 31:
            raise Snooze(f"look {len(starts) - 1}", after=timedelta(minutes=16))
        return job.attempt

    world = World({"work": work})
    world.start()
    record = await world.until(await world.submit("work"), patience=2 * DAY)
    assert story_of(record) == [
        ("submitted", ""),
        ("claimed", ""),
        ("retrying", "raised: the first attempt failed"),
        ("claimed", ""),
        ("handed_back", "snoozed x30: look 30"),
        ("claimed", ""),
        ("succeeded", ""),
    ]
    assert (record.status, record.result) == (Status.SUCCEEDED, "2")
    await world.stop()


@story
async def test_snoozes_are_counted_in_a_row_and_anew_after_anything_else() -> None:
    told = list[int]()

    @handler(max_attempts=5)
    async def work(payload: dict[str, Any], job: Job) -> None:
        told.append(job.attempt)
        if len(told) in (3, 6):
            raise Retry("again", after=1)
        if len(told) < 8:
            raise Snooze(after=60)

    world = World({"work": work})
    world.start()
    record = await world.until(await world.submit("work"))
    waits = [entry.reason for entry in record.history if entry.event != "claimed"][1:-1]
    assert waits == ["snoozed x2", "raised: again", "snoozed x2", "raised: again", "snoozed"]
    assert told == [1, 1, 1, 2, 2, 2, 3, 3]
    await world.stop()


@pytest.mark.parametrize("after", [60, 3 * HOUR])
@story
async def test_a_snooze_while_a_cancel_is_asked_for_becomes_cancelled_at_once(after: float) -> None:
    @handler
    async def work(payload: dict[str, Any]) -> None:
        await asyncio.sleep(5)
        raise Snooze("too early", after=after)

    world = World({"work": work})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await world.operator.cancel(job_id, None)
    record = await world.until(job_id, patience=VISIBILITY)
    assert record.status is Status.CANCELLED
    assert record.history[-1].reason == "a cancel was asked for; snoozed: too early"
    await world.until_empty()
    await world.stop()


@pytest.mark.parametrize("after", [60, 3 * HOUR])
@story
async def test_a_snoozed_job_is_cancelled_while_it_waits(after: float) -> None:
    starts = list[float]()
    world = World({"work": snoozing(after, starts=starts)})
    host = world.start()
    job_id = await world.submit("work")
    await snoozed(world, host)
    record = await world.operator.cancel(job_id, None)
    assert (record.status, record.due) == (Status.CANCELLED, None)
    await asyncio.sleep(after + 60)
    assert len(starts) == 1
    await world.until_empty()
    await world.stop()


@pytest.mark.parametrize("after", [60, 3 * HOUR])
@story
async def test_a_snooze_in_a_drain_waits_as_ever_and_the_next_worker_starts_it(after: float) -> None:
    @handler(max_attempts=1)
    async def work(payload: dict[str, Any], job: Job) -> str:
        if not world.hosts["w1"].worker.executor.draining:
            await asyncio.sleep(3)
            raise Snooze("too early", after=after)
        return "done"

    world = World({"work": work})
    first = world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: first.seen(JobStarted))
    await first.drain()
    record = world.record(job_id)
    assert (record.status, record.attempt, record.is_marked) == (Status.QUEUED, 0, after > 900)
    assert story_of(record)[-1] == ("handed_back", "snoozed: too early")
    assert bool(world.queue.bodies) is (after <= 900)
    world.start("w2")
    record = await world.until(job_id, patience=DAY)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.hosts["w2"].drain()


@pytest.mark.parametrize("mishap", [refused, unanswered, unheard])
@story
async def test_a_long_snooze_whose_answer_is_lost_is_written_once(mishap: Mishap) -> None:
    world = World({"work": snoozing(timedelta(hours=2), max_attempts=1)})
    host = world.start(before=lambda host: host.store.on(HandBack, mishap, 2))
    job_id = await world.submit("work")
    record = await snoozed(world, host)
    assert (record.attempt, record.is_marked, len(record.history)) == (0, True, 3)
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.until_empty()
    await world.stop()


@pytest.mark.parametrize("name", CHILDREN)
async def test_a_snooze_is_one_wherever_it_is_raised(name: str) -> None:
    world = World({name: CHILDREN[name]}, real=REAL)
    host = world.start()
    job_id = await world.submit(name)
    await world.until_true(lambda: host.seen(JobHandedBack), patience=10)
    record = world.record(job_id)
    assert (record.status, record.attempt, record.is_marked) == (Status.QUEUED, 0, True)
    [told] = host.seen(JobHandedBack)
    assert (told.reason, told.delay, told.said) == ("snoozed", 3600.0, "too early")
    await world.until_empty(10)
    await host.drain(2)
