"""Handlers in processes of their own, in real time: a process can be killed, and one that dies takes one job along."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from cqworker import Job, Reject, handler
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind, Status
from tests.flow.world import REAL, Host, World


@handler(executor="process", max_attempts=1)
def act(payload: dict[str, Any], job: Job) -> dict[str, int]:
    """Does what the payload says."""
    match payload["do"]:
        case "leave":
            raise SystemExit(3)
        case "reject":
            raise Reject("no")
        case "sleep":
            with open(payload["file"], "w", encoding="utf-8") as file:  # noqa: PTH123 - a child imports little
                file.write(str(os.getpid()))
            time.sleep(60)
    return {"pid": os.getpid()}


async def fate(world: World, what: str) -> JobRecord:
    return await world.until(await world.submit("act", f'{{"do":"{what}"}}'), patience=10)


def failure_of(record: JobRecord) -> Failure:
    assert record.failure is not None
    return record.failure


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def asleep(world: World, host: Host, path: Any) -> tuple[str, int]:
    """A job that sleeps in its process: its id and that process."""
    job_id = await world.submit("act", f'{{"do":"sleep","file":"{path}"}}')
    await world.until_true(lambda: path.exists() and path.read_text(), patience=10)
    return job_id, int(path.read_text())


async def test_each_ending_in_a_process_is_that_of_its_job_alone() -> None:
    world = World({"act": act}, real=REAL)
    host = world.start()
    left = failure_of(await fate(world, "leave"))
    assert (left.kind, left.error) == (FailureKind.EXHAUSTED, "SystemExit")
    assert failure_of(await fate(world, "reject")).kind is FailureKind.REJECTED
    done = await fate(world, "return")
    assert done.status is Status.SUCCEEDED
    assert done.result is not None
    assert str(os.getpid()) not in done.result
    await host.drain(2)


async def test_a_cancel_kills_the_process(tmp_path: Any) -> None:
    world = World({"act": act}, real=REAL)
    host = world.start()
    job_id, pid = await asleep(world, host, tmp_path / "pid")
    await host.desk.cancel(job_id, None)
    record = await world.until(job_id, patience=5)
    assert record.status is Status.CANCELLED
    await world.until_true(lambda: not is_alive(pid), patience=5)
    await world.until_true(lambda: host.worker.slots.taken == 0, patience=5)
    await host.drain(2)


async def test_a_process_that_somebody_kills_fails_its_job_as_crashed(tmp_path: Any) -> None:
    world = World({"act": act}, real=REAL)
    host = world.start()
    job_id, pid = await asleep(world, host, tmp_path / "pid")
    os.kill(pid, signal.SIGKILL)
    record = await world.until(job_id, patience=5)
    assert (failure_of(record).kind, failure_of(record).stage) == (FailureKind.CRASHED, "process")
    assert (await fate(world, "return")).status is Status.SUCCEEDED
    await host.drain(2)


async def test_a_drain_kills_the_process_and_hands_the_job_back(tmp_path: Any) -> None:
    world = World({"act": act}, real=REAL)
    host = world.start()
    job_id, pid = await asleep(world, host, tmp_path / "pid")
    await host.drain(1)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    await world.until_true(lambda: not is_alive(pid), patience=5)
