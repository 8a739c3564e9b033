"""Run B: workers are killed at random moments while they work through a backlog.

A job runs until its ending is in its record: after each kill the table is asked which of the dead worker's jobs it
calls RUNNING. That is what may be started once more, and no more than that.
"""

from __future__ import annotations

import asyncio
import time

from cqworker.model.status import Status
from tests.chaos.fleet import Member
from tests.chaos.report import Report
from tests.chaos.runs.scene import Scene, Stage, open_scene, orders

LONGEST = 0.2
JITTER = 0.5
STALL = 120.0
WITHIN = 600.0
LAST_WORDS = 0.3
"""Seconds in which what a worker had asked for before its death is done."""


async def kill(stage: Stage, jobs: int = 10_000, kills: int = 50) -> Report:
    """0 lost, every job ended once, extra starts <= jobs that were RUNNING at a kill, drained within 60 s."""
    report = Report(f"B kill: {jobs} jobs of 0-200 ms, {kills} SIGKILLs, 2 workers")
    async with open_scene(stage, workers=2) as scene:
        began = time.monotonic()
        submitting = asyncio.create_task(scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, LONGEST)))
        running = await _slaughter(scene, jobs, kills)
        await submitting
        killed = time.monotonic()
        evidence = await scene.settle(report)
        ended = time.monotonic()
    figures = report.figures
    figures["total (s)"] = round(ended - began, 1)
    figures["RUNNING at a kill, says the table"] = running
    figures["drained after the last kill (s)"] = round(ended - killed, 1)
    extra = sum(len(runs) - 1 for runs in evidence.runs.values())
    report.require(extra <= running, f"{extra} extra starts, {running} jobs were RUNNING at a kill")
    report.require(ended - killed <= 60, "drained later than 60 s after the last kill")
    report.require(ended - began <= WITHIN, f"it took {ended - began:.0f} s")
    return report


async def _slaughter(scene: Scene, jobs: int, kills: int) -> int:
    """The kills are spread evenly over the work, each with some jitter; how many jobs were RUNNING at one of them."""
    chance, fleet = scene.world.random, scene.fleet
    deaths: list[asyncio.Task[int]] = []
    for number in range(1, kills + 1):
        await scene.world.journal.until("end", jobs * number // (kills + 2), STALL)
        await asyncio.sleep(chance.uniform(0, JITTER))
        while not (ready := [member for member in fleet.members if member.url]):
            await asyncio.wait([death for death in deaths if not death.done()], return_when=asyncio.FIRST_COMPLETED)
        victim = chance.choice(ready)
        await fleet.kill(victim)
        deaths.append(asyncio.create_task(_succeed(scene, victim)))
    return sum(await asyncio.gather(*deaths))


async def _succeed(scene: Scene, victim: Member) -> int:
    """Starts another worker at once; how many jobs of the dead one the table calls RUNNING."""
    running, _ = await asyncio.gather(_left_running(scene, victim), scene.fleet.start())
    return running


async def _left_running(scene: Scene, victim: Member) -> int:
    """Asked long before anybody else may claim them: their leases last for seconds."""
    await asyncio.sleep(LAST_WORDS)
    scene.world.journal.read()
    lines = scene.world.journal.lines
    attempts = {line.job_id: line.attempt for line in lines if line.event == "start" and line.pid == victim.pid}
    records = await scene.world.backdoor.find(attempts)
    return sum(record.status is Status.RUNNING and record.attempt == attempts[record.job_id] for record in records)
