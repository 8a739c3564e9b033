"""A type that this worker does not know may be known to the next one: it waits a day, at no cost."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cqworker.events import CopyRefreshed, JobHandedBack, JobStarted
from cqworker.model.status import FailureKind, Status
from cqworker.plugins.registry import Registry, registry_of
from cqworker.ports.fleet import Heartbeat
from cqworker.testing.host import Host
from tests.flow.faults import refused
from tests.flow.fleet_world import FleetWorld
from tests.flow.handlers import quick
from tests.flow.long_stories import HOUR, look_seldom
from tests.flow.world import DAY, MAX_RECEIVES, World, story


@pytest.fixture(autouse=True)
def _long_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    look_seldom(monkeypatch)


def ignorant(world: World, name: str = "old") -> Host:
    """A host of a version that does not know the type."""
    return world.start(name, registry=Registry())


@story
async def test_an_unknown_type_is_handed_back_with_growing_pauses_and_its_attempt_refunded() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    host = ignorant(world)
    await world.until_true(lambda: len(host.seen(JobHandedBack)) == 12)
    delays = [event.delay for event in host.seen(JobHandedBack)]
    record = world.record(job_id)
    assert (record.status, record.attempt) == (Status.QUEUED, 0)
    assert delays[0] < 10 < delays[6] < max(delays) <= 900
    assert host.seen(JobStarted) == []
    await world.stop()


@story
async def test_a_worker_that_knows_the_type_runs_what_others_handed_back() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    ignorant(world)
    await asyncio.sleep(3 * HOUR)
    world.kill("old")
    world.start("new")
    record = await world.until(job_id, patience=1200)
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)


@story
async def test_a_type_that_nobody_knows_for_a_day_fails_the_job() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    host = ignorant(world)
    record = await world.until(job_id, patience=2 * DAY)
    await world.until_empty()
    assert record.failure is not None
    assert (record.status, record.failure.kind) == (Status.FAILED, FailureKind.UNKNOWN_TYPE)
    assert DAY <= world.clock.monotonic() <= DAY + 2000
    assert len(host.seen(JobHandedBack)) > MAX_RECEIVES, "it lasts longer than the redrive policy would allow"
    assert host.seen(CopyRefreshed)
    await world.stop()


@story
async def test_the_day_begins_anew_with_a_retry() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    ignorant(world)
    await world.until(job_id, patience=2 * DAY)
    began = world.clock.monotonic()
    await world.operator.retry(job_id, None)
    await world.until_true(lambda: world.record(job_id).round == 2)
    record = await world.until(job_id, patience=2 * DAY)
    assert (record.status, record.round) == (Status.FAILED, 2)
    assert world.clock.monotonic() - began >= DAY
    await world.stop()


@story
async def test_the_day_begins_anew_with_a_retry_whose_message_was_faster_than_its_record() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    await world.operator.cancel(job_id, None)
    ignorant(world)
    await world.until_empty()
    world.kill("old")
    await asyncio.sleep(2 * DAY)
    ignorant(world, "older")
    world.office.store.latency = lambda: 5.0
    await world.operator.retry(job_id, None)
    record = world.record(job_id)
    assert (record.round, record.status, record.attempt) == (2, Status.QUEUED, 0)
    assert "handed_back" in [entry.event for entry in record.history]
    await world.stop()


def test_the_registry_of_an_ignorant_host_is_empty() -> None:
    assert Registry().get("quick") is None
    assert registry_of(quick=quick).get("quick") is not None


def knowing(world: FleetWorld) -> Heartbeat:
    """A live worker that serves the type from this queue, and has no room: it never takes a job."""
    return Heartbeat(worker="full", boot="b", seen=world.clock.now(), queues=("jobs",), types="0123", slots=1, busy=1)


async def keep_alive(world: FleetWorld) -> None:
    first = True
    while True:
        await world.fleet.heartbeat(knowing(world), first=first)
        first = False
        await asyncio.sleep(60)


@story
async def test_it_waits_beyond_its_day_while_a_live_worker_serves_the_type_and_no_longer() -> None:
    world = FleetWorld({"quick": quick})
    await world.fleet.publish_types("0123", ["quick"])
    alive = asyncio.create_task(keep_alive(world))
    job_id = await world.submit("quick")
    host = world.start("old", registry=Registry())
    await asyncio.sleep(2 * DAY)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    asked = world.lines["old"].line.calls.count("members")
    assert 0 < asked < 2 * 24 * 60, "at most once a minute, and only once its day is over"
    alive.cancel()
    record = await world.until(job_id, patience=2 * HOUR)
    assert record.failure is not None
    assert record.failure.kind is FailureKind.UNKNOWN_TYPE
    assert len(host.seen(JobHandedBack)) > MAX_RECEIVES
    await world.stop()


@story
async def test_a_live_worker_of_another_queue_is_no_reason_to_wait() -> None:
    world = FleetWorld({"quick": quick})
    await world.fleet.publish_types("0123", ["quick"])
    await world.fleet.heartbeat(replace(knowing(world), queues=("more",), seen=world.clock.now() + 10**9), first=True)
    job_id = await world.submit("quick")
    world.start("old", registry=Registry())
    assert (await world.until(job_id, patience=2 * DAY)).status is Status.FAILED
    await world.stop()


@story
async def test_while_the_registry_does_not_answer_no_job_fails_for_its_type() -> None:
    world = FleetWorld({"quick": quick})
    job_id = await world.submit("quick")
    world.start("old", registry=Registry())
    line = world.lines["old"].line
    line.chance = lambda name: refused if name == "members" else None
    await asyncio.sleep(DAY + HOUR)
    assert world.record(job_id).status is not Status.FAILED
    line.chance = lambda _: None
    assert (await world.until(job_id, patience=HOUR)).status is Status.FAILED
    await world.stop()
