"""What is remembered of the services, and what is said of the worker itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import handler
from cqworker.events import DepthMeasured, Event, ServiceFailed, ServiceRecovered
from cqworker.events.loop_events import HandlerLoopBlocked
from cqworker.execution import stuck_handlers
from cqworker.execution.executor import GRACE
from cqworker.health.probes import DepthProbe, Probe
from cqworker.health.service_health import ServiceHealth
from cqworker.testing import MemoryQueue, VirtualClock
from cqworker.testing.same_loop import SameLoop
from tests.flow.faults import FaultyQueue, refused, unheard
from tests.flow.handlers import quick
from tests.flow.world import World, story


class Service:
    """Something that can be asked how it is, and is away while `away`."""

    def __init__(self, health: ServiceHealth) -> None:
        self.health = health
        self.away = False
        self.asked = 0

    async def ask(self) -> None:
        self.asked += 1
        with self.health.monitor("service", "checking it"):
            if self.away:
                await refused(lambda: asyncio.sleep(0))


@story
async def test_nothing_is_ready_before_it_was_asked() -> None:
    events: list[Event] = []
    health = ServiceHealth(VirtualClock(), events.append, ("service",))
    assert [trouble.cause for trouble in health.readiness()] == ["It was not asked yet."]
    assert not health.is_away("service")
    health.record_success("service")
    assert health.readiness() == ()
    assert events == []


@story
async def test_a_failure_is_remembered_with_its_remedy_until_the_service_answers() -> None:
    events: list[Event] = []
    service = Service(health := ServiceHealth(VirtualClock(), events.append, ("service",)))
    service.away = True
    asking = asyncio.ensure_future(Probe("service", service.ask, health).run())
    await asyncio.sleep(100)
    [trouble] = health.readiness()
    assert (trouble.service, trouble.cause, trouble.remedy) == ("service", "It did not answer.", "Wait.")
    service.away = False
    await asyncio.sleep(16)
    assert health.readiness() == ()
    [recovered] = [event for event in events if isinstance(event, ServiceRecovered)]
    assert 100 <= recovered.seconds <= 116
    assert any(isinstance(event, ServiceFailed) for event in events)
    asking.cancel()


@story
async def test_a_service_is_asked_once_a_minute_while_all_is_well_and_not_when_others_just_did() -> None:
    service = Service(health := ServiceHealth(VirtualClock(), lambda _: None, ("service",)))
    asking = asyncio.ensure_future(Probe("service", service.ask, health).run())
    await asyncio.sleep(3600)
    assert 59 <= service.asked <= 61
    asked = service.asked
    for _ in range(360):
        await asyncio.sleep(10)
        health.record_success("service")
    assert service.asked <= asked + 1
    asking.cancel()


@story
async def test_a_service_that_fails_somebody_is_asked_soon() -> None:
    service = Service(health := ServiceHealth(VirtualClock(), lambda _: None, ("service",)))
    asking = asyncio.ensure_future(Probe("service", service.ask, health).run())
    await asyncio.sleep(5)
    asked = service.asked
    service.away = True
    with pytest.raises(Exception, match="did not answer"):
        await service.ask()
    service.away = False
    await asyncio.sleep(1)
    assert service.asked == asked + 2
    assert health.readiness() == ()
    asking.cancel()


@story
async def test_who_waits_for_a_service_goes_on_when_it_is_back_or_when_told_to_give_up() -> None:
    service = Service(health := ServiceHealth(VirtualClock(), lambda _: None, ("service",)))
    service.away = True
    with pytest.raises(Exception, match="did not answer"):
        await service.ask()
    given_up = asyncio.Event()
    waiting = [asyncio.ensure_future(health.wait_until_back("service", asyncio.Event())) for _ in range(3)]
    impatient = asyncio.ensure_future(health.wait_until_back("service", given_up))
    await asyncio.sleep(10)
    assert not any(wait.done() for wait in (*waiting, impatient))
    given_up.set()
    await impatient
    health.record_success("service")
    await asyncio.gather(*waiting)


@story
async def test_a_queue_that_is_missing_does_not_hide_the_depth_of_the_other() -> None:
    events: list[Event] = []
    main, dead = (FaultyQueue(MemoryQueue(name, VirtualClock())) for name in ("main", "dead"))
    dead.away = unheard
    looking = asyncio.ensure_future(DepthProbe((main, dead), events.append).run())
    await asyncio.sleep(600)
    seen = [event.queue for event in events if isinstance(event, DepthMeasured)]
    assert seen == ["main"] * 5
    dead.away = None
    await asyncio.sleep(20)
    assert "dead" in [event.queue for event in events if isinstance(event, DepthMeasured)]
    looking.cancel()


@story
async def test_a_worker_is_alive_whatever_the_services_do() -> None:
    world = World({"quick": quick})
    host = world.start()
    for line in (host.store, host.queue):
        line.away = refused
    await asyncio.sleep(3600)
    assert host.worker.liveness() == ()
    await world.stop()
    assert host.worker.liveness() == ()


@story
async def test_a_receive_that_never_returns_is_a_reason_for_a_restart() -> None:
    world = World({"quick": quick})
    host = world.start()
    host.queue.on("receive", lambda _apply: asyncio.get_running_loop().create_future())
    await asyncio.sleep(30)
    assert host.worker.liveness() == ()
    await asyncio.sleep(30)
    [reason] = host.worker.liveness()
    assert "a receive from jobs has taken" in reason


@story
async def test_a_handlers_loop_that_stays_silent_is_told_and_in_the_end_the_worker_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @handler(timeout=100)
    async def block(payload: dict[str, Any]) -> None:
        await asyncio.sleep(99)

    began: list[float] = []
    monkeypatch.setattr(
        SameLoop, "silent_for", lambda _: asyncio.get_running_loop().time() - began[0] if began else 0.0
    )
    world = World({"block": block})
    host = world.start()
    job_id = await world.submit("block")
    await asyncio.sleep(1)
    began.append(world.clock.monotonic())
    await asyncio.sleep(60)
    told = host.seen(HandlerLoopBlocked)
    assert told[0].seconds <= stuck_handlers.REPORT_AFTER + 1
    assert told[0].jobs == (f"block {job_id}",)
    assert len(told) <= 60 / stuck_handlers.REPORT_AFTER
    assert not host.worker.stuck.is_set()
    await asyncio.sleep(40 + GRACE + 1)
    assert host.worker.stuck.is_set()
