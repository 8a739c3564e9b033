"""Waiting for something of ours, a processor or a process that starts, is not the job's time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.flow import type_limits
from cqworker.model.status import Status
from cqworker.settings import HandlerSettings, TypeSettings
from tests.flow.in_processes import in_its_turn, pid_after, pid_at_once
from tests.flow.world import REAL, World
from tests.patience import scaled

PROCESSORS = 2
SLOW = 24
NAP = 0.2
TIMEOUT = 2.3
"""Seconds that a slow one has, and in which all of them could not run one after the other."""


def in_its_process() -> Any:
    """One that stands in a module: to decorate another test's would change it for that test, too."""
    return in_its_turn


def with_a_process() -> Any:
    @handler(concurrency="processors")
    async def hand_over(payload: dict[str, Any], job: Job) -> int:
        return await job.run_in_process(pid_after, payload["seconds"])

    return hand_over


@pytest.mark.parametrize("kind", [in_its_process, with_a_process])
async def test_quick_jobs_behind_slow_ones_of_their_type_wait_before_they_start(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqworker.plugins.handler.processor_count", lambda: PROCESSORS)
    for name in ("SHORTEST", "USUAL", "LONGEST"):
        monkeypatch.setattr(type_limits, name, 0.2)
    slowness = scaled(1)
    types = HandlerSettings(types={"work": TypeSettings(timeout=TIMEOUT * slowness)})
    world = World({"work": kind()}, types=types, real=REAL)
    slow = [await world.submit("work", f'{{"seconds":{NAP * slowness}}}') for _ in range(SLOW)]
    quick = [await world.submit("work", '{"seconds":0}') for _ in range(4)]
    host = world.start()
    pids = set()
    for job_id in (*slow, *quick):
        record = await world.until(job_id, patience=50 * slowness)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1), record.history
        pids.add(record.result)
    assert len(pids) == PROCESSORS, "and no more children than that were needed"
    assert host.worker._runtime.processes.count == PROCESSORS
    await host.drain(2)
    assert host.worker._runtime.processes.count == 0


async def test_the_timeout_of_a_process_begins_with_its_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slowness = scaled(1)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nsleep {2 * slowness:.1f}\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    types = HandlerSettings(types={"work": TypeSettings(timeout=1.5 * slowness)})
    world = World({"work": pid_at_once}, types=types, real=REAL)
    host = world.start()
    record = await world.until(await world.submit("work"), patience=40 * slowness)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1), record.history
    await host.drain(2)
