"""A service is away for minutes: nothing is charged for it, nobody hammers at it, and work goes on by itself."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import SendUnanswered, Unavailable
from cqworker.events import BackgroundFailed, JobStarted, ServiceFailed, ServiceRecovered
from cqworker.execution import stuck_handlers
from cqworker.health import main_loop_lag
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
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
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
    await asyncio.sleep(160)
    assert host.queue.calls.count("receive") == asked
    assert len(book.ends) == 2
    host.store.away = None
    await world.until_empty()
    assert len(book.starts) == 20
    await world.stop()


@pytest.mark.parametrize("away", [("store",), ("queue",), ("store", "queue")])
@pytest.mark.parametrize("seconds", [120.0, 4000.0])
@story
async def test_an_outage_of_any_length_charges_no_attempt_and_costs_no_finished_work(
    away: tuple[str, ...], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what was in hand: what ended meanwhile keeps its result, and what was stopped is handed back."""
    for watching, name in ((stuck_handlers, "LOOK_EVERY"), (main_loop_lag, "PULSE_SECONDS")):
        monkeypatch.setattr(watching, name, seconds)  # nobody looks at the loops every second of it
    book = Notebook()
    world = World({"work": worker_of(book, 300, max_attempts=1)})
    hosts = [world.start("w1"), world.start("w2")]
    short = [await world.submit("work", '{"seconds": 40}') for _ in range(3)]
    long = [await world.submit("work") for _ in range(3)]
    await world.until_true(lambda: len(book.starts) == 6)
    await asyncio.sleep(30)
    for port in away:
        for host in hosts:
            getattr(host, port).away = unheard
    await asyncio.sleep(seconds)
    for host in hosts:
        host.store.away = host.queue.away = None
    for job_id in (*short, *long):
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert all(len(book.starts_of(job_id)) == 1 for job_id in short), "finished work is done once"
    await world.until_empty()
    await world.stop()


@story
async def test_what_a_dead_worker_held_is_taken_over_although_a_service_failed_a_moment_ago() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    first = world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: first.seen(JobStarted))
    world.kill("w1")
    second = world.start("w2")
    while world.record(job_id).attempt == 1:
        second.store.on("check", unheard)
        await asyncio.sleep(5)
        assert world.clock.monotonic() < 60 + 60 + 30
    assert (await world.until(job_id)).attempt == 2
    await world.stop()


@story
async def test_an_ending_that_meets_an_error_that_nobody_foresaw_is_written_when_it_can_be() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 10, max_attempts=1)})

    async def odd(_: object) -> None:
        raise RuntimeError("odd")

    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: len(book.starts) == 1)
    host.store.away = odd
    await world.until_true(lambda: len(book.ends) == 1)
    await asyncio.sleep(5)
    assert host.seen(ServiceFailed)
    host.store.away = None
    record = await world.until(job_id)
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)
    assert host.seen(BackgroundFailed) == []
    await world.stop()
