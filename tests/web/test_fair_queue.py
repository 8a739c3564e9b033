"""Few at a time, the lines in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cqworker.testing import run_virtually
from cqworker.web.fair_queue import FairQueue
from cqworker.web.problems import Problem, ProblemKind
from tests.patience import scaled

Story = Callable[[], Coroutine[Any, Any, None]]


def virtually(story: Story) -> Callable[[], None]:
    def test() -> None:
        run_virtually(story)

    test.__name__ = story.__name__
    return test


async def work(turns: FairQueue, line: str, done: list[str], seconds: float = 1.0) -> None:
    async with turns.turn(line):
        await asyncio.sleep(seconds)
        done.append(line)


@virtually
async def test_a_line_of_one_waits_no_longer_than_one_round_however_many_stand_in_another() -> None:
    turns, done = FairQueue(1), list[str]()
    many = [asyncio.ensure_future(work(turns, "greedy", done)) for _ in range(10)]
    await asyncio.sleep(0.5)
    await work(turns, "modest", done)
    assert done == ["greedy", "greedy", "modest"]
    await asyncio.gather(*many)
    assert done == ["greedy", "greedy", "modest", *["greedy"] * 8]


@virtually
async def test_never_more_than_so_many_are_at_work() -> None:
    turns, done = FairQueue(3), list[str]()
    works = [asyncio.ensure_future(work(turns, str(number % 4), done)) for number in range(12)]
    for seconds in range(4):
        await asyncio.sleep(0.5)
        assert len(done) == 3 * seconds
        await asyncio.sleep(0.5)
    await asyncio.gather(*works)


@virtually
async def test_who_waits_too_long_or_finds_the_line_full_is_told_so_and_takes_nobodys_turn() -> None:
    turns, done = FairQueue(1, timeout=5.0, max_per_line=2, max_waiting=3), list[str]()
    first = asyncio.ensure_future(work(turns, "a", done, seconds=8.0))
    await asyncio.sleep(0)
    waiting = [asyncio.ensure_future(work(turns, line, done)) for line in ("a", "a", "b")]
    await asyncio.sleep(0)
    for line in ("a", "b"):
        with pytest.raises(Problem) as refused:
            await work(turns, line, done)
        assert refused.value.kind is ProblemKind.CROWDED
    for refusal in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(refusal, Problem)
    await first
    await asyncio.wait_for(work(turns, "b", done), scaled(2))
    assert done == ["a", "b"]


@virtually
async def test_who_gives_up_in_the_moment_of_his_turn_passes_it_on() -> None:
    turns, done = FairQueue(1), list[str]()
    first = asyncio.ensure_future(work(turns, "a", done))
    await asyncio.sleep(0)
    second, third = (asyncio.ensure_future(work(turns, line, done)) for line in ("b", "c"))
    await asyncio.sleep(0)
    first.add_done_callback(lambda _: second.cancel())
    await asyncio.wait({first, second, third}, timeout=5)
    assert (second.cancelled(), done) == (True, ["a", "c"])
    await asyncio.wait_for(work(turns, "d", done), scaled(2))
