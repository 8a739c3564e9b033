"""Stopping is quick and lossless: nothing that has not started is charged or kept, and what runs gets its time."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.events import HandlerAbandoned, JobStarted
from cqworker.model.attempt_writes import Claim
from cqworker.model.status import Status
from cqworker.testing import MemoryQueue
from tests.flow.faults import Mishap, late, refused, slow, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story

DRAIN = 25.0
SLACK = 2.0


async def visible(queue: MemoryQueue) -> int:
    return (await queue.depth()).visible


@story
async def test_running_jobs_finish_and_waiting_ones_are_left_for_others() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 10)}, concurrency=20)
    ids = [await world.submit("work") for _ in range(220)]
    host = world.start()
    await world.until_true(lambda: len(book.starts) == 20)
    await host.drain(DRAIN)
    records = [world.record(job_id) for job_id in ids]
    assert sum(record.status is Status.SUCCEEDED for record in records) == 20
    assert [record.attempt for record in records if record.status is Status.QUEUED] == [0] * 200
    assert await visible(world.queue) == 200
    assert world.clock.monotonic() < 20 + SLACK


@story
async def test_a_job_that_still_runs_at_the_deadline_is_handed_back_with_its_attempt_refunded() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    first = world.start("w1")
    job_id = await world.submit("work", '{"seconds":100}')
    await world.until_true(lambda: book.starts)
    began = world.clock.monotonic()
    await first.drain(DRAIN)
    assert world.clock.monotonic() - began <= DRAIN + SLACK
    record = world.record(job_id)
    assert (record.status, record.attempt, record.scheduled_at) == (Status.QUEUED, 0, None)
    assert [entry.reason for entry in record.history if entry.event == "handed_back"] == ["drain"]
    assert await visible(world.queue) == 1
    del world.hosts["w1"]
    world.start("w2")
    record = await world.until(job_id, patience=150)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.stop()


@story
async def test_a_job_of_one_attempt_survives_any_number_of_deploys() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30, max_attempts=1)})
    job_id = await world.submit("work")
    for number in range(5):
        host = world.start(f"w{number}")
        await world.until(job_id, Status.RUNNING)
        await asyncio.sleep(1)
        await host.drain(5)
        del world.hosts[f"w{number}"]
    world.start("last")
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_messages_of_a_receive_in_flight_are_given_back_at_once() -> None:
    world = World({"quick": quick})
    host = world.start()
    await asyncio.sleep(0.1)
    draining = asyncio.ensure_future(host.drain(DRAIN))
    await asyncio.sleep(5)
    job_id = await world.submit("quick")
    await draining
    assert host.seen(JobStarted) == []
    assert world.record(job_id).attempt == 0
    assert "Claim" not in host.store.calls
    assert await visible(world.queue) == 1


@story
async def test_messages_that_wait_for_a_slot_are_given_back_at_once() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 15)}, concurrency=2, more_queues=["other"])
    host = world.start()
    await asyncio.sleep(0.1)
    running = [await world.submit("work") for _ in range(2)]
    await world.until_true(lambda: len(book.starts) == 2)
    waiting = [await world.submit("work", queue="other") for _ in range(2)]
    await asyncio.sleep(0.1)
    assert await visible(world.queues["other"]) == 1, "the idle long poll took one, and there is no slot for it"
    draining = asyncio.ensure_future(host.drain(DRAIN))
    await asyncio.sleep(0.1)
    assert await visible(world.queues["other"]) == 2
    assert [world.record(job_id).attempt for job_id in (*running, *waiting)] == [1, 1, 0, 0]
    await draining


@story
async def test_messages_that_wait_for_their_types_turn_are_given_back_at_once_and_unclaimed() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 15, concurrency=2)})
    ids = [await world.submit("work") for _ in range(4)]
    host = world.start()
    await world.until_true(lambda: len(book.starts) == 2)
    draining = asyncio.ensure_future(host.drain(DRAIN))
    await asyncio.sleep(0.1)
    assert await visible(world.queue) == 2
    await draining
    assert sorted(world.record(job_id).attempt for job_id in ids) == [0, 0, 1, 1]
    assert host.store.calls.count("Claim") == 2


@story
async def test_a_claim_on_its_way_when_the_drain_begins_is_handed_back() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5)})
    job_id = await world.submit("work")
    host = world.start(before=lambda host: host.store.on(Claim, late(3)))
    await world.until_true(lambda: "Claim" in host.store.calls)
    await host.drain(DRAIN)
    record = world.record(job_id)
    assert (record.status, record.attempt, book.starts) == (Status.QUEUED, 0, [])
    assert await visible(world.queue) == 1


@pytest.mark.parametrize(("mishap", "given_back"), [(refused, 1), (unheard, 0)])
@story
async def test_a_claim_without_an_answer_when_the_drain_begins_costs_no_attempt(
    mishap: Mishap, given_back: int
) -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    host = world.start(before=lambda host: host.store.on(Claim, mishap, 1000))
    await asyncio.sleep(10)
    host.store.away = unheard
    began = world.clock.monotonic()
    await host.drain(DRAIN)
    assert world.record(job_id).attempt == 0
    assert await visible(world.queue) == given_back
    assert world.clock.monotonic() - began < DRAIN + SLACK


@story
async def test_a_drain_with_every_service_away_still_ends_in_time() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)}, concurrency=20)
    for _ in range(20):
        await world.submit("work")
    host = world.start()
    await world.until_true(lambda: len(book.starts) == 20)
    host.store.away = host.queue.away = host.artifacts.away = unheard
    began = world.clock.monotonic()
    await host.drain(DRAIN)
    assert world.clock.monotonic() - began <= DRAIN + SLACK
    assert host.seen(HandlerAbandoned) == []


@story
async def test_nothing_is_left_running_after_a_drain() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5), "quick": quick}, more_queues=["other"])
    for number in range(200):
        await world.submit(("work", "quick")[number % 2], queue=("jobs", "other")[number % 2])
    host = world.start()
    await world.until_true(lambda: len(book.ends) >= 50)
    await host.drain(DRAIN)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert (host.worker.capacity.taken, host.worker.executor.runs) == (0, set())
    assert [len(queue_worker.leases) for queue_worker in host.worker.queue_workers] == [0, 0]


@story
async def test_every_delete_is_flushed_before_the_drain_ends() -> None:
    world = World({"quick": quick})
    host = world.start()
    for _ in range(37):
        await world.submit("quick")
    await world.until_true(lambda: host.store.calls.count("Settle") == 37)
    host.queue.on("delete", slow(1), 10)
    await host.drain(DRAIN)
    assert world.queue.bodies == []
