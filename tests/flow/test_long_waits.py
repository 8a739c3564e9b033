"""A retry of more than 15 minutes waits in the index of due jobs, and its message goes."""

from __future__ import annotations

import asyncio

from cqworker.events import CopyDropped
from cqworker.model.status import Status
from cqworker.ports import Letter
from tests.flow.faults import never
from tests.flow.handlers import Notebook
from tests.flow.time_travel import EARLY, HOUR, LATE, MINUTE, putting_off
from tests.flow.world import DAY, World, story

WAIT = 2 * HOUR


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
