"""Run S: one key of several is paused and resumed by an operator while jobs of all keys come and run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from cqworker.fleet.limit_actions import key_from
from tests.chaos.journal import Line
from tests.chaos.load import Order
from tests.chaos.report import Report
from tests.chaos.runs.scene import PATIENT, Scene, Stage, open_scene, until_all_ended

LIMITS = {"key:*": {"concurrency": 3}}
PAUSED = "key-0"
SECONDS = 0.5
"""Of each job."""
EVERY = 0.25
"""Seconds between two jobs of a key that are handed in: fewer than its limit lets run."""
NOTICED = "limit stands otherwise from now on"
NOTICED_WITHIN = 30.0
"""Seconds within which every worker notices a pause."""
ASKED_BEFORE = 1.0
"""Seconds after the notice in which a job may start that had its slot before."""
WOKEN_WITHIN = 90.0
"""Seconds after a resume in which the first of those who waited starts at the latest."""
STALL = 120.0
HOUR_MS = 3_600_000


async def halts(stage: Stage, keys: int = 5, seconds: float = 60.0, workers: int = 3) -> Report:
    """Nothing of the key starts once the workers have noticed the pause, all is done after it, other keys go on."""
    report = Report(f"S halts: one of {keys} keys paused for {seconds:.0f} s under load, {workers} workers")
    own = replace(stage, visibility=PATIENT)
    async with open_scene(own, workers=workers, limits=LIMITS) as scene:
        key = key_from(f"key:{PAUSED}", "default")
        async with _load(scene, keys):
            await scene.world.journal.until("end", 2 * keys, STALL)
            asked = time.monotonic()
            await scene.counter.limits.pause(key, int(time.time() * 1000) + HOUR_MS, "chaos", "a bad deploy")
            noticed = await _until_noticed(scene, 1)
            await asyncio.sleep(seconds)
            resumed, waiting = time.monotonic(), _waiting(scene)
            await scene.counter.limits.lift(key, "chaos")
            woken = await _starts_of(scene, waiting)
        await until_all_ended(scene, STALL)
        await scene.settle(report)
    starts = [line.mono for line in _starts(scene)]
    began = noticed + ASKED_BEFORE
    early = [start for start in starts if began < start < resumed]
    others = sum(began < line.mono < resumed for line in _starts(scene, others=True))
    report.figures |= {
        "the pause was noticed by all workers after (s)": round(noticed - asked, 1),
        "starts of the key until then": sum(asked < start <= began for start in starts),
        "starts of the key while it was paused": len(early),
        "starts of other keys meanwhile": others,
        "jobs of the key that waited": len(waiting),
        "the first of them started so long after the resume (s)": round(woken[0] - resumed, 1),
        "the last of them (s)": round(woken[-1] - resumed, 1),
    }
    report.require(not early, f"{len(early)} jobs of the key started while it was paused")
    report.require(
        woken[0] - resumed <= WOKEN_WITHIN, f"who waited started {woken[0] - resumed:.0f} s after the resume"
    )
    report.require(others > 0, "no job of another key started meanwhile")
    return report


@asynccontextmanager
async def _load(scene: Scene, keys: int) -> AsyncIterator[None]:
    """Jobs of each key are handed in all the time."""

    done = asyncio.Event()

    async def hand_in() -> None:
        while not done.is_set():
            some = [Order("chaos.keyed", {"seconds": SECONDS, "key": f"key-{key}"}) for key in range(keys)]
            await asyncio.gather(scene.ledger.submit(scene.counter, some), asyncio.sleep(EVERY))

    clerk = asyncio.create_task(hand_in())
    try:
        yield
    finally:
        done.set()
        await clerk


async def _until_noticed(scene: Scene, times: int) -> float:
    """When the last worker had said that a limit stands otherwise, so many times (monotonic seconds)."""
    async with asyncio.timeout(NOTICED_WITHIN):
        while any(len(member.said(NOTICED)) < times for member in scene.fleet.members):  # noqa: ASYNC110 - they are logs
            await asyncio.sleep(0.1)
    return time.monotonic()


def _waiting(scene: Scene) -> set[str]:
    """Jobs of the key that were handed in and have not started."""
    own = {job_id for job_id, order in scene.ledger.accepted.items() if order.payload["key"] == PAUSED}
    return own - {line.job_id for line in _starts(scene)}


async def _starts_of(scene: Scene, jobs: set[str]) -> list[float]:
    """When each of these jobs had started (monotonic seconds)."""
    async with asyncio.timeout(WOKEN_WITHIN + STALL):
        while True:
            found = {line.job_id: line.mono for line in _starts(scene) if line.job_id in jobs}
            if found.keys() == jobs:
                return sorted(found.values())
            await asyncio.sleep(0.1)


def _starts(scene: Scene, *, others: bool = False) -> list[Line]:
    """The starts of the key, or those of the others."""
    scene.world.journal.read()
    orders = {**scene.ledger.may_run, **scene.ledger.accepted}
    starts = [line for line in scene.world.journal.lines if line.event == "start" and line.job_id in orders]
    return [line for line in starts if (orders[line.job_id].payload["key"] != PAUSED) == others]
