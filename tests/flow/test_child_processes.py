"""Handlers in processes of their own, in real time: a process can be killed, and one that dies takes one job along."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import pytest

from cqworker.events import JobHandedBack
from cqworker.execution import invoke
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind, Status
from cqworker.plugins.payload import LIGHT_VALUES, validate_payload
from cqworker.testing.host import Host
from tests.flow.child_handlers import act, chatter, eat, endure, feast, oversleep
from tests.flow.world import REAL, World

linux = pytest.mark.skipif(sys.platform != "linux", reason="address space is bounded on Linux alone")


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


async def test_what_a_handler_and_its_programs_do_with_the_standard_streams_is_their_own_affair() -> None:
    world = World({"chatter": chatter}, real=REAL)
    host = world.start()
    results = set()
    for what in ("print", "echo", "flood", "read", "nothing"):
        record = await world.until(await world.submit("chatter", f'{{"do":"{what}"}}'), patience=10)
        assert (what, record.status, record.attempt) == (what, Status.SUCCEEDED, 1)
        results.add(record.result)
    assert len(results) == 1, "one process served them all"
    await host.drain(2)


async def test_a_cancel_kills_the_process(tmp_path: Any) -> None:
    world = World({"act": act}, real=REAL)
    host = world.start()
    job_id, pid = await asleep(world, host, tmp_path / "pid")
    await host.operator.cancel(job_id, None)
    record = await world.until(job_id, patience=5)
    assert record.status is Status.CANCELLED
    await world.until_true(lambda: not is_alive(pid), patience=5)
    await world.until_true(lambda: host.worker.capacity.taken == 0, patience=5)
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


async def test_signals_that_ask_a_whole_group_to_end_end_no_handler(tmp_path: Any) -> None:
    world = World({"endure": endure}, real=REAL)
    host = world.start()
    path = tmp_path / "pid"
    job_id = await world.submit("endure", f'{{"file":"{path}"}}')
    await world.until_true(lambda: path.exists() and path.read_text(), patience=10)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(int(path.read_text()), number)
    path.unlink()
    record = await world.until(job_id, patience=10)
    assert (record.status, record.result) == (Status.SUCCEEDED, str(-signal.SIGTERM)), "its programs still heed them"
    await host.drain(2)


async def test_a_process_that_dies_in_a_drain_costs_no_attempt(tmp_path: Any) -> None:
    world = World({"act": act}, real=REAL)
    host = world.start()
    job_id, pid = await asleep(world, host, tmp_path / "pid")
    draining = asyncio.ensure_future(host.drain(10))
    await world.until_true(lambda: host.worker.executor.draining, patience=5)
    os.kill(pid, signal.SIGKILL)
    await draining
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)


@pytest.mark.parametrize("interpreter", ["/nowhere/python", "/bin/false"])
async def test_a_job_whose_process_cannot_be_started_is_handed_back_and_runs_later(
    interpreter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke, "START_RETRY", 1.0)
    world = World({"act": act}, real=REAL)
    host = world.start()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", interpreter)
        job_id = await world.submit("act", '{"do":"return"}')
        await world.until_true(lambda: host.seen(JobHandedBack), patience=5)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    record = await world.until(job_id, patience=10)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await host.drain(2)


async def test_a_process_that_takes_longer_than_its_timeout_is_killed_and_its_slot_is_free(tmp_path: Any) -> None:
    world = World({"oversleep": oversleep, "act": act}, real=REAL)
    host = world.start()
    assert (await fate(world, "return")).status is Status.SUCCEEDED
    record = await world.until(await world.submit("oversleep", f'{{"file":"{tmp_path / "pid"}"}}'), patience=10)
    assert (record.status, failure_of(record).kind) == (Status.FAILED, FailureKind.TIMEOUT)
    pid = int((tmp_path / "pid").read_text())
    await world.until_true(lambda: not is_alive(pid), patience=5)
    await world.until_true(lambda: host.worker.capacity.taken == 0, patience=5)
    assert (await fate(world, "return")).status is Status.SUCCEEDED
    await host.drain(2)


@linux
async def test_a_process_that_wants_more_memory_than_its_handler_may_have_fails_its_job_and_hurts_no_sibling() -> None:
    world = World({"eat": eat, "feast": feast}, real=REAL)
    host = world.start()
    sibling = await world.submit("eat", '{"mib":8,"seconds":1}')
    glutton = await world.submit("eat", '{"mib":4096}')
    failed = await world.until(glutton, patience=20)
    assert (failed.status, failed.attempt) == (Status.FAILED, 2)
    failure = failure_of(failed)
    assert (failure.kind, failure.error) == (FailureKind.EXHAUSTED, "MemoryError")
    assert "more than the 64 MiB of memory" in failure.message
    beside = await world.until(sibling, patience=10)
    assert (beside.status, beside.attempt) == (Status.SUCCEEDED, 1)
    assert beside.result == '"8 MiB, 1000 for the kernel"'
    unbounded = await world.until(await world.submit("feast", '{"mib":128}'), patience=10)
    assert unbounded.result == "128", "the bound is taken back, for a process serves other handlers, too"
    await host.drain(2)


async def test_a_drain_kills_the_process_and_hands_the_job_back(tmp_path: Any) -> None:
    world = World({"act": act}, real=REAL)
    host = world.start()
    job_id, pid = await asleep(world, host, tmp_path / "pid")
    await host.drain(1)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    await world.until_true(lambda: not is_alive(pid), patience=5)


async def test_a_long_payload_is_held_against_its_model_in_the_process_alone_and_a_short_one_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[int] = []

    def noted(model: Any, payload: str) -> Any:
        checked.append(len(payload))
        return validate_payload(model, payload)

    monkeypatch.setattr("cqworker.plugins.loaded_handlers.validate_payload", noted)
    world = World({"act": act}, real=REAL)
    host = world.start()
    long, short = f'{{"do":"return","more":[{",".join(["1"] * LIGHT_VALUES)}]}}', '{"do":"return"}'
    for payload in (long, short):
        record = await world.until(await world.submit("act", payload), patience=10)
        assert record.status is Status.SUCCEEDED
    assert checked == [len(long), len(short), len(short)], "at its submission, and the short one before its start"
    await host.drain(2)
