"""run_handler() stops a handler as a worker does, and hangs no test."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from cqworker import Job, Reject, Retry, Stopping, handler
from cqworker.testing import run_handler
from tests.patience import Patience, scaled
from tests.plugins import samples

SHORT = 0.05


def looking(end: Any, timeout: float = SHORT) -> Any:
    """A thread that looks until it shall stop, and ends so."""

    @handler(timeout=timeout)
    def work(payload: Any, job: Job) -> Any:
        waiting = Patience(20)
        while not job.stopping:
            assert not waiting.is_over, "nobody told it to stop"
            time.sleep(0.005)
        return end(job)

    return work


def waiting(end: Any, timeout: float = SHORT) -> Any:
    """A coroutine that waits to be cancelled, and ends so."""

    @handler(timeout=timeout)
    async def work(payload: Any, job: Job) -> Any:
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            return end(job)

    return work


def throw(error: BaseException) -> Any:
    def end(_: Job) -> None:
        raise error

    return end


BOTH = pytest.mark.parametrize("kind", [looking, waiting])


@BOTH
async def test_a_timeout_is_seen_and_giving_up_is_a_timeout(kind: Any) -> None:
    with pytest.raises(TimeoutError, match=r"did not end within its timeout of 0\.05 s") as caught:
        await run_handler(kind(lambda job: job.check()), 1)
    assert isinstance(caught.value.__cause__, Stopping)
    assert caught.value.__cause__.reason == "timeout"


@BOTH
@pytest.mark.parametrize("error", [ValueError("a bug"), Retry("later"), asyncio.CancelledError()])
async def test_whatever_else_comes_of_a_timeout_is_one_and_names_its_cause(kind: Any, error: BaseException) -> None:
    with pytest.raises(TimeoutError) as caught:
        await run_handler(kind(throw(error)), 1)
    assert caught.value.__cause__ is error


@BOTH
async def test_half_a_result_after_the_timeout_is_a_timeout(kind: Any) -> None:
    with pytest.raises(TimeoutError, match=r"without job.finished\(\)"):
        await run_handler(kind(lambda _: "half"), 1)


@BOTH
async def test_a_whole_result_and_a_rejection_stand_after_the_timeout(kind: Any) -> None:
    run = await run_handler(kind(lambda job: job.finished("whole")), 1)
    assert (run.result, run.finished) == ("whole", True)
    with pytest.raises(Reject):
        await run_handler(kind(throw(Reject("no"))), 1)


@BOTH
async def test_a_drain_tells_the_handler_and_its_answer_says_what_it_counts_as(kind: Any) -> None:
    for end in (lambda job: job.check(), throw(asyncio.CancelledError())):
        with pytest.raises(Stopping, match="drain"):
            await run_handler(kind(end, 60), 1, drain_after=SHORT)
    half = await run_handler(kind(lambda _: "half", 60), 1, drain_after=SHORT)
    whole = await run_handler(kind(lambda job: job.finished("whole"), 60), 1, drain_after=SHORT)
    assert [(run.result, run.finished) for run in (half, whole)] == [("half", False), ("whole", True)]
    with pytest.raises(Retry):
        await run_handler(kind(throw(Retry("later")), 60), 1, drain_after=SHORT)


async def test_a_process_is_killed_in_a_drain() -> None:
    with pytest.raises(Stopping, match="drain"):
        await run_handler(samples.sleeping_in_a_process, 20, drain_after=0.3)


async def test_the_first_part_of_a_drain_is_what_the_test_says() -> None:
    run = await run_handler(looking(lambda _: "half", 60), 1, stopping=lambda: True)
    assert (run.result, run.finished) == ("half", False)


async def test_a_thread_that_never_ends_is_left_after_its_grace() -> None:
    release = threading.Event()

    @handler(timeout=SHORT)
    def deaf(payload: int) -> None:
        release.wait(scaled(20))

    with pytest.raises(TimeoutError, match=r"did not end within 0\.1 s"):
        await run_handler(deaf, 1, grace=0.1)
    release.set()


async def test_a_coroutine_that_does_not_hear_is_left_after_its_grace() -> None:
    @handler(timeout=SHORT)
    async def deaf(payload: int) -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(0.4)
            except asyncio.CancelledError:
                continue

    with pytest.raises(TimeoutError, match=r"did not end within 0\.1 s"):
        await run_handler(deaf, 1, grace=0.1)


HANGING = """
import asyncio, threading
from cqworker import handler
from cqworker.testing import run_handler

@handler(timeout=0.05)
def deaf(payload: int) -> None:
    threading.Event().wait()

try:
    asyncio.run(run_handler(deaf, 1, grace=0.1))
except TimeoutError:
    print("left")
"""


def test_a_thread_that_never_ends_keeps_no_process_from_ending() -> None:
    told = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, check=True, timeout=scaled(60)
    )
    assert told.stdout == "left\n"


@BOTH
async def test_who_gives_up_the_run_stops_the_handler(kind: Any) -> None:
    ended = threading.Event()

    def end(job: Job) -> None:
        ended.set()
        job.check()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SHORT):
            await run_handler(kind(end, 60), 1)
    assert await asyncio.to_thread(ended.wait, scaled(5))
