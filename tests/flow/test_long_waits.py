"""A retry or a hand-back of more than 15 minutes waits in the index of due jobs, and its message goes."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker import Backoff, Job, handler
from cqworker.events import CopyDropped, JobHandedBack
from cqworker.model.artifact_keys import upload_key
from cqworker.model.status import Status
from cqworker.ports import Letter
from tests.flow.faults import never, refused
from tests.flow.handlers import Notebook
from tests.flow.time_travel import EARLY, HOUR, LATE, MINUTE, putting_off
from tests.flow.world import DAY, World, story

WAIT = 2 * HOUR


@handler(backoff=Backoff(cap=4 * HOUR))
async def reading(payload: dict[str, Any], job: Job) -> int:
    return len((await job.artifacts.read("artifact:picture")).data)


@story
async def test_a_long_retry_waits_without_a_message_and_begins_at_its_time() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, WAIT)})
    world.start()
    job_id = await world.submit("work")
    waiting = await world.until(job_id, Status.RETRYING)
    due = asyncio.get_running_loop().time() + WAIT
    assert waiting.is_marked
    assert waiting.purge_at >= (waiting.scheduled_at or 0) // 1000 + 30 * DAY
    await asyncio.sleep(1)
    assert world.queue.bodies == []
    record = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 2)
    assert -EARLY <= book.starts_of(job_id)[1] - due <= LATE


@story
async def test_a_retry_days_later_outlives_what_sqs_hides_and_keeps() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, 30 * DAY)})
    world.start("w1")
    job_id = await world.submit("work")
    await world.until(job_id, Status.RETRYING)
    await world.until_empty()
    world.kill("w1")
    await asyncio.sleep(30 * DAY - HOUR)
    world.start("w2")
    record = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 2)
    first, second = book.starts_of(job_id)
    assert -EARLY <= second - first - 30 * DAY <= 2 * LATE


@story
async def test_a_short_retry_keeps_its_message_as_ever() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, 900)})
    world.start()
    job_id = await world.submit("work")
    waiting = await world.until(job_id, Status.RETRYING)
    await asyncio.sleep(1)
    assert (waiting.due, len(world.queue.bodies)) == (None, 1)
    await world.until(job_id)
    await world.stop()


@story
async def test_who_dies_between_the_settle_and_the_delete_leaves_a_copy_that_starts_nothing() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, WAIT)})
    world.start("w1", before=lambda host: host.queue.on("delete", never(lambda: world.kill("w1"))))
    job_id = await world.submit("work")
    await world.until_true(lambda: "w1" not in world.hosts)
    assert (world.record(job_id).is_marked, len(world.queue.bodies)) == (True, 1)
    host = world.start("w2")
    await asyncio.sleep(5 * MINUTE)
    assert ([event.job.job_id for event in host.seen(CopyDropped)], world.queue.bodies) == ([job_id], [])
    assert (await world.until(job_id)).attempt == 2
    await world.until_empty()
    await world.stop()
    assert len(book.starts_of(job_id)) == 2


@story
async def test_without_the_index_a_long_retry_is_hidden_as_sqs_lets_it_be() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, WAIT)})
    world.schedule.ready = False
    world.start()
    job_id = await world.submit("work")
    waiting = await world.until(job_id, Status.RETRYING)
    due = asyncio.get_running_loop().time() + WAIT
    await asyncio.sleep(1)
    assert (waiting.due, len(world.queue.bodies)) == (None, 1)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()
    assert -EARLY <= book.starts_of(job_id)[1] - due <= LATE


@story
async def test_a_cancel_asked_for_goes_before_a_long_retry() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, WAIT)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await world.operator.cancel(job_id, None)
    record = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert (record.status, record.due) == (Status.CANCELLED, None)


@story
async def test_a_long_retry_can_be_cancelled_while_it_waits() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, WAIT)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RETRYING)
    assert (await world.operator.cancel(job_id, None)).status is Status.CANCELLED
    await asyncio.sleep(2 * WAIT)
    await world.until_empty()
    await world.stop()
    assert len(book.starts_of(job_id)) == 1


@story
async def test_a_job_that_is_hindered_for_hours_waits_in_the_index_and_is_refunded() -> None:
    world = World({"reading": reading})
    await world.artifacts.put(upload_key("default", "picture"), b"1234567", "image/png")
    host = world.start(before=lambda host: host.artifacts.on("get", refused, 1000))
    job_id = await world.submit("reading")
    await world.until_true(lambda: world.record(job_id).is_marked)
    waiting = world.record(job_id)
    assert (waiting.status, waiting.attempt) == (Status.QUEUED, 0)
    assert waiting.hindered_at is not None
    await asyncio.sleep(1)
    assert world.queue.bodies == []
    assert max(event.delay for event in host.seen(JobHandedBack)) > 900
    host.artifacts.granted()
    record = await world.until(job_id)
    await world.stop()
    assert (record.status, record.attempt, record.hindered_at) == (Status.SUCCEEDED, 1, None)


@story
async def test_a_dead_letter_of_a_job_that_waits_long_is_deleted_and_the_job_runs() -> None:
    book = Notebook()
    world = World({"work": putting_off(book, WAIT)})
    world.start()
    job_id = await world.submit("work")
    body = world.queue.bodies[0]
    await world.until(job_id, Status.RETRYING)
    await world.dead.send(Letter(body=body))
    await asyncio.sleep(HOUR)
    assert (world.dead.bodies, world.record(job_id).is_marked) == ([], True)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()
