"""A right that the role lacks is told until it is granted, and one record that cannot be used is no outage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cqworker.errors import ArtifactMissing, RecordUnreadable, Unavailable
from cqworker.events import Event, ItemFailed, ServiceFailed, ServiceRecovered
from cqworker.health.monitored_ports import MonitoredArtifacts, MonitoredQueue, MonitoredSchedule, MonitoredStore
from cqworker.health.probes import Probe
from cqworker.health.service_health import ARTIFACTS, DENIAL_SECONDS, STORE, ServiceHealth
from cqworker.model.attempt_writes import Claim
from cqworker.model.status import Status
from cqworker.ports import KeyItem, Letter
from cqworker.testing import MemoryArtifacts, MemoryQueue, MemoryStore, VirtualClock
from cqworker.testing.memory_schedule import MemorySchedule
from tests.flow.faults import (
    FaultyArtifacts,
    FaultyQueue,
    FaultySchedule,
    FaultyStore,
    denied,
    refused,
    unheard,
    unreadable,
)
from tests.flow.handlers import quick
from tests.flow.world import World, story

KEY = KeyItem("k", "job", "request", 0)
CLOCK = VirtualClock()


class Watched:
    """Watched ports whose lines a test may spoil."""

    def __init__(self) -> None:
        clock = VirtualClock()
        self.events: list[Event] = []
        self.health = ServiceHealth(clock, self.events.append, ())
        self.lines = (
            FaultyStore(MemoryStore(clock)),
            FaultyArtifacts(MemoryArtifacts()),
            FaultyQueue(MemoryQueue("q", clock)),
        )
        self.store = MonitoredStore(self.lines[0], self.health)
        self.artifacts = MonitoredArtifacts(self.lines[1], self.health)
        self.queue = MonitoredQueue(self.lines[2], self.health)

    @property
    def causes(self) -> list[str]:
        return [trouble.cause for trouble in self.health.readiness()]


async def meets(error: type[Exception], act: Callable[[], object]) -> None:
    with pytest.raises(error):
        await act()  # type: ignore[misc]


@story
async def test_a_right_that_was_refused_is_told_whatever_else_the_service_answers() -> None:
    own = Watched()
    store, artifacts, queue = own.lines
    store.on("reserve_key", denied)
    artifacts.on("put", denied)
    queue.on("delete", denied)
    await meets(Unavailable, lambda: own.store.reserve_key(KEY, 0))
    await meets(Unavailable, lambda: own.artifacts.put("key", b"", ""))
    await meets(Unavailable, lambda: own.queue.delete(["r"]))
    await own.store.get("job")
    await meets(ArtifactMissing, lambda: own.artifacts.get(own.artifacts.reference("absent"), 1))
    await own.queue.send(Letter(body="x"))
    assert own.causes == ["The role may not."] * 3
    assert not any(isinstance(event, ServiceRecovered) for event in own.events)
    await own.store.reserve_key(KEY, 0)
    await own.artifacts.put("key", b"", "")
    await own.queue.delete(["r"])
    assert own.causes == []
    assert sum(isinstance(event, ServiceRecovered) for event in own.events) == 3


@story
async def test_a_role_that_may_not_read_the_index_of_due_jobs_goes_on_without_it_and_is_told() -> None:
    own = Watched()
    store = own.lines[0]
    schedule = MonitoredSchedule(FaultySchedule(MemorySchedule(MemoryStore(CLOCK)), store), own.health)
    store.on("is_ready", denied, times=2)
    assert [await schedule.is_ready(), await schedule.is_ready()] == [False, False]
    told = [(event.service, event.remedy) for event in own.events if isinstance(event, ServiceFailed)]
    assert told == [("index of due jobs", "Allow it.")] * 2
    assert (own.causes, own.health.outages) == ([], {}), "it holds up no claim, and nothing else is missing"
    assert await schedule.is_ready()
    (recovered,) = [event for event in own.events if isinstance(event, ServiceRecovered)]
    assert recovered.service == "index of due jobs"
    store.on("is_ready", unheard)
    await meets(Unavailable, schedule.is_ready)
    assert own.causes == ["It did not answer."]


@pytest.mark.parametrize("call", ["put", "get"])
@story
async def test_a_denied_object_is_told_and_its_right_is_tried_until_it_is_granted(call: str) -> None:
    own = Watched()
    line = own.lines[1]
    reference = await own.artifacts.put("key", b"", "")
    checking = asyncio.ensure_future(Probe(ARTIFACTS, own.artifacts.check, own.health, 300).run())
    await asyncio.sleep(1)
    assert own.causes == []
    for each in (call, {"put": "check_writing", "get": "check"}[call]):
        line.on(each, denied, times=99)
    act = {"put": lambda: own.artifacts.put("key", b"", ""), "get": lambda: own.artifacts.get(reference, 1)}[call]
    await meets(Unavailable, act)
    for _ in range(20):
        await asyncio.sleep(10)
        assert own.causes == ["The role may not."]
    line.granted()
    await asyncio.sleep(16)
    assert own.causes == []
    checking.cancel()


@story
async def test_the_sources_of_jobs_do_not_decide_whether_the_daemon_is_ready() -> None:
    own = Watched()
    own.lines[1].on("get", denied)
    await meets(Unavailable, lambda: own.artifacts.get("s3://elsewhere/key", 1))
    assert own.causes == []


@story
async def test_the_first_check_finds_out_whether_writing_is_allowed_and_the_later_ones_cost_no_write() -> None:
    own = Watched()
    for service, port, line in ((STORE, own.store, own.lines[0]), (ARTIFACTS, own.artifacts, own.lines[1])):
        own.health = ServiceHealth(VirtualClock(), own.events.append, (service,))
        watched = type(port)(line, own.health)  # type: ignore[arg-type]
        line.on("check_writing", denied)
        await meets(Unavailable, watched.check)
        assert own.causes == ["The role may not."]
        assert own.health.is_away(service)
        await watched.check()
        assert own.causes == []
        for _ in range(10):
            await watched.check()
        assert line.calls.count("check_writing") == 2


@story
async def test_a_check_that_may_not_write_still_tells_that_it_may_read() -> None:
    own = Watched()
    own.lines[0].on("check", denied)
    await meets(Unavailable, own.store.check)
    await meets(Unavailable, lambda: _denied_write(own))
    assert len(own.health.readiness()) == 1, "two rights, one sentence for both"
    own.lines[0].on("check_writing", denied)
    await meets(Unavailable, own.store.check)
    assert own.health.is_away(STORE)
    await own.store.check()
    assert not own.health.is_away(STORE)


async def _denied_write(own: Watched) -> None:
    own.lines[0].on("check_writing", denied)
    await own.store.check_writing()


@story
async def test_a_worker_that_may_not_write_asks_for_no_work_until_it_may() -> None:
    world = World({"quick": quick})
    host = world.start()
    await asyncio.sleep(30)
    for call in (Claim, "check_writing"):
        host.store.on(call, denied, times=99)
    job_id = await world.submit("quick")
    await asyncio.sleep(60)
    asked = host.queue.calls.count("receive")
    await asyncio.sleep(300)
    assert host.queue.calls.count("receive") == asked
    assert [trouble.service for trouble in host.ground.health.readiness()] == [STORE]
    host.store.granted()
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.stop()


@story
async def test_a_right_that_no_check_tries_is_forgotten_when_nobody_needed_it_for_minutes() -> None:
    own = Watched()
    own.lines[2].on("send", denied, times=2)
    for _ in range(2):
        await meets(Unavailable, lambda: own.queue.send(Letter(body="x")))
        await own.queue.depth()
        assert own.causes == ["The role may not."]
        await asyncio.sleep(DENIAL_SECONDS - 1)
        await own.queue.depth()
        assert own.causes == ["The role may not."]
    await asyncio.sleep(2)
    await own.queue.depth()
    assert own.causes == []


@story
async def test_a_service_that_is_away_is_back_with_any_answer_and_a_refused_right_outlasts_that() -> None:
    own = Watched()
    own.lines[0].on("reserve_key", denied)
    await meets(Unavailable, lambda: own.store.reserve_key(KEY, 0))
    own.lines[0].on("get", refused)
    await meets(Unavailable, lambda: own.store.get("job"))
    assert own.causes == ["The role may not.", "It did not answer."]
    assert own.health.is_away(STORE)
    await own.store.get("job")
    assert own.causes == ["The role may not."]
    assert not own.health.is_away(STORE), "claims need no such right"


@story
async def test_a_record_that_cannot_be_read_is_told_and_does_not_mark_the_store_as_away() -> None:
    own = Watched()
    await own.store.check()
    own.lines[0].on("get", unreadable)
    await meets(RecordUnreadable, lambda: own.store.get("job"))
    assert own.causes == []
    assert not own.health.is_away(STORE)
    [told] = [event for event in own.events if not isinstance(event, ServiceFailed)]
    assert told == ItemFailed(service=STORE, doing="reading", cause="It cannot be read.", remedy="Upgrade.")


@story
async def test_a_record_that_cannot_be_read_holds_up_no_other_job() -> None:
    world = World({"quick": quick})
    host = world.start()
    await asyncio.sleep(1)
    host.store.on(Claim, unreadable, times=999)
    bad = await world.submit("quick")
    for _ in range(20):
        await asyncio.sleep(30)
        assert host.ground.health.readiness() == ()
        assert not host.ground.health.is_away(STORE)
    assert host.seen(ItemFailed)
    assert not host.seen(ServiceFailed)
    asked = host.queue.calls.count("receive")
    await asyncio.sleep(120)
    assert host.queue.calls.count("receive") >= asked + 4, "polling goes on"
    host.store.granted()
    assert (await world.until(bad)).status == Status.SUCCEEDED
    await world.stop()
