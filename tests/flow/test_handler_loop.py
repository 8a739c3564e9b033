"""The second event loop, in real time: what it is given comes back, and a blocked one blocks nothing else."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop

from cqworker import handler
from cqworker.events import JobStarted
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.model.status import FailureKind, Status
from tests.flow.waiting import eventually
from tests.flow.world import REAL, World
from tests.patience import scaled
from tests.stopwatch import Stopwatch

BOTH = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=BOTH)
async def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ThreadedLoop]:
    monkeypatch.setattr(ThreadedLoop, "PULSE", 0.05)
    threaded = ThreadedLoop(BOTH[request.param])
    yield threaded
    await threaded.close()
    assert not threaded._thread.is_alive()


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
        busy.wait(scaled(5))

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
    await asyncio.to_thread(started.wait, scaled(5))
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
    assert ticks >= 5
    assert max(silences) >= 0.3
    await eventually(lambda: loop.silent_for() < 0.1)


async def leave() -> None:
    sys.exit(3)


async def leave_in_a_gather() -> None:
    await asyncio.gather(leave(), asyncio.sleep(0.01))


async def leave_in_a_task_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(leave())
        group.create_task(asyncio.sleep(0.01))


async def leave_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    await asyncio.sleep(0.01)


async def interrupt_in_a_callback() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    asyncio.get_running_loop().call_soon(interrupt)
    await asyncio.sleep(0.01)


async def stop_the_loop() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)


LEAVING = [leave_in_a_gather, leave_in_a_task_group, leave_in_a_callback, interrupt_in_a_callback, stop_the_loop]


@pytest.mark.parametrize("way_out", LEAVING)
async def test_whatever_a_handler_does_to_end_its_loop_ends_that_handler_alone(
    loop: ThreadedLoop, way_out: Callable[[], Any]
) -> None:
    async def sibling() -> str:
        await asyncio.sleep(0.15)
        return "done"

    beside = loop.call(sibling)
    for _ in range(3):
        culprit = loop.call(way_out)
        await asyncio.wait([culprit.ended], timeout=scaled(5))
        assert culprit.ended.done()
        assert not culprit.ended.cancelled()
        told = culprit.ended.exception()
        assert told is None or isinstance(told, SystemExit)
    assert await asyncio.wait_for(beside.ended, scaled(5)) == "done"
    assert await asyncio.wait_for(loop.call(sibling).ended, scaled(5)) == "done"


async def test_an_exit_is_told_even_where_a_handler_has_set_an_exception_handler_that_exits(
    loop: ThreadedLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_fast() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: sys.exit(4))
        await leave_in_a_callback()

    await asyncio.wait_for(loop.call(fail_fast).ended, scaled(5))
    assert await asyncio.wait_for(loop.call(lambda: asyncio.sleep(0, "on")).ended, scaled(5)) == "on"
    assert "a handler tried to end the loop of all handlers" in caplog.text


async def test_a_loop_whose_every_task_clings_to_it_closes_all_the_same(loop: ThreadedLoop) -> None:
    cleaned = threading.Event()

    async def leave_when_cancelled() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            sys.exit(3)

    async def stop_when_cancelled() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            asyncio.get_running_loop().stop()
            await asyncio.sleep(0.01)
            cleaned.set()

    calls = [loop.call(leave_when_cancelled), loop.call(stop_when_cancelled)]
    await loop.call(lambda: asyncio.sleep(0.01)).ended
    await loop.close()
    await asyncio.wait([call.ended for call in calls], timeout=scaled(5))
    assert isinstance(calls[0].ended.exception(), SystemExit)
    assert calls[1].ended.cancelled()
    assert cleaned.is_set()


async def test_closing_cancels_what_runs_and_leaves_a_blocked_loop_behind() -> None:
    async def sleep() -> None:
        await asyncio.sleep(60)

    idle = ThreadedLoop()
    call = idle.call(sleep)
    await idle.close()
    await asyncio.wait([call.ended], timeout=scaled(5))
    assert call.ended.cancelled()
    release = threading.Event()

    async def block() -> None:
        release.wait()

    blocked = ThreadedLoop()
    blocked.call(block)
    watch = Stopwatch()
    await blocked.close()
    assert watch.seconds < 3
    release.set()


@handler(max_attempts=1)
async def gather_and_leave(payload: dict[str, Any]) -> None:
    await leave_in_a_gather()


@handler(max_attempts=1)
async def group_and_leave(payload: dict[str, Any]) -> None:
    await leave_in_a_task_group()


@handler(max_attempts=1)
async def call_and_leave(payload: dict[str, Any]) -> None:
    await leave_in_a_callback()
    raise ValueError("it is still here")


@handler(max_attempts=1)
async def stop_and_stay(payload: dict[str, Any]) -> None:
    await stop_the_loop()
    raise ValueError("it is still here")


async def test_a_job_that_ends_the_loop_under_its_siblings_is_failed_and_they_succeed_at_once() -> None:
    @handler
    async def nap(payload: dict[str, Any]) -> str:
        await asyncio.sleep(1)
        return "slept"

    culprits = {
        "gather": (gather_and_leave, "SystemExit"),
        "group": (group_and_leave, "SystemExit"),
        "call": (call_and_leave, "ValueError"),
        "stop": (stop_and_stay, "ValueError"),
    }
    world = World({"nap": nap} | {name: function for name, (function, _) in culprits.items()}, real=REAL)
    host = world.start()
    siblings = [await world.submit("nap") for _ in range(3)]
    await world.until_true(lambda: len(host.seen(JobStarted)) == 3, patience=5)
    for name, (_, error) in culprits.items():
        failed = await world.until(await world.submit(name), patience=5)
        assert failed.failure is not None
        assert (failed.failure.kind, failed.failure.error) == (FailureKind.EXHAUSTED, error)
    for job_id in (*siblings, await world.submit("nap")):
        record = await world.until(job_id, patience=5)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await host.drain(2)
