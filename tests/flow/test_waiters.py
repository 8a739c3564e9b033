"""Waiting for a job's end: told without a read where it ends here, and at most one read a second elsewhere."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import JobNotFound, Unavailable
from cqworker.jobs.waiters import Waiters
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.writes import LazyWritten
from tests.flow.faults import refused
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story


@story
async def test_who_waits_here_is_told_of_the_end_without_a_read() -> None:
    world = World({"work": worker_of(Notebook(), 10)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(1)
    record = await host.operator.wait(job_id, None, 20)
    assert (record.status, record.result) == (Status.SUCCEEDED, '"attempt 1"')
    assert host.store.calls.count("get") == 1
    assert world.clock.monotonic() <= 10.1
    await world.stop()


@story
async def test_who_waits_elsewhere_reads_once_a_second() -> None:
    world = World({"work": worker_of(Notebook(), 10)})
    world.start()
    job_id = await world.submit("work")
    record = await world.operator.wait(job_id, None, 20)
    assert record.status is Status.SUCCEEDED
    assert 10 <= world.office.store.calls.count("get") <= 12
    assert world.clock.monotonic() <= 11.5
    await world.stop()


@story
async def test_an_ending_that_cannot_be_read_here_is_read_again_from_the_store() -> None:
    def unreadable() -> JobRecord:
        raise Unavailable("dynamodb", "It cannot be read.", "Upgrade.")

    world = World({"quick": quick})
    job_id = await world.submit("quick")
    waiters = Waiters(world.clock, lambda _: False)
    waiting = asyncio.ensure_future(
        waiters.until_final(world.record(job_id), 5, lambda: world.operator.show(job_id, None))
    )
    await asyncio.sleep(0.1)
    waiters.note_written(job_id, LazyWritten(unreadable))
    world.start()
    assert (await waiting).status is Status.SUCCEEDED
    await world.stop()


@pytest.mark.parametrize("seconds", [0, 0.5, 5])
@story
async def test_when_time_is_up_the_job_is_shown_as_it_is(seconds: float) -> None:
    world = World({"work": worker_of(Notebook(), 100)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    for operator in (world.operator, host.operator):
        began = world.clock.monotonic()
        record = await operator.wait(job_id, None, seconds)
        assert record.status is Status.RUNNING
        assert world.clock.monotonic() - began <= seconds + 0.1
    await world.stop()


@story
async def test_who_waits_for_a_job_that_has_ended_reads_once() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    await world.operator.cancel(job_id, None)
    before = world.office.store.calls.count("get")
    assert (await world.operator.wait(job_id, None, 20)).status is Status.CANCELLED
    assert world.office.store.calls.count("get") == before + 1


@story
async def test_a_hundred_who_wait_here_are_all_told() -> None:
    world = World({"work": worker_of(Notebook(), 10)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(0.1)
    records = await asyncio.gather(*(host.operator.wait(job_id, None, 20) for _ in range(100)))
    assert {record.status for record in records} == {Status.SUCCEEDED}
    await world.stop()


@story
async def test_a_cancel_here_ends_the_wait_at_once() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", delay_seconds=600)
    waiting = asyncio.ensure_future(world.operator.wait(job_id, None, 20))
    await asyncio.sleep(0.5)
    await world.operator.cancel(job_id, None)
    began = world.clock.monotonic()
    assert (await waiting).status is Status.CANCELLED
    assert world.clock.monotonic() - began < 0.1


@story
async def test_a_daemon_that_leaves_lets_its_waiters_go() -> None:
    world = World({"work": worker_of(Notebook(), 100)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    waiting = asyncio.ensure_future(host.operator.wait(job_id, None, 20))
    await asyncio.sleep(1)
    host.waiters.close()
    began = world.clock.monotonic()
    assert (await waiting).status is Status.RUNNING
    assert world.clock.monotonic() - began < 0.1
    assert (await host.operator.wait(job_id, None, 20)).status is Status.RUNNING
    await world.stop()


@story
async def test_nobody_waits_for_a_job_of_another_tenant() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", tenant="acme")
    for tenant, job in (("other", job_id), (None, "no-such-job")):
        with pytest.raises(JobNotFound):
            await world.operator.wait(job, tenant, 20)
    assert world.clock.monotonic() < 1


@story
async def test_all_who_wait_for_one_job_share_one_stream_of_reads() -> None:
    world = World({"work": worker_of(Notebook(), 10)})
    world.start()
    job_id = await world.submit("work")
    waits = []
    for _ in range(20):
        waits.append(asyncio.ensure_future(world.operator.wait(job_id, None, 20)))
        await asyncio.sleep(0.05)
    assert {record.status for record in await asyncio.gather(*waits)} == {Status.SUCCEEDED}
    assert 10 <= world.office.store.calls.count("get") <= 13
    assert world.clock.monotonic() <= 12.5
    await world.stop()


@story
async def test_waits_that_follow_one_another_show_a_job_as_it_is_and_not_as_the_first_of_them_saw_it() -> None:
    world = World({"work": worker_of(Notebook(), 100)})
    host = world.start()
    job_id = await world.submit("work", delay_seconds=5)
    for operator in (world.operator, host.operator):
        first = asyncio.ensure_future(operator.wait(job_id, None, 20))
        await asyncio.sleep(10)
        second = asyncio.ensure_future(operator.wait(job_id, None, 20))
        assert (await first).status is Status.RUNNING
        assert (await second).status is Status.RUNNING
    await world.stop()


@story
async def test_a_wait_in_a_new_round_is_not_told_of_the_end_of_the_last_one() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", delay_seconds=600)
    waiting = asyncio.ensure_future(world.operator.wait(job_id, None, 20))
    await asyncio.sleep(0.5)
    await world.operator.cancel(job_id, None)
    await world.operator.retry(job_id, None)
    again = asyncio.ensure_future(world.operator.wait(job_id, None, 20))
    assert (await waiting).status is Status.CANCELLED
    world.start()
    assert (await again).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_store_that_fails_is_told_to_all_who_wait_and_not_to_who_comes_later() -> None:
    world = World({"work": worker_of(Notebook(), 10)})
    world.start()
    job_id = await world.submit("work")
    waits = [asyncio.ensure_future(world.operator.wait(job_id, None, 20)) for _ in range(3)]
    await asyncio.sleep(0.5)
    world.office.store.on("get", refused)
    for failure in await asyncio.gather(*waits, return_exceptions=True):
        assert isinstance(failure, Unavailable)
    assert (await world.operator.wait(job_id, None, 20)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_another_tenant_is_not_told_what_those_who_wait_know() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", tenant="acme", delay_seconds=600)
    waiting = asyncio.ensure_future(world.operator.wait(job_id, "acme", 5))
    await asyncio.sleep(0.5)
    with pytest.raises(JobNotFound):
        await world.operator.wait(job_id, "other", 5)
    assert (await waiting).status is Status.QUEUED
