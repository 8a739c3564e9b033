"""Limits in a deploy: what a worker from before them does with jobs that are parked, and what becomes of those."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from cqworker.model.envelope import ENVELOPE_VERSION, LIMITED_VERSION, read_envelope
from cqworker.model.record import envelope_of
from cqworker.model.status import Status
from cqworker.ports import Letter
from tests.flow.slots import Meter, end_all
from tests.flow.world import World, story

LIMITED = {"type:work": {"concurrency": 1}}


async def one_runs_and_two_wait(world: World) -> list[str]:
    jobs = [await world.submit("work", f'{{"seconds": {seconds}}}') for seconds in (60, 5, 5)]
    await world.until_true(lambda: sum(bool(world.record(job).parked) for job in jobs) == 2)
    await asyncio.sleep(1)
    return sorted(jobs, key=lambda job: bool(world.record(job).parked))


def claimed_by_an_older_worker(world: World, job_id: str, **changed: object) -> None:
    """Its claim knows no `parked`, and leaves it."""
    record = world.record(job_id)
    started = {
        "status": Status.RUNNING,
        "token": "older:1",
        "attempt": 1,
        "lease_expires_at": world.clock.now() + 60_000,
    }
    world.store.records[job_id] = replace(record, **{**started, **changed})


@story
async def test_the_copy_that_wakes_a_job_is_given_back_by_an_older_worker() -> None:
    world = World({"work": Meter().work}, limits=LIMITED)
    world.start()
    _, parked, _ = jobs = await one_runs_and_two_wait(world)
    woken = envelope_of(world.record(parked))
    assert woken.woken is not None
    assert '"cqworker":2,' in woken.text()
    assert read_envelope(woken.text()).woken == woken.woken
    assert (woken.version, replace(woken, woken=None).version) == (LIMITED_VERSION, ENVELOPE_VERSION)
    await end_all(world, jobs)
    await world.stop()


@story
async def test_a_parked_job_that_an_older_worker_starts_runs_beyond_the_limit_and_holds_up_nobody() -> None:
    world = World({"work": Meter().work}, limits=LIMITED)
    world.start()
    first, taken, other = await one_runs_and_two_wait(world)
    claimed_by_an_older_worker(world, taken)
    await world.until(other, Status.SUCCEEDED)
    assert world.record(taken).status is Status.RUNNING
    claimed_by_an_older_worker(world, taken, status=Status.SUCCEEDED)
    await end_all(world, [first, taken, other])
    await world.stop()


@story
async def test_a_parked_job_that_an_older_worker_has_retried_waits_for_a_slot_again() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits=LIMITED)
    world.start()
    jobs = await one_runs_and_two_wait(world)
    claimed_by_an_older_worker(world, jobs[1], status=Status.RETRYING, lease_expires_at=None)
    await world.queue.send(Letter(body=replace(envelope_of(world.record(jobs[1])), woken=None).text()))
    await end_all(world, jobs)
    assert meter.most == {"default": 1}
    await world.stop()
