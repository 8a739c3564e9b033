"""A service is away for minutes: nothing is charged for it, nobody hammers at it, and work goes on by itself."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import SendUnanswered, Unavailable
from cqworker.events import BackgroundFailed, ServiceFailed, ServiceRecovered
from cqworker.model.status import Status
from tests.flow.faults import Mishap, refused, slow, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story

MINUTES = 300.0


@pytest.mark.parametrize("mishap", [refused, unheard])
@story
async def test_a_store_that_is_away_costs_no_attempt_and_keeps_pollers_from_asking(mishap: Mishap) -> None:
    world = World({"work": worker_of(Notebook(), 1, max_attempts=1)})
    host = world.start()
    await asyncio.sleep(1)
    host.store.away = mishap
    ids = [await world.submit("work") for _ in range(50)]
    await asyncio.sleep(30)
    asked = host.queue.calls.count("receive")
    await asyncio.sleep(MINUTES)
    assert host.queue.calls.count("receive") == asked
    assert [world.record(job_id).attempt for job_id in ids] == [0] * 50
    host.store.away = None
    back = world.clock.monotonic()
    for job_id in ids:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert world.clock.monotonic() - back <= 60
    assert host.seen(ServiceRecovered)
    await world.stop()


@story
async def test_a_store_that_is_away_is_asked_seldom() -> None:
    world = World({"quick": quick})
    host = world.start()
    host.store.away = refused
    await world.submit("quick")
    await asyncio.sleep(120)
    asked = len(host.store.calls)
    await asyncio.sleep(MINUTES)
    assert len(host.store.calls) - asked <= MINUTES / 7
    await world.stop()


@story
async def test_jobs_that_ran_when_the_store_went_away_run_again_when_it_is_back() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    host = world.start()
    ids = [await world.submit("work") for _ in range(5)]
    await world.until_true(lambda: len(book.starts) == 5)
    host.store.away = unheard
    await asyncio.sleep(MINUTES)
    assert len(book.stops) == 5
    host.store.away = None
    for job_id in ids:
        assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_store_that_is_away_for_less_than_a_lease_stops_no_job() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 200)})
    host = world.start()
    ids = [await world.submit("work") for _ in range(20)]
    await world.until_true(lambda: len(book.starts) == 20)
    for _ in range(3):
        await asyncio.sleep(25)
        host.store.away = host.queue.away = unheard
        await asyncio.sleep(20)
        host.store.away = host.queue.away = None
    for job_id in ids:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.stop()


@story
async def test_a_queue_that_is_away_is_asked_seldom_and_drained_when_it_is_back() -> None:
    world = World({"quick": quick})
    host = world.start()
    host.queue.away = refused
    ids = [await world.submit("quick") for _ in range(20)]
    await asyncio.sleep(120)
    asked = host.queue.calls.count("receive")
    await asyncio.sleep(MINUTES)
    assert host.queue.calls.count("receive") - asked <= MINUTES / 9
    host.queue.away = None
    back = world.clock.monotonic()
    for job_id in ids:
        assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert world.clock.monotonic() - back <= 25
    assert {event.service for event in host.seen(ServiceFailed)} == {"queue jobs"}
    await world.stop()


@story
async def test_receives_whose_answers_are_lost_cost_time_alone() -> None:
    world = World({"quick": quick})

    async def swallow(apply: object) -> None:
        await apply()  # type: ignore[operator]
        raise Unavailable("sqs", "It did not answer.", "", ambiguous=True)

    host = world.start(before=lambda host: host.queue.on("receive", swallow, 2))
    record = await world.until(await world.submit("quick"))
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert world.clock.monotonic() <= 65
    assert host.seen(BackgroundFailed) == []
    await world.stop()


@story
async def test_deletes_that_fail_for_minutes_run_no_job_twice() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    host = world.start()
    host.queue.on("delete", refused, 50)
    ids = [await world.submit("work") for _ in range(10)]
    for job_id in ids:
        await world.until(job_id)
    await world.until_empty()
    assert len(book.starts) == 10
    await world.stop()


@story
async def test_a_slow_store_delays_jobs_and_loses_no_lease() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    host = world.start()
    host.store.latency = lambda: 4.0
    host.queue.on("change_visibility", slow(8), 1000)
    ids = [await world.submit("work") for _ in range(30)]
    for job_id in ids:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.stop()


@story
async def test_a_submission_that_the_queue_refuses_leaves_nothing_behind() -> None:
    world = World({"quick": quick})
    for call in ("send", "send_many"):
        world.office.queue.on(call, refused)
    with pytest.raises(Unavailable):
        await world.accept("quick")
    assert (world.queue.bodies, world.store.records) == ([], {})


@story
async def test_a_submission_without_an_answer_names_the_job_that_may_run() -> None:
    world = World({"quick": quick})
    for call in ("send", "send_many"):
        world.office.queue.on(call, unheard)
    with pytest.raises(SendUnanswered) as caught:
        await world.accept("quick")
    assert caught.value.job_id in str(caught.value)
    assert world.store.records == {}


@story
async def test_a_store_that_goes_away_while_pollers_wait_for_slots_is_not_given_more_work() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 40)}, concurrency=2)
    host = world.start()
    for _ in range(20):
        await world.submit("work")
    await world.until_true(lambda: len(book.starts) == 2)
    host.store.away = refused
    asked = host.queue.calls.count("receive")
    await world.until_true(lambda: host.worker.slots.taken == 0)
    await asyncio.sleep(60)
    assert host.queue.calls.count("receive") == asked
    await world.stop()
