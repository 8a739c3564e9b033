"""Waiting ends when what is waited for comes, and at its time at the latest."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.flow.waiting import Condition, sleep_unless, wait_for_end
from tests.flow.world import story


@pytest.mark.parametrize(("sets_after", "slept"), [(2.0, 2.0), (60.0, 5.0), (0.0, 0.0)])
@story
async def test_a_sleep_ends_with_its_event_or_its_time(sets_after: float, slept: float) -> None:
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(sets_after, event.set)
    began = loop.time()
    await sleep_unless(event, 5.0)
    assert loop.time() - began == pytest.approx(slept, abs=0.01)


@story
async def test_a_condition_is_looked_at_whenever_it_may_have_come_to_hold() -> None:
    loop, condition, count = asyncio.get_running_loop(), Condition(), [0]

    def add() -> None:
        count[0] += 1
        condition.notify()

    for second in (1, 2, 3):
        loop.call_later(second, add)
    began = loop.time()
    assert await condition.wait_for(lambda: count[0] == 2, 10.0)
    assert loop.time() - began == pytest.approx(2.0, abs=0.01)
    assert not await condition.wait_for(lambda: count[0] == 4, 5.0)


@pytest.mark.parametrize(("stops_after", "grace", "waited"), [(None, 1.0, 10.0), (3.0, 1.0, 4.0), (9.5, 1.0, 10.0)])
@story
async def test_work_without_an_end_is_cancelled_at_its_time_and_sooner_once_it_shall_stop_now(
    stops_after: float | None, grace: float, waited: float
) -> None:
    loop, stop_now, work = asyncio.get_running_loop(), asyncio.Event(), asyncio.get_running_loop().create_future()
    if stops_after is not None:
        loop.call_later(stops_after, stop_now.set)
    began = loop.time()
    await wait_for_end(work, 10.0, stop_now, grace)
    assert loop.time() - began == pytest.approx(waited, abs=0.01)
    assert work.cancelled()
