"""SQS delivers at least once: a second copy costs a look, never a run."""

from __future__ import annotations

import asyncio

from cqworker.events import CopyDropped, CopyHidden, JobStarted
from cqworker.model.status import Status
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import VISIBILITY, World, story


@story
async def test_a_second_copy_of_a_running_job_is_hidden_until_the_lease_would_end() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(5)
    await world.copy(job_id)
    await world.until_true(lambda: host.seen(CopyHidden))
    assert VISIBILITY - 6 <= host.seen(CopyHidden)[0].seconds <= VISIBILITY - 4
    record = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)


@story
async def test_a_second_copy_of_a_finished_job_is_deleted_without_a_start() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    await world.copy(job_id, delay=60)
    host = world.start()
    done = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert [event.job.job_id for event in host.seen(CopyDropped)] == [job_id]
    assert len(host.seen(JobStarted)) == 1
    assert world.record(job_id) == done


@story
async def test_two_copies_in_one_receive_start_the_job_once() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 10)})
    job_id = await world.submit("work")
    for _ in range(9):
        await world.copy(job_id)
    host = world.start()
    record = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert (record.attempt, len(book.starts)) == (1, 1)
    assert len(host.seen(CopyHidden)) == 9


@story
async def test_copies_received_by_several_hosts_at_once_start_the_job_once() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    job_id = await world.submit("work")
    for _ in range(29):
        await world.copy(job_id)
    for name in ("w1", "w2", "w3", "w4"):
        world.start(name)
    await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == 1


@story
async def test_a_copy_of_a_job_that_waits_for_its_next_attempt_does_not_bring_it_forward() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 10, timeout=1, max_attempts=2)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RETRYING)
    scheduled = world.record(job_id).scheduled_at or 0
    await world.copy(job_id)
    await world.until(job_id)
    await world.stop()
    assert len(book.starts) == 2
    assert world.clock.now() > scheduled - 2000


@story
async def test_a_copy_of_a_lower_round_is_deleted() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    await world.copy(job_id, delay=300)
    await world.operator.cancel(job_id, None)
    await world.operator.retry(job_id, None)
    host = world.start()
    done = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert (done.status, done.round) == (Status.SUCCEEDED, 2)
    assert len(host.seen(JobStarted)) == 1
    assert world.record(job_id) == done
