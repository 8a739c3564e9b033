"""Run A: workers die at every named point of a job's journey, while answers are lost."""

from __future__ import annotations

import time

from tests.chaos.launcher import WORKER_POINTS
from tests.chaos.proxy import DropAfter, Rule
from tests.chaos.proxy.faults import WRITES
from tests.chaos.report import Report
from tests.chaos.runs.scene import Stage, open_scene, orders

LONGEST = 0.2
LATEST = 3
"""The call, counted from the worker's start, at which it dies at the latest: one call may be about ten jobs."""
DIES_WITHIN = 60.0
WITHIN = 60.0
LOST = 0.1


async def commit(stage: Stage, jobs: int = 300) -> Report:
    """0 lost, no invariant broken, less than 60 s in all."""
    points = list(WORKER_POINTS)
    report = Report(f"A commit: {jobs} jobs, one death at each of {len(points)} points, {LOST:.0%} of answers lost")
    began = time.monotonic()
    async with open_scene(stage, workers=0) as scene:
        chance, fleet = scene.world.random, scene.fleet
        with scene.world.plan.during(Rule(DropAfter(), WRITES, LOST)):
            for point in points:
                await scene.ledger.submit(scene.counter, orders(chance, jobs // len(points), LONGEST))
                member = await fleet.begin(point=f"{point}:{chance.randint(1, LATEST)}")
                report.require(await fleet.outlive(member, DIES_WITHIN), f"no worker died {point}")
            await fleet.start()
            await scene.settle(report)
    report.figures["answers lost"] = dict(scene.world.plan.injected)
    total = time.monotonic() - began
    report.figures["total (s)"] = round(total, 1)
    report.require(total <= WITHIN, f"it took {total:.0f} s")
    return report
