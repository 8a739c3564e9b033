"""Another time for a job that waits: earlier, later, now or never; copies sent for the former time start nothing."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import JobNotFound, NotAllowedNow, NotProvisioned
from cqworker.events import CopyDropped, JobStarted, RecordPostponed
from cqworker.model.record import JobRecord, envelope_of
from cqworker.model.schedule_writes import Reschedule
from cqworker.model.status import Status
from cqworker.ports import Letter
from tests.flow.faults import Mishap, refused, repeated_after, unanswered
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.time_travel import EARLY, HOUR, LATE, MINUTE, putting_off
from tests.flow.world import DAY, World, story

LATER = 1.5 * HOUR


async def put_off(world: World, job_id: str, seconds: float) -> float:
    """To so many seconds from now; the time of the story when it is due."""
    await world.operator.reschedule(job_id, None, world.clock.now() + round(seconds * 1000), by="ops")
    return asyncio.get_running_loop().time() + seconds


async def starts_once_at(world: World, book: Notebook, job_id: str, due: float) -> JobRecord:
    record = await world.until(job_id, patience=DAY)
    await world.until_empty()
    await world.stop()
    [started] = book.starts_of(job_id)
    assert -EARLY <= started - due <= LATE
    return record


@pytest.mark.parametrize("seconds", [600, HOUR, 2 * HOUR])
@story
async def test_a_scheduled_job_starts_at_its_last_time(seconds: float) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    world.start()
    job_id = await world.submit("work", delay_seconds=round(LATER))
    await asyncio.sleep(MINUTE)
    due = await put_off(world, job_id, seconds)
    record = await starts_once_at(world, book, job_id, due)
    [entry] = [entry for entry in record.history if entry.event == "rescheduled"]
    assert entry.reason.endswith(" by ops")
    assert record.purge_at * 1000 >= (record.finished_at or 0)


@story
async def test_a_job_whose_message_is_out_is_put_off_and_the_copy_on_its_way_starts_nothing() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    host = world.start()
    job_id = await world.submit("work", delay_seconds=600)
    due = await put_off(world, job_id, HOUR)
    record = world.record(job_id)
    assert (record.status, record.is_marked, len(world.queue.bodies)) == (Status.SCHEDULED, True, 1)
    await asyncio.sleep(700)
    assert ([event.job.job_id for event in host.seen(CopyDropped)], world.queue.bodies) == ([job_id], [])
    await starts_once_at(world, book, job_id, due)


@story
async def test_a_copy_that_was_handed_over_for_another_time_starts_nothing() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    host = world.start()
    job_id = await world.submit("work", delay_seconds=1200)
    await world.until(job_id, Status.QUEUED)
    due = await put_off(world, job_id, LATER)
    await asyncio.sleep(HOUR)
    assert [event.job.job_id for event in host.seen(CopyDropped)] == [job_id]
    await starts_once_at(world, book, job_id, due)


@story
async def test_a_copy_of_the_former_time_starts_nothing_even_when_the_new_time_has_come() -> None:
    """Whoever started by it and died would leave a job without mark and message: that copy may be deleted by now."""
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    host = world.start("w1", before=lambda host: host.store.on("due", refused, 100))
    job_id = await world.submit("work", delay_seconds=60)
    world.office.queue.on("send", refused)
    await put_off(world, job_id, 30)
    await asyncio.sleep(90)
    assert [event.job.job_id for event in host.seen(CopyDropped)] == [job_id]
    assert (book.starts, world.record(job_id).is_marked, world.queue.bodies) == ([], True, [])
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_another_time_that_the_client_had_to_write_twice_undoes_none_that_came_in_between() -> None:
    world = World({"work": worker_of(Notebook(), 1)})
    job_id = await world.submit("work", delay_seconds=7200)
    world.office.store.on(Reschedule, repeated_after(2))
    first = asyncio.ensure_future(put_off(world, job_id, HOUR))
    await asyncio.sleep(1)
    await put_off(world, job_id, 2 * HOUR)
    due = world.record(job_id).scheduled_at
    await first
    record = world.record(job_id)
    assert (record.scheduled_at, [entry.event for entry in record.history].count("rescheduled")) == (due, 2)


@story
async def test_run_now_that_the_client_had_to_write_twice_is_not_refused_where_the_job_runs_by_it() -> None:
    world = World({"work": worker_of(Notebook(), 60)})
    world.start()
    job_id = await world.submit("work", delay_seconds=7200)
    world.office.store.on(Reschedule, repeated_after(45))
    assert (await world.operator.reschedule(job_id, None, None)).status is Status.RUNNING
    await world.until(job_id)
    await world.stop()


@story
async def test_run_now_starts_at_once_a_job_of_any_time() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    world.start()
    for seconds in (600, 1200, round(30 * DAY)):
        job_id = await world.submit("work", delay_seconds=seconds)
        asked = await world.operator.reschedule(job_id, None, None)
        assert (asked.status, asked.due) == (Status.QUEUED, None)
        assert (await world.until(job_id, patience=2 * LATE)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == 3


@pytest.mark.parametrize("after", [600, 2 * HOUR])
@story
async def test_run_now_of_a_retrying_job_begins_its_next_attempt(after: float) -> None:
    book = Notebook()
    world = World({"work": putting_off(book, after)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RETRYING)
    await world.operator.reschedule(job_id, None, None)
    record = await world.until(job_id, patience=2 * LATE)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 2)
    await world.until_empty()
    await world.stop()


@story
async def test_who_dies_before_handing_over_what_was_asked_for_is_made_up_for_by_the_sweep() -> None:
    world = World({"quick": quick})
    world.start()
    job_id = await world.submit("quick", delay_seconds=round(LATER))
    world.office.queue.on("send", refused)
    asked = await world.operator.reschedule(job_id, None, None)
    assert (asked.status, asked.is_marked) == (Status.SCHEDULED, True)
    assert [event.job.job_id for event in world.office.seen(RecordPostponed)] == [job_id]
    assert (await world.until(job_id, patience=MINUTE)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_reschedule_whose_answer_was_lost_knows_itself_again() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", delay_seconds=1000)
    world.office.store.on(Reschedule, repeated_by_the_client)
    await put_off(world, job_id, LATER)
    assert [entry.event for entry in world.record(job_id).history].count("rescheduled") == 1


async def repeated_by_the_client(apply: object) -> object:
    await apply()  # type: ignore[operator]
    return await apply()  # type: ignore[operator]


@story
async def test_a_job_that_runs_or_has_ended_has_no_other_time_and_one_of_others_is_not_there() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    for status in (Status.RUNNING, Status.SUCCEEDED):
        await world.until(job_id, status)
        with pytest.raises(NotAllowedNow, match=str(status)):
            await put_off(world, job_id, HOUR)
    with pytest.raises(JobNotFound):
        await world.operator.reschedule(job_id, "another", None)
    await world.stop()


@story
async def test_without_the_index_no_job_is_given_another_time() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", delay_seconds=60)
    before = world.record(job_id)
    world.schedule.ready = False
    with pytest.raises(NotProvisioned):
        await put_off(world, job_id, HOUR)
    assert world.record(job_id) == before


@pytest.mark.parametrize("handed_over", [False, True])
@story
async def test_a_job_that_is_cancelled_before_it_is_due_never_starts(handed_over: bool) -> None:
    world = World({"quick": quick})
    world.start()
    job_id = await world.submit("quick", delay_seconds=1200)
    if handed_over:
        await world.until(job_id, Status.QUEUED)
    cancelled = await world.operator.cancel(job_id, None)
    assert (cancelled.status, cancelled.due, cancelled.scheduled_at) == (Status.CANCELLED, None, None)
    await asyncio.sleep(LATER)
    await world.until_empty()
    await world.stop()
    assert world.seen(JobStarted) == []


@pytest.mark.parametrize("mishap", [refused, unanswered])
@story
async def test_a_cancel_between_the_send_and_the_unmark_stays(mishap: Mishap) -> None:
    """The copy is out; what its unmark comes to then is of no account."""
    world = World({"quick": quick})
    job_id = await world.submit("quick", delay_seconds=1000)
    record = world.record(job_id)
    await world.queue.send(Letter(body=envelope_of(record).text()))
    await world.operator.cancel(job_id, None)
    world.start(before=lambda host: host.store.on("HandOver", mishap))
    await asyncio.sleep(HOUR)
    await world.until_empty()
    await world.stop()
    assert (world.record(job_id).status, world.seen(JobStarted)) == (Status.CANCELLED, [])


@story
async def test_a_marked_job_is_not_stuck_so_that_a_retry_is_refused() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", delay_seconds=1000)
    with pytest.raises(NotAllowedNow, match="another one, or run it now"):
        await world.operator.retry(job_id, None)
    assert world.queue.bodies == []


@story
async def test_a_dead_letter_of_a_job_that_waits_for_its_time_is_deleted_and_the_job_runs() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    world.start()
    job_id = await world.submit("work", delay_seconds=600)
    due = await put_off(world, job_id, LATER)
    await world.dead.send(Letter(body=world.queue.bodies[0]))
    await asyncio.sleep(HOUR)
    assert (world.dead.bodies, world.record(job_id).status) == ([], Status.SCHEDULED)
    await starts_once_at(world, book, job_id, due)
