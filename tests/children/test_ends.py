"""A child's end, at whatever stage of its life: no process is left, no zombie, no descriptor, and no answer is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from cqworker.children.calls import begin_call, call
from cqworker.children.child_pool import ChildPool, open_child_pool
from cqworker.children.child_process import ChildGone, ChildProcess
from cqworker.children.frames import CHUNK_BYTES, FrameReader, Kind
from tests.children.census import descriptors, offspring, told, wait_for
from tests.children.errands import half_an_answer, leave_a_word, pid_after, tell_and_sleep
from tests.patience import scaled

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
Stage = Callable[[ChildPool, Path, pytest.MonkeyPatch], Awaitable["asyncio.Future[Any]"]]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = descriptors(), offspring(), child_threads()
    yield
    wait_for(lambda: (descriptors(), offspring(), child_threads()) == before)


def child_threads() -> int:
    return sum(thread.name == "child" for thread in threading.enumerate())


async def stopped(children: ChildPool) -> int:
    """An idle child that takes nothing: its process is halted."""
    pid = await call(children, os.getpid)
    os.kill(pid, signal.SIGSTOP)
    return pid


async def under_way(work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
    """Its first step was made."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    return task


async def made(children: ChildPool, path: Path, patch: pytest.MonkeyPatch) -> asyncio.Future[Any]:
    """Its thread may not even have begun."""
    return await under_way(call(children, tell_and_sleep, str(path)))


async def starting(children: ChildPool, path: Path, patch: pytest.MonkeyPatch) -> asyncio.Future[Any]:
    """The process is there, and says nothing."""
    before = offspring()
    program = path.with_name("python")
    program.write_text("#!/bin/sh\nexec sleep 600\n", encoding="utf-8")
    program.chmod(0o755)
    patch.setattr(sys, "executable", str(program))
    task = asyncio.ensure_future(call(children, tell_and_sleep, str(path)))
    await asyncio.to_thread(wait_for, lambda: offspring() - before)
    return task


async def in_the_queue(children: ChildPool, path: Path, patch: pytest.MonkeyPatch) -> asyncio.Future[Any]:
    """Another call has the only child."""
    await stopped(children)
    await under_way(call(children, pid_after, 600))
    return await under_way(call(children, tell_and_sleep, str(path)))


async def being_sent(children: ChildPool, path: Path, patch: pytest.MonkeyPatch) -> asyncio.Future[Any]:
    """The call is too long for the line, and the child reads nothing."""
    await stopped(children)
    return await under_way(call(children, len, bytes(8 << 20)))


async def running(children: ChildPool, path: Path, patch: pytest.MonkeyPatch) -> asyncio.Future[Any]:
    """The function is at work."""
    task = asyncio.ensure_future(call(children, tell_and_sleep, str(path)))
    await asyncio.to_thread(told, path)
    return task


async def answering(children: ChildPool, path: Path, patch: pytest.MonkeyPatch) -> asyncio.Future[Any]:
    """Not all of the answer is there."""
    task = asyncio.ensure_future(call(children, half_an_answer, str(path)))
    await asyncio.to_thread(told, path)
    return task


async def being_killed(children: ChildPool, path: Path, patch: pytest.MonkeyPatch) -> asyncio.Future[Any]:
    """It has been cancelled before."""
    task = await running(children, path, patch)
    task.cancel()
    return task


STAGES = [made, starting, in_the_queue, being_sent, running, answering, being_killed]


@pytest.mark.parametrize("stage", STAGES)
async def test_a_call_that_is_cancelled_at_any_stage_leaves_nothing(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_child_pool(1) as children:
        with monkeypatch.context() as patch:
            task = await stage(children, tmp_path / "pid", patch)
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
        if stage is not in_the_queue:
            assert await call(children, abs, -1) == 1
            assert children.count == 1


@pytest.mark.parametrize("stage", STAGES)
async def test_a_pool_that_closes_at_any_stage_leaves_nothing(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_child_pool(1) as children:
        task = await stage(children, tmp_path / "pid", monkeypatch)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_calls_that_are_cancelled_while_children_start_leave_none_behind() -> None:
    async with open_child_pool(4) as children:
        for _ in range(12):
            task = asyncio.ensure_future(call(children, time.sleep, 600))
            await asyncio.sleep(random.uniform(0, 0.15))
            task.cancel()
            await asyncio.wait({task})
            assert children.count <= 1
        assert await call(children, abs, -1) == 1


async def test_an_answer_that_was_sent_before_the_kill_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, listen = threading.Event(), ChildProcess.next_frame

    def listen_later(child: ChildProcess, until: float | None = None) -> object:
        if until is None:
            assert gate.wait(scaled(20))
        return listen(child, until)

    monkeypatch.setattr(ChildProcess, "next_frame", listen_later)
    async with open_child_pool(1) as children:
        made = begin_call(children, leave_a_word, str(tmp_path / "word"))
        await asyncio.to_thread(wait_for, (tmp_path / "word").exists)
        made.cancel()
        gate.set()
        await asyncio.wait({made.ended})
        assert made.ended.result() == "done"
        await asyncio.to_thread(wait_for, lambda: not children.count)


def test_what_was_said_before_the_end_is_read_after_it() -> None:
    child = ChildProcess()
    child.start()
    child.send(Kind.CALL, pickle.dumps((os.getpid, (), None, None)), time.monotonic() + 20)
    wait_for(lambda: Kind.VALUE in _said(child))
    child.kill()
    assert [child.next_frame().kind for _ in range(2)] == [Kind.BEGUN, Kind.VALUE]
    with pytest.raises(ChildGone):
        child.next_frame()
    child.close()
    assert child.end_text == "SIGKILL"


def _said(child: ChildProcess) -> list[Kind]:
    """What waits in its line."""
    unpacker, kinds = FrameReader(), []
    with contextlib.suppress(BlockingIOError):
        unpacker.feed(child._line.recv(CHUNK_BYTES, socket.MSG_PEEK))
    while (frame := unpacker.frame()) is not None:
        kinds.append(frame.kind)
    return kinds
