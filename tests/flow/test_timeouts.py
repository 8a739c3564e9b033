"""Many deadlines of one length share a timer, and each is met at its own time."""

from __future__ import annotations

import asyncio
from functools import partial

from cqworker.execution.stops_and_timeouts import Timeouts
from cqworker.testing import run_virtually


def test_each_is_told_when_its_own_time_is_over() -> None:
    async def story() -> list[tuple[str, float]]:
        loop, told, deadlines = asyncio.get_running_loop(), list[tuple[str, float]](), Timeouts()

        def tell(name: str) -> None:
            told.append((name, loop.time() - began))

        began = loop.time()
        deadlines.set(10.0, partial(tell, "first"))
        await asyncio.sleep(4)
        deadlines.set(10.0, partial(tell, "second"))
        deadlines.set(2.0, partial(tell, "short"))
        await asyncio.sleep(20)
        return told

    assert run_virtually(story) == [("short", 6.0), ("first", 10.0), ("second", 14.0)]


def test_what_was_taken_back_is_never_told_and_keeps_no_other_from_it() -> None:
    async def story() -> list[str]:
        told, deadlines = list[str](), Timeouts()
        acts = [partial(told.append, str(number)) for number in range(3)]
        for act in acts:
            deadlines.set(5.0, act)
        deadlines.clear(5.0, acts[0])
        deadlines.clear(5.0, acts[2])
        await asyncio.sleep(6)
        deadlines.set(5.0, acts[2])
        await asyncio.sleep(6)
        return told

    assert run_virtually(story) == ["1", "2"]


def test_a_thousand_runs_of_one_timeout_cost_one_timer() -> None:
    async def story() -> int:
        loop, deadlines = asyncio.get_running_loop(), Timeouts()
        before = len(loop._scheduled)  # type: ignore[attr-defined]  # what asyncio waits for
        for number in range(1000):
            deadlines.set(300.0, partial(print, number))
        return len(loop._scheduled) - before  # type: ignore[attr-defined]

    assert run_virtually(story) == 1


def test_when_nothing_is_left_no_timer_is() -> None:
    async def story() -> int:
        loop, deadlines, act = asyncio.get_running_loop(), Timeouts(), partial(print, "never")
        before = sum(not handle.cancelled() for handle in loop._scheduled)  # type: ignore[attr-defined]
        deadlines.set(300.0, act)
        deadlines.clear(300.0, act)
        return sum(not handle.cancelled() for handle in loop._scheduled) - before  # type: ignore[attr-defined]

    assert run_virtually(story) == 0
