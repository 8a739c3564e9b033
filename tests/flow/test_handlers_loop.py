"""The second event loop, in real time: what it is given comes back, and a blocked one blocks nothing else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cqworker import handler
from cqworker.events import HandlersLoopSilent, JobStarted, LeaseLost
from cqworker.flow import handlers_watch
from cqworker.flow.handlers_loop import ThreadedLoop
from cqworker.model.status import Status
from tests.flow.waiting import eventually
from tests.flow.world import REAL, World


@pytest.fixture
async def loop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ThreadedLoop]:
    monkeypatch.setattr(ThreadedLoop, "PULSE", 0.05)
    threaded = ThreadedLoop()
    yield threaded
    await threaded.close()


async def test_every_call_gets_its_own_answer(loop: ThreadedLoop) -> None:
    async def echo(number: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        return number, threading.current_thread().name

    calls = [loop.call(lambda number=number: echo(number)) for number in range(2000)]  # type: ignore[misc]
    answers = await asyncio.gather(*(call.ended for call in calls))
    assert answers == [(number, "handlers") for number in range(2000)]


async def test_an_exception_comes_back_as_it_was_raised(loop: ThreadedLoop) -> None:
    async def fail() -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        await loop.call(fail).ended


async def test_work_that_cannot_even_begin_does_not_stop_the_loop(loop: ThreadedLoop) -> None:
    def broken() -> Any:
        raise RuntimeError("no coroutine")

    async def fine() -> str:
        return "fine"

    stuck = loop.call(broken)
    assert await loop.call(fine).ended == "fine"
    with pytest.raises(RuntimeError, match="no coroutine"):
        await stuck.ended


async def test_a_call_can_be_cancelled_before_and_while_it_runs(loop: ThreadedLoop) -> None:
    started, busy = threading.Event(), threading.Event()

    async def keep_busy() -> None:
        busy.wait(5)

    async def sleep() -> None:
        started.set()
        await asyncio.sleep(60)

    loop.call(keep_busy)
    early = loop.call(sleep)
    early.cancel()
    busy.set()
    await asyncio.wait([early.ended])
    assert early.ended.cancelled()
    assert not started.is_set()
    late = loop.call(sleep)
    await asyncio.to_thread(started.wait, 5)
    late.cancel()
    await asyncio.wait([late.ended])
    assert late.ended.cancelled()


async def test_a_blocked_loop_is_noticed_and_the_main_loop_goes_on(loop: ThreadedLoop) -> None:
    async def block() -> None:
        time.sleep(0.5)  # noqa: ASYNC251 - what a careless author does

    call = loop.call(block)
    ticks, silences = 0, []
    while not call.ended.done():
        await asyncio.sleep(0.01)
        ticks += 1
        silences.append(loop.silent_for())
    assert ticks >= 20
    assert max(silences) >= 0.3
    await eventually(lambda: loop.silent_for() < 0.1)


async def test_closing_cancels_what_runs_and_leaves_a_blocked_loop_behind() -> None:
    async def sleep() -> None:
        await asyncio.sleep(60)

    idle = ThreadedLoop()
    call = idle.call(sleep)
    await idle.close()
    await asyncio.wait([call.ended], timeout=5)
    assert call.ended.cancelled()
    release = threading.Event()

    async def block() -> None:
        release.wait()

    blocked = ThreadedLoop()
    blocked.call(block)
    began = time.monotonic()
    await blocked.close()
    assert time.monotonic() - began < 3
    release.set()


async def test_a_handler_that_blocks_its_loop_past_its_lease_keeps_it_and_hurts_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handlers_watch, "SILENCE_TOLD", 0.5)
    monkeypatch.setattr(handlers_watch, "LOOK_EVERY", 0.2)

    @handler
    async def careless(payload: dict[str, Any]) -> str:
        time.sleep(4.2)  # noqa: ASYNC251 - longer than the lease
        return "done"

    @handler
    def polite(payload: dict[str, Any]) -> str:
        return "done"

    world = World({"careless": careless, "polite": polite}, real=REAL)
    host = world.start()
    blocker = await world.submit("careless")
    await world.until_true(lambda: host.seen(JobStarted))
    began = time.monotonic()
    other = await world.until(await world.submit("polite"), patience=5)
    assert (other.status, time.monotonic() - began < 3) == (Status.SUCCEEDED, True)
    record = await world.until(blocker, patience=10)
    assert (record.status, record.attempt, host.seen(LeaseLost)) == (Status.SUCCEEDED, 1, [])
    assert any(blocker in job for event in host.seen(HandlersLoopSilent) for job in event.jobs)
    await host.drain(3)
