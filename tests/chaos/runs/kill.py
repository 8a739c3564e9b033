"""Run B: workers are killed at random moments while they work through a backlog."""

from __future__ import annotations

import asyncio
import time

from tests.chaos.checker import died_holding
from tests.chaos.report import Report
from tests.chaos.runs.scene import Scene, Stage, open_scene, orders

LONGEST = 0.2
JITTER = 0.5
STALL = 120.0


async def kill(stage: Stage, jobs: int = 10_000, kills: int = 50) -> Report:
    """0 lost, every job ended once, extra starts <= jobs that were held at a kill, drained within 60 s."""
    report = Report(f"B kill: {jobs} jobs of 0-200 ms, {kills} SIGKILLs, 2 workers")
    async with open_scene(stage, workers=2) as scene:
        began = time.monotonic()
        submitting = asyncio.create_task(scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, LONGEST)))
        await _slaughter(scene, jobs, kills)
        await submitting
        killed = time.monotonic()
        evidence = await scene.settle(report)
        ended = time.monotonic()
    figures = report.figures
    figures["total (s)"] = round(ended - began, 1)
    figures["drained after the last kill (s)"] = round(ended - killed, 1)
    extra = sum(len(runs) - 1 for runs in evidence.runs.values())
    held = sum(died_holding(evidence, run) for run in evidence.all_runs)
    report.require(extra <= held, f"{extra} extra starts, {held} jobs were in hand at a kill")
    report.require(ended - killed <= 60, "drained later than 60 s after the last kill")
    return report


async def _slaughter(scene: Scene, jobs: int, kills: int) -> None:
    """The kills are spread evenly over the work, each with some jitter; the victim is started again at once."""
    chance, fleet = scene.world.random, scene.fleet
    returning: set[asyncio.Task[object]] = set()
    for number in range(1, kills + 1):
        await scene.world.journal.until("end", jobs * number // (kills + 2), STALL)
        await asyncio.sleep(chance.uniform(0, JITTER))
        while not (ready := [member for member in fleet.members if member.url]):
            await asyncio.wait(returning, return_when=asyncio.FIRST_COMPLETED)
        await fleet.kill(chance.choice(ready))
        task: asyncio.Task[object] = asyncio.create_task(fleet.start())
        returning.add(task)
        task.add_done_callback(returning.discard)
    await asyncio.gather(*returning)
