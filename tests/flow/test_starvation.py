"""A worker that gets little of the processor keeps its leases: busy neighbours, and a thread that holds the lock."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.events import JobHandedBack, LeaseLost, LeasesRenewed
from cqworker.model.status import Status
from tests.flow.world import BRIEF, World

WORK = BRIEF["visibility_timeout"] + 0.5
"""Seconds, more than a lease lasts: whoever cannot renew it loses the job."""
BURST = 0.2
"""Seconds for which the interpreter's lock is held at a stretch: each turn of the main loop waits for one's end."""
NEIGHBOURS = 2


@pytest.fixture
def busy_neighbours() -> Iterator[None]:
    """Other processes that want all there is."""
    with ExitStack() as stack:
        for _ in range(NEIGHBOURS):
            neighbour = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(neighbour.kill)
        yield


@handler(max_attempts=1, timeout=60)
def greedy(payload: dict[str, Any], job: Job) -> int:
    """Spends its time in calls that hold the interpreter's lock, as some code in C does, and lets no thread run."""
    hold, bursts, end = ctypes.PyDLL(None).usleep, 0, time.monotonic() + WORK
    while time.monotonic() < end:
        bursts += 1 + hold(round(BURST * 1_000_000))
    return bursts


@handler(max_attempts=1, timeout=60)
async def patient(payload: dict[str, Any], job: Job) -> str:
    await asyncio.sleep(WORK)
    return "done"


async def test_no_attempt_is_lost_where_the_main_loop_gets_little_of_the_processor(busy_neighbours: None) -> None:
    world = World({"greedy": greedy, "patient": patient}, real=BRIEF)
    ids = [await world.submit(name) for name in ("patient", "patient", "patient", "greedy")]
    world.start()
    records = [await world.until(job_id, patience=45) for job_id in ids]
    assert {(record.status, record.attempt) for record in records} == {(Status.SUCCEEDED, 1)}
    assert not world.seen(LeaseLost)
    assert not world.seen(JobHandedBack)
    assert world.seen(LeasesRenewed), "the work outlasted what was claimed"
    await world.stop()
