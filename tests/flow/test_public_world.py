"""cqworker.testing.World: a fleet that authors of handlers can tell stories with."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cqworker import InvalidPayload, Job, Reject, Retry, Snooze, UnknownType, handler
from cqworker.testing import World, in_virtual_time, run_virtually
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.quoting import fail_in_a_process

START = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


@handler
def in_a_thread(payload: dict[str, Any], job: Job) -> str:
    time.sleep(0.05)
    job.artifacts.write_sync(b"rows", name="rows.csv", content_type="text/csv")
    return threading.current_thread().name


@in_virtual_time
async def test_a_job_is_submitted_run_and_shown_in_the_public_shape() -> None:
    async with World({"quick": quick}) as world:
        job = await world.submit("quick", {"n": 1}, tags=["a"], metadata={"order": "7"}, tenant="acme")
        assert (job.status, job.payload, job.tenant, job.created_at) == ("QUEUED", {"n": 1}, "acme", START)
        ended = await world.wait(job.job_id)
        assert (ended.status, ended.result, ended.attempt, ended.tags) == ("SUCCEEDED", {"n": 1}, 1, ("a",))
        assert world.jobs == {job.job_id: ended}
        await world.advance(5)
        assert world.messages == {"jobs": [], "jobs-dead": []}


@in_virtual_time
async def test_a_job_for_a_time_starts_at_it() -> None:
    notebook = Notebook()
    async with World({"work": worker_of(notebook, 1)}) as world:
        job = await world.submit("work", run_at=START + MONTH)
        assert (job.status, job.scheduled_at) == ("SCHEDULED", START + MONTH)
        assert world.messages["jobs"] == []
        await world.wait(job.job_id)
        [started] = notebook.starts_of(job.job_id)
        assert 0 <= started - MONTH.total_seconds() < 2


@in_virtual_time
async def test_long_waits_of_every_kind_end() -> None:
    tries: list[int] = []

    @handler(max_attempts=2)
    async def later(payload: dict[str, Any], job: Job) -> str:
        tries.append(job.attempt)
        if len(tries) == 1:
            raise Snooze("too early", after=86_400)
        if job.attempt == 1:
            raise Retry("not yet", after=86_400)
        raise Reject("never")

    async with World({"later": later}) as world:
        ended = await world.wait((await world.submit("later")).job_id)
        assert ended.failure is not None
        assert (tries, ended.failure.kind, (world.now - START).days) == ([1, 1, 2], "rejected", 2)


@in_virtual_time
async def test_time_stands_still_for_a_thread_and_a_process() -> None:
    async with World({"thread": in_a_thread, "apart": fail_in_a_process}) as world:
        thread = await world.wait((await world.submit("thread")).job_id)
        assert thread.result.startswith("handler-")
        assert [found.data for found in world.artifacts.objects.values()] == [b"rows"]
        apart = await world.wait((await world.submit("apart", ["reject", "no"])).job_id)
        assert apart.status == "FAILED"
        assert world.now - START < timedelta(seconds=1)


@in_virtual_time
async def test_a_killed_worker_runs_no_finally_and_another_one_takes_over() -> None:
    ended: list[str] = []

    @handler(timeout=600)
    async def work(payload: dict[str, Any], job: Job) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(job.id)

    async with World({"work": work}, workers=2) as world:
        job = await world.submit("work")
        await world.advance(10)
        first = world.jobs[job.job_id].history[-1].worker
        assert first is not None
        world.kill(first)
        view = await world.wait(job.job_id)
        assert ended == [job.job_id]
        assert (view.status, view.attempt, view.history[-1].worker != first) == ("SUCCEEDED", 2, True)
        assert world.workers == [view.history[-1].worker]


@in_virtual_time
async def test_a_drained_worker_hands_back_and_no_attempt_counts() -> None:
    async with World({"work": worker_of(Notebook(), 100)}) as world:
        job = await world.submit("work")
        await world.advance(10)
        await world.stop("w1")
        assert (world.jobs[job.job_id].status, world.jobs[job.job_id].attempt) == ("QUEUED", 0)
        assert world.start() == "w2"
        assert (await world.wait(job.job_id)).attempt == 1


@in_virtual_time
async def test_a_drain_of_an_idle_worker_takes_no_time() -> None:
    async with World({"quick": quick}) as world:
        await world.advance(100)
        await world.stop()
        assert world.now - START < timedelta(seconds=101)


@in_virtual_time
async def test_a_frozen_worker_loses_its_lease_and_its_ending_counts_nothing() -> None:
    async with World({"work": worker_of(Notebook(), 100)}, workers=2) as world:
        job = await world.submit("work")
        await world.advance(10)
        first = world.jobs[job.job_id].history[-1].worker
        assert first is not None
        await world.freeze(timedelta(minutes=10), first)
        view = world.jobs[job.job_id]
        assert (view.status, view.attempt, view.history[-1].worker != first) == ("SUCCEEDED", 2, True)


@pytest.mark.parametrize("service", ["queue", "store", "artifacts"])
def test_jobs_outlast_an_outage(service: Any) -> None:
    async def story() -> None:
        async with World({"thread": in_a_thread}) as world:
            outage = asyncio.create_task(world.outage(service, timedelta(minutes=5)))
            await world.advance(1)
            ended = await world.wait((await world.submit("thread")).job_id)
            await outage
            assert (ended.status, ended.attempt) == ("SUCCEEDED", 1)
            assert world.now - START > timedelta(minutes=4)

    run_virtually(story)


@in_virtual_time
async def test_an_operator_cancels_retries_puts_off_and_runs_now() -> None:
    async with World({"quick": quick}) as world:
        job = await world.submit("quick", run_at=START + MONTH)
        put_off = await world.operator.reschedule(job.job_id, START + 2 * MONTH)
        assert (put_off.status, put_off.scheduled_at) == ("SCHEDULED", START + 2 * MONTH)
        assert (await world.operator.cancel(job.job_id)).status == "CANCELLED"
        assert (await world.operator.retry(job.job_id)).round == 2
        assert (await world.wait(job.job_id)).status == "SUCCEEDED"
        other = await world.submit("quick", delay=86_400)
        await world.operator.run_now(other.job_id)
        await world.wait(other.job_id)
        assert world.now - START < timedelta(seconds=30)


@in_virtual_time
async def test_states_stand_in_for_lifespans() -> None:
    @asynccontextmanager
    async def pool() -> AsyncIterator[str]:
        yield "real"

    @handler(lifespan=pool)
    async def look(payload: dict[str, Any], job: Job) -> str:
        return str(job.state)

    async with World({"fake": look, "own": look}, states={"fake": "fake"}) as world:
        jobs = [await world.submit(name) for name in ("fake", "own")]
        assert [(await world.wait(job.job_id)).result for job in jobs] == ["fake", "real"]


@in_virtual_time
async def test_the_log_says_what_a_daemon_would() -> None:
    async with World({"quick": quick}) as world:
        job = await world.submit("quick")
        await world.wait(job.job_id)
        lines = [line for line in world.log if line.get("job_id") == job.job_id]
        assert [line["event"] for line in lines] == ["job submitted", "job started", "job succeeded"]


@in_virtual_time
async def test_mistakes_are_named_with_their_cure() -> None:
    with pytest.raises(ValueError, match="Decorate it"):
        World({"plain": lambda payload: payload})
    with pytest.raises(ValueError, match="states names other"):
        World({"quick": quick}, states={"other": 1})
    async with World({"quick": quick}) as world:
        with pytest.raises(UnknownType, match="known types: quick"):
            await world.submit("slow")
        with pytest.raises(InvalidPayload):
            await world.submit("quick", [1])
        with pytest.raises(ValueError, match="no offset from UTC"):
            await world.submit("quick", run_at=datetime(2026, 2, 1))  # noqa: DTZ001 - the mistake
        with pytest.raises(ValueError, match="goes forward"):
            await world.advance(START - MONTH)
        with pytest.raises(ValueError, match="no worker 'w7'; there is w1"):
            world.kill("w7")
        with pytest.raises(ValueError, match="queue, store, artifacts"):
            await world.outage("sns", 1)  # type: ignore[arg-type]
        job = await world.submit("quick", delay=600)
        with pytest.raises(TimeoutError, match="is QUEUED in attempt 0 after 60 s"):
            await world.wait(job.job_id, 60)


def test_a_world_outside_virtual_time_says_how_to_have_one() -> None:
    async def story() -> None:
        with pytest.raises(RuntimeError, match="in_virtual_time"):
            World({"quick": quick})

    asyncio.run(story())


def test_no_pytest_and_no_moto_is_needed() -> None:
    code = "import sys, cqworker.testing; print({'pytest', 'moto', 'botocore', 'aiohttp'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


@in_virtual_time
async def test_a_world_has_limits_as_the_configuration_has_them() -> None:
    async with World({"quick": quick}, workers=2, limits={"type:quick": {"rate": "1/m"}}) as world:
        jobs = [await world.submit("quick", {"n": 1}) for _ in range(4)]
        ended = [await world.wait(job.job_id) for job in jobs]
    times = sorted(job.finished_at for job in ended if job.finished_at is not None)
    assert times[-1] - times[0] >= timedelta(minutes=3, seconds=-1)


@in_virtual_time
async def test_a_world_refuses_a_limit_that_is_none() -> None:
    with pytest.raises(ValueError, match="is no rate"):
        World({"quick": quick}, limits={"type:quick": {"rate": "often"}})
