"""What a handler keeps for all its jobs: entered once, healed when it failed, left after the drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext
from io import StringIO
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.events import JobHandedBack, JobStarted
from cqworker.model.status import Status
from tests.flow.handlers import quick
from tests.flow.world import World, story
from tests.model.leaks import CANARY

FAILURES = [
    RuntimeError("no pool \ud800"),
    SystemExit(1),
    KeyboardInterrupt(),
    asyncio.CancelledError(),
    TimeoutError(),
]


class Pool:
    """A lifespan that notes when it is entered and left; the first `failures` entries fail with `error`."""

    def __init__(self, failures: int = 0, error: BaseException | None = None, takes: float = 0.0) -> None:
        self.happened: list[str] = []
        self.failures = failures
        self.error = error or RuntimeError("no pool \ud800")
        self.takes = takes

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        await asyncio.sleep(self.takes)
        if self.failures:
            self.failures -= 1
            self.happened.append("failed")
            raise self.error
        self.happened.append("entered")
        try:
            yield f"pool {len(self.happened)}"
        finally:
            self.happened.append("left")

    def handler(self) -> Any:
        @handler(lifespan=self.open)
        async def swim(payload: dict[str, Any], job: Job) -> str:
            self.happened.append("used")
            return str(job.state)

        return swim


@story
async def test_a_lifespan_is_entered_once_at_the_start_and_left_after_the_last_job() -> None:
    pool = Pool()
    world = World({"swim": pool.handler()})
    world.start()
    await asyncio.sleep(1)
    assert pool.happened == ["entered"]
    for _ in range(3):
        record = await world.until(await world.submit("swim"))
        assert record.result == '"pool 1"'
    await world.stop()
    assert pool.happened == ["entered", "used", "used", "used", "left"]


@story
async def test_a_lifespan_that_types_share_is_entered_once_for_all_of_them() -> None:
    pool = Pool()
    world = World({"swim": pool.handler(), "dive": pool.handler()})
    world.start()
    records = [await world.until(await world.submit(name)) for name in ("swim", "dive")]
    assert [record.result for record in records] == ['"pool 1"', '"pool 1"']
    await world.stop()
    assert pool.happened == ["entered", "used", "used", "left"]


@story
async def test_a_lifespan_without_a_hash_is_entered_once_as_well() -> None:
    class Unhashable(dict[str, Any]):
        entered = 0

        def __call__(self) -> Any:
            self.entered += 1
            return Pool().open()

    shared = Unhashable()

    @handler(lifespan=shared)
    async def swim(payload: dict[str, Any], job: Job) -> str:
        return str(job.state)

    world = World({"swim": swim, "dive": swim})
    world.start()
    for name in ("swim", "dive", "swim"):
        await world.until(await world.submit(name))
    await world.stop()
    assert shared.entered == 1


@story
async def test_a_lifespan_that_hid_its_kind_until_it_was_called_is_told_with_the_remedy() -> None:
    @handler(lifespan=nullcontext)
    async def swim(payload: dict[str, Any]) -> None: ...

    @handler(lifespan=lambda: closing(StringIO()))  # type: ignore[arg-type,return-value]  # what an author may do
    async def dive(payload: dict[str, Any]) -> None: ...

    world = World({"swim": swim, "dive": dive})
    world.start()
    assert (await world.until(await world.submit("swim"))).status is Status.SUCCEEDED, "this one is of both kinds"
    job_id = await world.submit("dive")
    await world.until_true(lambda: world.seen(JobHandedBack))
    assert "no async context manager (@asynccontextmanager)" in world.store.records[job_id].history[-1].reason
    await world.stop()


@story
async def test_a_secret_that_a_lifespan_fails_with_is_not_told() -> None:
    world = World({"swim": Pool(failures=99, error=ConnectionError(f"Bearer {CANARY}")).handler()})
    world.start()
    job_id = await world.submit("swim")
    await world.until_true(lambda: world.seen(JobHandedBack))
    record = world.store.records[job_id]
    assert "the lifespan of swim failed" in record.history[-1].reason
    assert CANARY not in f"{record!r} {world.seen(object)!r}"
    await world.stop()


@story
async def test_jobs_wait_for_a_lifespan_that_takes_its_time() -> None:
    pool = Pool(takes=20)
    world = World({"swim": pool.handler()})
    ids = [await world.submit("swim") for _ in range(10)]
    world.start()
    for job_id in ids:
        assert (await world.until(job_id)).attempt == 1
    assert pool.happened.count("entered") == 1
    await world.stop()


@pytest.mark.parametrize("error", FAILURES)
@story
async def test_a_lifespan_that_fails_costs_no_attempt_and_is_entered_again(error: BaseException) -> None:
    pool = Pool(failures=3, error=error)
    world = World({"swim": pool.handler(), "quick": quick})
    host = world.start()
    record = await world.until(await world.submit("swim"))
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert (await world.until(await world.submit("quick"))).status is Status.SUCCEEDED
    reasons = [event.reason for event in host.seen(JobHandedBack)]
    assert len(reasons) == 2
    assert all("lifespan of swim failed" in reason for reason in reasons)
    for reason in reasons:
        reason.encode()
    await world.stop()
    assert pool.happened == ["failed", "failed", "failed", "entered", "used", "left"]


@story
async def test_a_lifespan_that_cannot_be_left_does_not_keep_the_drain() -> None:
    @asynccontextmanager
    async def sticky() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(3600)

    @handler(lifespan=sticky)
    async def stick(payload: dict[str, Any]) -> None:
        return None

    world = World({"stick": stick})
    host = world.start()
    await world.until(await world.submit("stick"))
    began = world.clock.monotonic()
    await host.drain(25)
    assert world.clock.monotonic() - began <= 27


@story
async def test_a_lifespan_that_fails_when_it_is_left_harms_nobody() -> None:
    @asynccontextmanager
    async def clumsy() -> AsyncIterator[None]:
        yield
        raise RuntimeError("dropped everything")

    @handler(lifespan=clumsy)
    async def work(payload: dict[str, Any]) -> None:
        return None

    world = World({"work": work})
    host = world.start()
    record = await world.until(await world.submit("work"))
    await host.drain(25)
    assert (record.status, len(host.seen(JobStarted))) == (Status.SUCCEEDED, 1)
