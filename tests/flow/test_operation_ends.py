"""An operation that is killed, drained, stopped, hindered, or asked for twice: each of its jobs once all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker.errors import NotAllowedNow, UnknownType
from cqworker.events.operation_events import OperationStopped
from cqworker.model.operations import OPERATION_TYPE
from cqworker.model.status import Status
from cqworker.ports import Letter
from tests.flow.faults import refused
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.operation_world import OperationWorld
from tests.flow.world import VISIBILITY, story


def world_of(**more: Any) -> OperationWorld:
    return OperationWorld({"work": quick}, **more)


@story
async def test_an_operation_killed_three_times_goes_on_while_its_jobs_change_under_it() -> None:
    world = world_of(concurrency=64)
    jobs = world.put(600, queue="elsewhere")
    host = world.start("w1")
    name = await world.ask(rate=20)
    for kill in range(3):
        await world.until(name, Status.RUNNING)
        await asyncio.sleep(7)
        changing = jobs[100 * kill + 290]
        await world.operator.retry(changing.job_id, None)
        gone = jobs[100 * kill + 295]
        del world.store.records[gone.job_id]
        world.kill(host.name)
        host = world.start(f"w{kill + 2}")
        await asyncio.sleep(VISIBILITY)
    record = await world.until(name)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 4)
    left = [job for job in jobs if job.job_id in world.store.records]
    assert len(left) == 597
    assert world.rounds(left) == {2}
    assert world.tally(name).done <= 594
    await world.stop()


@story
async def test_two_operators_at_once_retry_each_job_once() -> None:
    book = Notebook()
    world = OperationWorld({"work": worker_of(book, 0.1)})
    jobs = world.put(200)
    world.start("w1")
    world.start("w2")
    names = [await world.ask(by="alice"), await world.ask(by="bob")]
    for name in names:
        await world.until(name)
    for job in jobs:
        await world.until(job.job_id, Status.SUCCEEDED)
    assert world.rounds(jobs) == {2}
    assert sorted(job_id for _, job_id, _ in book.starts) == sorted(job.job_id for job in jobs)
    assert sum(world.tally(name).done for name in names) == 200
    await world.stop()


@story
async def test_ten_thousand_jobs_are_retried_at_the_rate_that_was_asked_for_and_no_faster() -> None:
    world = world_of()
    jobs = world.put(10_000, queue="elsewhere", tenant="acme")
    host = world.start()
    name = await world.ask(rate=1_000, filter={"tenant": "acme"})
    begun = (await world.until(name, Status.RUNNING)).started_at or 0
    ended = (await world.until(name)).finished_at or 0
    assert ended - begun >= 9_500
    assert world.rounds(jobs) == {2}
    assert world.tally(name).done == 10_000
    assert len(world.queues["elsewhere"].bodies) == 10_000
    await host.drain()


@story
async def test_it_stops_itself_where_most_fail_again_and_says_so() -> None:
    book = Notebook()
    world = OperationWorld({"work": worker_of(book, 1, timeout=0.5, max_attempts=1)})
    jobs = world.put(1_000)
    world.start()
    name = await world.ask(rate=10)
    record = await world.until(name)
    assert record.status is Status.SUCCEEDED
    tally = world.tally(name)
    assert "failed again" in tally.stopped
    assert 100 <= tally.done < 400
    assert (await world.actions.show(name, None)).view()["state"] == "stopped"
    [stopped] = world.seen(OperationStopped)
    assert (stopped.operation, stopped.done, stopped.why) == (name, tally.done, tally.stopped)
    await asyncio.sleep(60)
    assert sum(world.record(job.job_id).round == 2 for job in jobs) == tally.done
    await world.stop()


@story
async def test_a_cancelled_operation_stops_and_what_it_did_stays_done() -> None:
    world = world_of()
    jobs = world.put(300)
    world.start()
    name = await world.ask(rate=10)
    await world.until(name, Status.RUNNING)
    await asyncio.sleep(10)
    await world.actions.cancel(name, None)
    record = await world.until(name)
    assert record.status is Status.CANCELLED
    await asyncio.sleep(60)
    retried = sum(world.record(job.job_id).round == 2 for job in jobs)
    assert 90 <= retried <= 150
    assert world.tally(name).done == retried
    with pytest.raises(NotAllowedNow):
        await world.actions.cancel(name, None)
    await world.stop()


@story
async def test_a_drain_hands_it_back_uncounted_and_it_goes_on_elsewhere_without_losing_count() -> None:
    world = world_of()
    jobs = world.put(300)
    first = world.start("w1")
    name = await world.ask(rate=10)
    await world.until(name, Status.RUNNING)
    await asyncio.sleep(10)
    await first.drain()
    del world.hosts["w1"]
    back = world.record(name)
    assert (back.status, back.attempt) == (Status.QUEUED, 0)
    world.start("w2")
    record = await world.until(name)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert world.rounds(jobs) == {2}
    assert world.tally(name).done == 300
    await world.stop()


@story
async def test_a_long_operation_hands_itself_back_now_and_then_and_counts_no_attempt() -> None:
    world = world_of()
    jobs = world.put(900, queue="elsewhere")
    world.start()
    name = await world.ask(rate=1)
    record = await world.until(name)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert any("goes on" in entry.reason for entry in record.history)
    assert world.tally(name).done == 900
    assert world.rounds(jobs) == {2}
    await world.stop()


@story
async def test_a_message_of_an_operation_that_nobody_asked_for_does_nothing() -> None:
    world = world_of()
    jobs = world.put(3)
    body = (
        f'{{"cqworker":1,"job_id":"forged","type":"{OPERATION_TYPE}","tenant":"*",'
        '"payload":{"act":"retry","filter":{"status":"FAILED"}}}'
    )
    await world.queue.send(Letter(body=body))
    world.start()
    record = await world.until("forged")
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert "Nobody asked for this operation" in record.failure.message
    assert world.rounds(jobs) == {1}
    with pytest.raises(UnknownType):
        await world.submit(OPERATION_TYPE)
    await world.stop()


@story
async def test_an_outage_of_the_store_puts_it_off_and_no_attempt_counts() -> None:
    world = world_of()
    jobs = world.put(200)
    host = world.start()
    name = await world.ask(rate=10)
    await world.until(name, Status.RUNNING)
    await asyncio.sleep(5)
    host.store.away = refused
    await asyncio.sleep(30)
    host.store.away = None
    record = await world.until(name)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    for job in jobs:
        await world.until(job.job_id, Status.SUCCEEDED)
    assert world.rounds(jobs) == {2}
    await world.stop()
