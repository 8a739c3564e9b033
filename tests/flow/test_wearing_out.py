"""A message near its receive limit or its age limit is replaced by a fresh copy before SQS takes it from us."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import Job, Retry, handler
from cqworker.events import CopyDropped, CopyRefreshed, JobHandedBack, JobStarted, ReceiptRefused
from cqworker.execution import stuck_handlers
from cqworker.model.status import FailureKind, Status
from cqworker.plugins.registry import Registry
from cqworker.ports import Letter
from tests.flow.faults import Mishap, refused, unanswered, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import DAY, World, story


@pytest.fixture(autouse=True)
def _long_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the handlers' loop every second of a week."""
    monkeypatch.setattr(stuck_handlers, "LOOK_EVERY", 3600.0)


@story
async def test_a_message_that_is_hidden_near_its_receive_limit_is_replaced_by_a_copy() -> None:
    world = World({"quick": quick}, max_receives=6)
    job_id = await world.submit("quick", '{"n":1}')
    host = world.start("old", registry=Registry())
    await world.until_true(lambda: host.seen(CopyRefreshed))
    assert [event.receive_count for event in host.seen(CopyRefreshed)] == [3]
    await world.until_true(lambda: len(world.queue.bodies) == 1)
    await world.until_true(lambda: len(host.seen(JobHandedBack)) >= 12)
    assert world.dead.bodies == []
    world.kill("old")
    world.start("new")
    record = await world.until(job_id)
    assert (record.status, record.attempt, record.result) == (Status.SUCCEEDED, 1, '{"n":1}')
    await world.until_empty()
    await world.stop()


@story
async def test_a_job_with_more_attempts_than_receives_uses_them_all() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 10, timeout=1, max_attempts=12)}, max_receives=5)
    world.start()
    record = await world.until(await world.submit("work"))
    assert record.failure is not None
    assert (record.failure.kind, record.attempt, len(book.starts)) == (FailureKind.TIMEOUT, 12, 12)
    await world.until_empty()
    assert world.dead.bodies == []
    await world.stop()


@story
async def test_a_pause_longer_than_sqs_can_delay_a_copy_is_kept_by_the_record() -> None:
    book = Notebook()
    world = World({"quick": quick}, max_receives=4)
    job_id = await world.submit("quick", delay_seconds=900)
    for _ in range(3):
        await world.copy(job_id)
    host = world.start()
    record = await world.until(job_id)
    assert 898 <= ((record.started_at or 0) - record.created_at) / 1000 <= 1805
    assert len(host.seen(JobStarted)) == 1
    assert book.starts == []
    await world.until_empty()
    await world.stop()


@pytest.mark.parametrize("mishap", [refused, unanswered])
@story
async def test_where_the_copy_may_not_have_arrived_the_old_message_stays(mishap: Mishap) -> None:
    world = World({"quick": quick}, max_receives=6)
    job_id = await world.submit("quick")

    host = world.start("old", registry=Registry())
    for call in ("send", "send_many"):
        host.queue.on(call, mishap)
    await world.until_true(lambda: [event for event in host.seen(ReceiptRefused) if event.action == "refresh"])
    await asyncio.sleep(0.5)
    assert len(world.queue.bodies) == (2 if mishap is unanswered else 1)
    world.kill("old")
    world.start("new")
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.until_empty()
    await world.stop()


@story
async def test_a_host_that_dies_between_the_copy_and_the_delete_leaves_two_and_one_run() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)}, max_receives=6)
    job_id = await world.submit("work")
    host = world.start("old", registry=Registry())
    host.queue.on("delete", lambda _apply: asyncio.get_running_loop().create_future())
    await world.until_true(lambda: host.seen(CopyRefreshed))
    world.kill("old")
    assert len(world.queue.bodies) == 2
    world.start("new")
    await world.until(job_id)
    await world.until_empty()
    assert len(book.starts) == 1
    await world.stop()


@story
async def test_a_message_older_than_a_week_is_replaced_before_sqs_forgets_it() -> None:
    @handler
    async def later(payload: dict[str, Any], job: Job) -> int:
        if job.attempt == 1:
            raise Retry("not yet", after=30)
        return job.attempt

    world = World({"later": later})
    job_id = await world.submit("later")
    await asyncio.sleep(7 * DAY + 60)
    host = world.start()
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 2)
    assert len(host.seen(CopyRefreshed)) == 1
    await world.until_empty()
    await world.stop()


@story
async def test_a_message_that_waits_for_its_types_turn_is_replaced_near_its_limit_unclaimed() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 400, concurrency=1)}, max_receives=6)
    ids = [await world.submit("work") for _ in range(3)]
    world.start()
    for job_id in ids:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert world.dead.bodies == []
    assert world.seen(CopyRefreshed)
    await world.stop()


async def old_copy(*, ended: bool, sent_after: int = 0) -> tuple[World, str]:
    """A worker whose only turn of the type is taken, and an eight days old copy of a job of it that waits for one.

    It was sent so many days after its job had ended, whose record is kept for 30.
    """
    world = World({"work": worker_of(Notebook(), 5, concurrency=1)})
    job_id = await world.submit("work")
    if ended:
        body = world.queue.bodies[0]
        world.start("old")
        await world.until(job_id, Status.SUCCEEDED)
        await world.until_empty()
        await world.stop()
        await asyncio.sleep(sent_after * DAY)
        await world.queue.send(Letter(body=body))
    assert await world.queue.receive(1, 0, int(8 * DAY))
    await asyncio.sleep(8 * DAY - 20)
    world.start("new")
    blocker = await world.submit("work", '{"seconds": 60}')
    await world.until(blocker, Status.RUNNING)
    return world, job_id


@story
async def test_a_copy_of_an_ended_job_that_nobody_claims_is_never_sent_afresh() -> None:
    world, job_id = await old_copy(ended=True)
    await world.until_true(lambda: not any(job_id in body for body in world.queue.bodies))
    assert [event.job.job_id for event in world.seen(CopyDropped)] == [job_id]
    assert world.seen(CopyRefreshed) == [], "sent again and again it outlives the record"
    await world.until_empty()
    await world.stop()


@story
async def test_one_of_which_nobody_can_say_whether_it_has_ended_is() -> None:
    world, job_id = await old_copy(ended=True)
    world.hosts["new"].store.on("get", unheard)
    await world.until_true(lambda: world.seen(CopyRefreshed))
    await world.until_empty()
    assert world.record(job_id).attempt == 1
    await world.stop()


@story
async def test_but_not_where_its_copy_could_outlive_the_record() -> None:
    world, job_id = await old_copy(ended=True, sent_after=9)
    world.hosts["new"].store.on("get", unheard)
    await world.until_true(lambda: world.seen(CopyDropped))
    assert world.seen(CopyRefreshed) == []
    await world.until_empty()
    assert world.record(job_id).attempt == 1
    await world.stop()


@story
async def test_a_message_of_a_job_that_waits_for_its_turn_is_sent_afresh_and_runs_it() -> None:
    world, job_id = await old_copy(ended=False)
    await world.until_true(lambda: world.seen(CopyRefreshed))
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
