"""The 24 h of a hindrance count from the first one in a row: to wait as asked, or to get on, is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cqworker import Backoff, Job, Retry, Snooze, handler
from cqworker.events import JobHandedBack, JobStarted
from cqworker.model.history import HANDED_BACK
from cqworker.model.record import JobRecord
from cqworker.model.status import FailureKind, Status
from cqworker.plugins.registry import Registry
from cqworker.testing.host import Host
from tests.flow.faults import refused
from tests.flow.handlers import quick
from tests.flow.long_stories import HOUR, look_seldom
from tests.flow.world import DAY, World, story

THREE_DAYS = 3 * DAY
MOST = 20 * HOUR
"""Seconds, most of a day: two of these are more."""


@pytest.fixture(autouse=True)
def _long_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    look_seldom(monkeypatch)


def writing(*first: BaseException, **options: Any) -> Any:
    """Meets the artifact store; what it raises in its first starts after that, once the store is there."""
    left = list(first)

    @handler(max_attempts=3, **options)
    async def work(payload: dict[str, Any], job: Job) -> str:
        reference = await job.artifacts.write(b"x", extension="bin", content_type="text/plain")
        if left:
            raise left.pop(0)
        return reference

    return work


async def hindered(world: World, host: Host, seconds: float) -> JobRecord:
    """The record after so long without the artifact store."""
    host.artifacts.away = refused
    await asyncio.sleep(seconds)
    [record] = world.store.records.values()
    assert record.status is Status.QUEUED, record
    assert record.hindered_at is not None
    return record


async def back(world: World, host: Host, holds: Callable[[JobRecord], bool]) -> JobRecord:
    """The record once this holds of it, with the artifact store back."""
    host.artifacts.away = None
    [job_id] = world.store.records
    await world.until_true(lambda: holds(world.record(job_id)), patience=HOUR)
    return world.record(job_id)


@pytest.mark.parametrize("knows", [True, False])
@story
async def test_a_job_that_waited_three_days_does_not_fail_at_its_first_hindrance(knows: bool) -> None:
    world = World({"work": writing()})
    job_id = await world.submit("work", run_at=world.clock.now() + round(THREE_DAYS * 1000))
    await asyncio.sleep(THREE_DAYS - HOUR)
    host = world.start(registry=None if knows else Registry())
    host.artifacts.away = refused
    await world.until_true(lambda: host.seen(JobHandedBack), patience=2 * HOUR)
    record = world.record(job_id)
    assert (record.status, record.attempt) == (Status.QUEUED, 0)
    assert [event.waited for event in host.seen(JobStarted)[:1]] == [pytest.approx(0, abs=2)] * knows
    assert record.hindered_at == next(entry.at for entry in record.history if entry.event == HANDED_BACK)
    record = await world.until(job_id, patience=2 * DAY)
    assert record.failure is not None
    assert record.failure.kind is (FailureKind.EXHAUSTED if knows else FailureKind.UNKNOWN_TYPE)
    assert THREE_DAYS + DAY <= world.clock.monotonic() <= THREE_DAYS + DAY + 3 * HOUR
    await world.stop()


@story
async def test_a_job_that_snoozed_for_three_days_does_not_fail_at_its_first_hindrance() -> None:
    world = World({"work": writing(Snooze(after=THREE_DAYS))})
    first = world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: first.seen(JobHandedBack))
    world.kill("w1")
    await asyncio.sleep(THREE_DAYS - HOUR)
    host = world.start("w2")
    host.artifacts.away = refused
    await world.until_true(lambda: host.seen(JobHandedBack), patience=2 * HOUR)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    await world.stop()


@pytest.mark.parametrize("ending", [Snooze(after=HOUR), Retry("again", after=HOUR), ValueError("a bug")])
@story
async def test_the_day_begins_anew_when_the_job_got_on_meanwhile(ending: BaseException) -> None:
    world = World({"work": writing(ending)})
    host = world.start()
    job_id = await world.submit("work")
    first = await hindered(world, host, MOST)
    record = await back(world, host, lambda record: record.history[-1].reason != first.history[-1].reason)
    assert record.hindered_at is None
    again = await hindered(world, host, MOST + HOUR)
    assert (again.hindered_at or 0) > (first.hindered_at or 0) + MOST * 1000
    record = await back(world, host, lambda record: record.status.is_final)
    assert (record.job_id, record.status) == (job_id, Status.SUCCEEDED)
    await world.stop()


@story
async def test_the_day_begins_anew_after_a_hand_back_for_another_reason() -> None:
    world = World({"work": writing()})
    host = world.start("w1")
    job_id = await world.submit("work")
    await hindered(world, host, MOST)
    host.artifacts.away = None
    host.artifacts.latency = lambda: HOUR
    await world.until(job_id, Status.RUNNING)
    await host.drain()
    record = world.record(job_id)
    assert (record.status, record.hindered_at, record.history[-1].reason) == (Status.QUEUED, None, "drain")


@story
async def test_the_day_begins_anew_with_another_time_and_in_a_new_round() -> None:
    world = World({"work": writing()})
    host = world.start()
    job_id = await world.submit("work")
    await hindered(world, host, MOST)
    await world.operator.reschedule(job_id, None, world.clock.now() + round(10 * HOUR * 1000))
    assert (world.record(job_id).status, world.record(job_id).hindered_at) == (Status.SCHEDULED, None)
    await asyncio.sleep(11 * HOUR)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    await world.operator.cancel(job_id, None)
    await world.operator.retry(job_id, None)
    assert world.record(job_id).hindered_at is None
    await world.stop()


@pytest.mark.parametrize("ready", [True, False])
@story
async def test_a_day_of_hindrance_ends_in_time_and_in_the_queue_however_long_the_backoffs_pauses_are(
    ready: bool,
) -> None:
    world = World({"work": writing(backoff=Backoff(first=1, cap=timedelta(days=366)))})
    world.schedule.ready = ready
    host = world.start()
    host.artifacts.away = refused
    job_id = await world.submit("work")
    marks = list[bool]()
    while not (record := world.record(job_id)).status.is_final:
        marks.append(record.is_marked)
        await world.store.written()
    assert (record.status, record.attempt, any(marks)) == (Status.FAILED, 3, False)
    assert DAY <= world.clock.monotonic() <= DAY + 2000
    assert max(event.delay for event in host.seen(JobHandedBack)) <= 900
    await world.stop()


@story
async def test_a_type_that_somebody_knows_again_before_the_day_is_over_runs() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    world.start("old", registry=Registry())
    await asyncio.sleep(MOST)
    world.kill("old")
    await asyncio.sleep(MOST)
    world.start("new")
    record = await world.until(job_id, patience=HOUR)
    assert (record.status, record.attempt, record.hindered_at is not None) == (Status.SUCCEEDED, 1, False)
    await world.stop()
