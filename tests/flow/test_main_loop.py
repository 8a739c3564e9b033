"""A main loop that stood still is told for itself: neither SQS nor the handlers are blamed, and /healthz stays well."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from cqworker import handler
from cqworker.events import Event, JobStarted
from cqworker.events.loop_events import HandlerLoopBlocked, MainLoopBlocked, MainLoopProbed
from cqworker.execution import stuck_handlers
from cqworker.health.main_loop_lag import MainLoopLag
from cqworker.testing import VirtualClock
from cqworker.testing.same_loop import SameLoop
from tests.flow.handlers import quick
from tests.flow.waiting import eventually
from tests.flow.world import BRIEF, World, loop_of_this_story, story

AWAY = 120.0


@story
async def test_a_loop_that_turns_was_never_absent() -> None:
    events: list[Event] = []
    main = MainLoopLag(VirtualClock(), events.append)
    pulse = asyncio.ensure_future(main.run())
    await asyncio.sleep(60.5)
    assert main.seconds_absent_since(0.0) < 0.01
    assert {type(event) for event in events} == {MainLoopProbed}
    assert len(events) == 60
    pulse.cancel()


@story
async def test_an_absence_counts_where_it_overlaps_and_also_before_the_pulse_has_seen_it() -> None:
    world = World({"quick": quick})
    host = world.start()
    main = host.worker._watchdog.main
    await asyncio.sleep(10.5)
    world.freeze("w1")
    await asyncio.sleep(AWAY)
    assert main.seconds_absent_since(0.0) == pytest.approx(AWAY, abs=1.1), (
        "what wakes with the loop asks before the pulse does"
    )
    world.thaw("w1")
    await asyncio.sleep(5)
    now = world.clock.monotonic()
    assert main.seconds_absent_since(0.0) == pytest.approx(AWAY, abs=1.1)
    assert main.seconds_absent_since(now - 35) == pytest.approx(30, abs=0.1)
    assert main.seconds_absent_since(now - 4) < 0.1
    [told] = host.seen(MainLoopBlocked)
    assert told.seconds == pytest.approx(AWAY, abs=1.1)
    await world.stop()


@story
async def test_a_worker_that_comes_back_is_healthy_although_its_receive_began_long_ago() -> None:
    world = World({"quick": quick})
    host = world.start()
    host.queue.on("receive", lambda _apply: loop_of_this_story().create_future())
    await asyncio.sleep(10)
    world.freeze("w1")
    await asyncio.sleep(AWAY)
    assert host.worker.liveness() == (), "asked in the very turn in which it comes back"
    world.thaw("w1")
    await asyncio.sleep(10)
    assert host.worker.liveness() == ()
    await asyncio.sleep(30)
    [reason] = host.worker.liveness()
    assert "a receive from jobs has taken" in reason, "a receive that hangs by itself is one all the same"


@story
async def test_the_handlers_loop_is_not_blamed_for_the_time_in_which_nobody_could_hear_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = 10.0
    monkeypatch.setattr(SameLoop, "silent_for", lambda _: max(0.0, loop_of_this_story().time() - answered - 1))
    world = World({"quick": quick})
    host = world.start()
    await asyncio.sleep(10)
    world.freeze("w1")
    await asyncio.sleep(AWAY)
    world.thaw("w1")
    await asyncio.sleep(3)
    assert host.seen(HandlerLoopBlocked) == []
    await asyncio.sleep(10)
    assert host.seen(HandlerLoopBlocked)[0].seconds < 15, "its own silence counts, and only that"


async def test_a_computation_on_the_main_loop_is_told_and_no_handler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stuck_handlers, "REPORT_AFTER", 1.0)
    monkeypatch.setattr(stuck_handlers, "LOOK_EVERY", 0.1)

    @handler
    async def nap(payload: dict[str, Any]) -> None:
        await asyncio.sleep(1)

    world = World({"nap": nap}, real=BRIEF)
    host = world.start()
    await world.submit("nap")
    await eventually(lambda: host.seen(JobStarted))
    time.sleep(2.2)  # noqa: ASYNC251 - the mistake
    await eventually(lambda: host.seen(MainLoopBlocked))
    assert host.seen(HandlerLoopBlocked) == []
    assert host.worker.liveness() == ()
    await host.drain(3)
