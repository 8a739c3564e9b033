"""A blocked handlers' loop, in real time: it hurts no lease, and whoever blocks it is named with the line to mend."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from cqworker import handler
from cqworker.events import JobStarted, LeaseLost
from cqworker.events.loop_events import HandlerLoopBlocked
from cqworker.execution import stuck_handlers
from cqworker.execution.handler_loop import LoopPosition, ThreadedLoop
from cqworker.model.status import Status
from tests.flow.waiting import eventually
from tests.flow.world import BRIEF, World


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
async def test_a_silent_loop_says_whose_task_runs_there_and_on_which_line(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    loop = ThreadedLoop(new_loop)
    blocked, release = threading.Event(), threading.Event()

    async def nap() -> None:
        await asyncio.sleep(60)

    async def block() -> None:
        blocked.set()
        release.wait()  # here it stands

    async def block_in_a_subtask() -> None:
        await asyncio.gather(block())

    assert loop.position() == LoopPosition()
    for _ in range(3):
        loop.call(nap)
    for work, is_known in ((block, True), (block_in_a_subtask, False)):
        call = loop.call(work)
        await eventually(blocked.is_set)
        await eventually(lambda: loop.position().place == f"{__file__}:{line_of('# here it stands')}")
        assert loop.position().ended is (call.ended if is_known else None)
        release.set()
        await asyncio.wait([call.ended])
        blocked.clear()
        release.clear()
    await eventually(lambda: loop.position() == LoopPosition())
    await loop.close()


def line_of(mark: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(mark))


async def test_a_handler_that_blocks_its_loop_past_its_lease_keeps_it_and_hurts_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stuck_handlers, "REPORT_AFTER", 1.0)
    monkeypatch.setattr(stuck_handlers, "LOOK_EVERY", 0.2)

    @handler
    async def careless(payload: dict[str, Any]) -> str:
        time.sleep(4.2)  # noqa: ASYNC251 - longer than the lease
        return "done"

    @handler
    def polite(payload: dict[str, Any]) -> str:
        return "done"

    world = World({"careless": careless, "polite": polite}, real=BRIEF)
    host = world.start()
    blocker = await world.submit("careless")
    await world.until_true(lambda: host.seen(JobStarted))
    other = await world.until(await world.submit("polite"), patience=5)
    assert (other.status, world.record(blocker).status) == (Status.SUCCEEDED, Status.RUNNING)
    record = await world.until(blocker, patience=10)
    assert (record.status, record.attempt, host.seen(LeaseLost)) == (Status.SUCCEEDED, 1, [])
    [told] = {(event.jobs, event.type) for event in host.seen(HandlerLoopBlocked)}
    assert told == ((f"careless {blocker}",), "careless")
    await host.drain(3)


async def test_a_block_in_a_task_that_a_handler_made_is_told_of_every_job_on_the_loop_and_in_no_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stuck_handlers, "REPORT_AFTER", 1.0)
    monkeypatch.setattr(stuck_handlers, "LOOK_EVERY", 0.1)

    @handler
    async def careless(payload: dict[str, Any]) -> None:
        async def part() -> None:
            time.sleep(3)  # noqa: ASYNC251 - the mistake

        await asyncio.gather(part(), asyncio.sleep(0))

    @handler
    async def nap(payload: dict[str, Any]) -> None:
        await asyncio.sleep(1)

    world = World({"careless": careless, "nap": nap}, real=BRIEF)
    host = world.start()
    sibling = await world.submit("nap")
    await world.until_true(lambda: host.seen(JobStarted))
    blocker = await world.submit("careless")
    assert (await world.until(blocker, patience=10)).status is Status.SUCCEEDED
    told = host.seen(HandlerLoopBlocked)[0]
    assert (told.jobs, told.type) == ((f"careless {blocker}", f"nap {sibling}"), "")
    assert __file__ in told.at
    await host.drain(3)
