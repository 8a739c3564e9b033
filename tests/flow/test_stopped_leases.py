"""What ends an attempt beside its handler: late answers, refused renewals, and a loss after another reason to stop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker import Job, handler
from cqworker.events import JobHandedBack, JobRef, JobSettled, LeaseLost, LeasesRenewed
from cqworker.execution.handler_loop import RunningCall
from cqworker.execution.outcome import Stopped, StopReason
from cqworker.execution.stops_and_timeouts import HandlerRun, Timeouts
from cqworker.flow.conclusion import LeftAlone, Rules, conclude
from cqworker.flow.lease import Lease, margin_of
from cqworker.model.status import Status
from cqworker.plugins.handler import Backoff
from cqworker.ports import Delivery
from cqworker.testing.host import Host
from tests.flow.faults import slow
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import VISIBILITY, World, story
from tests.model.samples import running

OTHERS = [reason for reason in StopReason if reason is not StopReason.LOST]
JOB = JobRef(job_id="job-1", type="work", queue="jobs", tenant="default", round=1, attempt=1, trace_id="0" * 32)


def lease_of(host: Host) -> Lease:
    return next(iter(host.worker.queue_workers[0].leases))


def new_lease() -> Lease:
    delivery = Delivery(
        queue="jobs", message_id="1", receipt="1#1", body="", receive_count=1, sent_at=1, received_at=0.0
    )
    return Lease(delivery, JOB, "ours.1", VISIBILITY, 0.0)


@pytest.mark.parametrize("seconds", [0.1, 5, 14])
@story
async def test_the_answer_to_a_renewal_lengthens_a_lease_from_when_it_was_asked_for(seconds: float) -> None:
    world = World({"work": worker_of(Notebook(), 100)})
    host = world.start(before=lambda host: host.store.on("Renew", slow(seconds)))
    await world.submit("work")
    await world.until_true(lambda: "Renew" in host.store.calls)
    asked_at = world.clock.monotonic()
    await world.until_true(lambda: host.seen(LeasesRenewed))
    assert lease_of(host).record_until <= asked_at + VISIBILITY - margin_of(VISIBILITY)
    assert lease_of(host).record_until > asked_at + VISIBILITY - margin_of(VISIBILITY) - 1.5
    await world.stop()


@story
async def test_a_renewal_that_the_record_refuses_stops_the_handler_at_once_and_for_good() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    job_id = await world.submit("work")
    record = await world.until(job_id, Status.RUNNING)
    taken = replace(record, token="somebody.1", attempt=2, lease_expires_at=world.clock.now() + 3_600_000)
    world.store.records[job_id] = taken
    await world.until_true(lambda: host.seen(LeaseLost))
    assert world.clock.now() <= (record.started_at or 0) + (VISIBILITY / 3 + 2) * 1000
    await world.until_true(lambda: book.stops)
    await asyncio.sleep(2 * VISIBILITY)
    assert world.record(job_id) == taken
    assert (host.seen(JobSettled), host.seen(JobHandedBack), len(book.starts)) == ([], [], 1)
    await world.stop()


@story
async def test_a_lease_that_is_lost_while_its_handler_winds_up_for_a_cancel_writes_nothing() -> None:
    @handler(timeout=3600)
    async def slow_to_stop(payload: dict[str, Any], job: Job) -> None:
        try:
            await asyncio.sleep(3000)
        finally:
            await asyncio.sleep(4)

    world = World({"slow": slow_to_stop})
    host = world.start()
    job_id = await world.submit("slow")
    record = await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(VISIBILITY / 3 - 2)
    await host.operator.cancel(job_id, None)
    taken = replace(world.record(job_id), token="somebody.1", lease_expires_at=world.clock.now() + 3_600_000)
    world.store.records[job_id] = taken
    await world.until_true(lambda: host.seen(LeaseLost))
    assert world.clock.now() <= (record.started_at or 0) + (VISIBILITY / 3 + 3) * 1000
    await asyncio.sleep(VISIBILITY)
    assert world.record(job_id) == taken
    assert host.seen(JobSettled) == []
    await world.stop()


@pytest.mark.parametrize("reason", OTHERS)
def test_a_lost_lease_overrides_every_other_reason_to_stop_and_none_overrides_it(reason: StopReason) -> None:
    first, second = new_lease(), new_lease()
    told: list[StopReason] = []
    first.when_stopped(told.append)
    first.stop(reason)
    assert first.stop_reason is reason
    first.stop(StopReason.LOST)
    assert (first.stop_reason, told) == (StopReason.LOST, [reason, StopReason.LOST])
    assert not first.is_alive(1.0)
    second.stop(StopReason.LOST)
    second.stop(reason)
    assert second.stop_reason is StopReason.LOST
    assert not second.is_alive(1.0)


@pytest.mark.parametrize("reason", OTHERS)
@pytest.mark.parametrize("end", ["cancelled", "returned"])
@story
async def test_a_run_whose_lease_is_lost_counts_as_lost_whatever_it_was_stopped_for_before(
    reason: StopReason, end: str
) -> None:
    run = HandlerRun(JOB, lambda _: None, 5.0, lambda: False, Timeouts())
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    run.begin(RunningCall(ended, lambda: None), 3600)
    run.stop(reason)
    run.stop(StopReason.LOST)
    if end == "cancelled":
        ended.cancel()
    else:
        ended.set_result(None)
    assert await run.outcome == Stopped(StopReason.LOST)


@pytest.mark.parametrize("reason", [StopReason.DRAIN, StopReason.SILENCE, StopReason.LOST])
def test_a_job_whose_handler_still_runs_is_never_handed_back(reason: StopReason) -> None:
    rules = Rules(Backoff(), 0, lambda: 0.5)
    assert conclude(running(), Stopped(reason, abandoned=True), rules) == LeftAlone()
