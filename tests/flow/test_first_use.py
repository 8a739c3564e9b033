"""Nothing of a worker's life hangs on one job: what the first one needed outlives it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio.to_thread
import pytest
import uvloop

from cqworker import Job, handler
from cqworker.children.calls import call
from cqworker.children.child_pool import ChildPool
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.model.status import Status
from tests.flow.ways_out import WAYS_OUT
from tests.flow.world import REAL, World
from tests.patience import scaled

Payload = dict[str, Any]
WHOSE: ContextVar[str] = ContextVar("whose", default="the worker's")


@pytest.mark.parametrize("kind", WAYS_OUT)
async def test_the_first_job_that_ends_takes_nothing_from_those_that_still_run(kind: Callable[..., Any]) -> None:
    world = World({"work": kind}, real=REAL)
    host = world.start()
    first = await world.submit("work", '{"seconds":0.2}')
    await world.until(first, Status.RUNNING, patience=10)
    others = [await world.submit("work", '{"seconds":0.7}') for _ in range(2)]
    for job_id in (first, *others):
        record = await world.until(job_id, patience=40)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1), [*map(str, record.history)]
    await host.drain(2)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
async def test_what_a_library_keeps_for_the_life_of_a_loop_outlives_the_job_that_needed_it_first(new_loop: Any) -> None:
    loop = ThreadedLoop(new_loop)
    threads = {await loop.call(partial(anyio.to_thread.run_sync, threading.get_ident)).ended for _ in range(3)}
    assert len(threads) == 1, "the job's end is not the end of the thread that was started for it"
    await loop.close()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
async def test_a_handler_that_cancels_all_tasks_and_stops_the_loop_does_not_end_it(new_loop: Any) -> None:
    loop = ThreadedLoop(new_loop)

    async def stop() -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        asyncio.get_running_loop().stop()

    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    for _ in range(3):
        culprit = loop.call(stop)
        await asyncio.wait({culprit.ended}, timeout=scaled(5))
        assert await loop.call(work).ended == "done"
    await loop.close()


def test_children_outlive_the_loop_that_first_needed_them() -> None:
    children = ChildPool(1)
    pids = [asyncio.run(call(children, os.getpid)) for _ in range(3)]
    assert len(set(pids)) == 1
    asyncio.run(children.close())


async def test_a_lifespan_and_a_handler_see_no_other_job_s_context() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def pool() -> AsyncIterator[None]:
        if not seen:
            seen.append("refused once")
            raise ConnectionError
        seen.append(WHOSE.get())
        yield

    @handler(lifespan=pool)
    async def work(payload: Payload, job: Job) -> str:
        before = WHOSE.get()
        WHOSE.set(job.id)
        return before

    world = World({"work": work}, real=REAL)
    host = world.start()
    WHOSE.set("the submitter's")
    await world.until_true(lambda: seen, patience=10)
    state = host.worker._runtime.lifespans
    [handler_] = world.registry.handlers.values()

    async def first_need() -> None:
        WHOSE.set("a job's")
        await state.state(handler_)

    await host.worker._runtime.loop.call(first_need).ended
    assert seen == ["refused once", "the worker's"]
    records = [await world.until(await world.submit("work"), patience=10) for _ in range(3)]
    assert {record.result for record in records} == {'"the worker\'s"'}
    await host.drain(2)
