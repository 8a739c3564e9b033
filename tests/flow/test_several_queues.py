"""One worker, several queues: each gets what it needs, and a quiet one holds nothing back from a busy one."""

from __future__ import annotations

import asyncio
import random

from cqworker.events import JobStarted
from cqworker.model.status import Status
from tests.flow.faults import refused
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story

QUIET = ["quiet-1", "quiet-2", "quiet-3"]


@story
async def test_idle_queues_do_not_hold_slots_that_a_busy_one_needs() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)}, concurrency=10, more_queues=QUIET)
    world.start()
    await asyncio.sleep(1)
    ids = [await world.submit("work") for _ in range(200)]
    began = world.clock.monotonic()
    for job_id in ids:
        await world.until(job_id)
    assert world.clock.monotonic() - began <= 200 / 10 * 1.2
    await world.stop()


@story
async def test_a_queue_that_has_just_become_idle_does_not_hold_slots_either() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)}, concurrency=10, more_queues=QUIET)
    world.start()
    await asyncio.sleep(1)
    for name in QUIET:
        for _ in range(10):
            await world.submit("work", '{"seconds":0}', queue=name)
    await world.until_empty()
    ids = [await world.submit("work") for _ in range(100)]
    began = world.clock.monotonic()
    for job_id in ids:
        await world.until(job_id)
    assert world.clock.monotonic() - began <= 100 / 10 * 1.2
    await world.stop()


@story
async def test_a_busy_queue_does_not_keep_a_lone_job_of_another_one_waiting() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)}, concurrency=10, more_queues=QUIET)
    for _ in range(300):
        await world.submit("work")
    world.start()
    await asyncio.sleep(3)
    began = world.clock.monotonic()
    job_id = await world.submit("work", queue="quiet-2")
    await world.until(job_id)
    assert world.clock.monotonic() - began <= 8
    await world.stop()


@story
async def test_queues_that_are_all_busy_share_the_slots() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)}, concurrency=12, more_queues=QUIET)
    chance = random.Random(1)
    for name in ("jobs", *QUIET):
        for _ in range(200):
            await world.submit("work", f'{{"seconds":{chance.uniform(0.5, 1.5)}}}', queue=name)
    world.start()
    await asyncio.sleep(30)
    done = [record.queue for record in world.store.records.values() if record.status is Status.SUCCEEDED]
    assert len(done) >= 12 * 30 * 0.8
    assert min(done.count(name) for name in ("jobs", *QUIET)) >= len(done) / 4 / 3
    await world.stop()


@story
async def test_more_is_never_in_hand_than_there_are_slots() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 3)}, concurrency=5, more_queues=QUIET)
    host = world.start()
    await asyncio.sleep(1)
    for name in ("jobs", *QUIET):
        for _ in range(10):
            await world.submit("work", queue=name)
    for _ in range(300):
        await asyncio.sleep(0.1)
        assert len(host.worker.executor.runs) <= 5
    assert sum(record.status is Status.RUNNING for record in world.store.records.values()) <= 5
    await world.stop()


@story
async def test_a_queue_that_is_away_does_not_disturb_the_others() -> None:
    world = World({"quick": quick}, more_queues=QUIET)
    host = world.start()
    host.queues["quiet-1"].away = refused
    for number in range(100):
        await world.submit("quick", queue=("jobs", "quiet-1", "quiet-2")[number % 3])
    await asyncio.sleep(30)
    waiting = [record.queue for record in world.store.records.values() if record.status is Status.QUEUED]
    assert set(waiting) == {"quiet-1"}
    host.queues["quiet-1"].away = None
    await world.until_empty()
    await world.stop()


SWEEPS = ("is_ready", "sweep_leases", "take_sweep_lease", "due", "marked")
"""What the sweep of due jobs and limits asks the table, whatever there is to do."""


@story
async def test_an_idle_queue_costs_one_receive_in_twenty_seconds() -> None:
    world = World({"quick": quick}, more_queues=QUIET)
    host = world.start()
    await asyncio.sleep(3600)
    for name in ("jobs", *QUIET):
        assert 178 <= host.queues[name].calls.count("receive") <= 181
    assert host.store.calls.count("check") <= 62
    assert set(host.store.calls) == {"check", *SWEEPS}
    assert len(host.store.calls) <= 60 * 27
    await world.stop()


@story
async def test_at_saturation_receives_come_back_full() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 0.5)}, concurrency=40)
    for _ in range(1000):
        await world.submit("work")
    host = world.start()
    await world.until_true(lambda: len(book.ends) == 1000)
    received = host.queue.calls.count("receive")
    assert len(host.seen(JobStarted)) / received >= 8
    deletes = host.queue.calls.count("delete")
    assert (received + deletes) / 1000 <= 0.25
    assert "change_visibility" not in host.queue.calls
    assert {call: host.store.calls.count(call) for call in ("Claim", "Settle")} == {"Claim": 1000, "Settle": 1000}
    in_its_first_seconds = {*SWEEPS} - {"marked"}  # the first look at limits comes half a minute later
    assert set(host.store.calls) == {"Claim", "Settle", "check", *in_its_first_seconds}
    await world.stop()
