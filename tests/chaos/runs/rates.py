"""Run T: jobs of a type with a rate, on several workers: how many start in each second."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tests.chaos.load import Order
from tests.chaos.report import Report
from tests.chaos.runs.scene import PATIENT, Stage, open_scene, until_all_ended

TYPE = "chaos.work"
WORKERS = 3
STALL = 120.0


async def rates(stage: Stage, jobs: int = 1500, rate: int = 50) -> Report:
    """Never more starts in a second, whenever it begins, than the rate and its burst, which is as much."""
    report = Report(f"T rates: {jobs} jobs of a type with {rate}/s and a burst of {rate}, {WORKERS} workers")
    limits = {f"type:{TYPE}": {"rate": f"{rate}/s"}}
    own = replace(stage, visibility=PATIENT)
    async with open_scene(own, workers=0, limits=limits) as scene:
        await scene.ledger.submit(scene.counter, [Order(TYPE)] * jobs)
        await asyncio.gather(*(scene.fleet.start() for _ in range(WORKERS)))
        await until_all_ended(scene, STALL + jobs / rate)
        await scene.settle(report)
        starts = sorted(line.mono for line in scene.world.journal.lines if line.event == "start")
    counted = Counter(int(start - starts[0]) for start in starts)
    report.figures["starts in each second"] = " ".join(str(counted[second]) for second in range(max(counted) + 1))
    report.figures["took (s)"] = round(starts[-1] - starts[0], 1)
    most = _most_in_a_second(starts)
    report.figures["most in any second"] = most
    report.require(most <= 2 * rate, f"{most} jobs started within a second, the rate and its burst are {2 * rate}")
    return report


def _most_in_a_second(starts: Sequence[float]) -> int:
    """Whenever it begins."""
    most, first = 0, 0
    for last, start in enumerate(starts):
        while start - starts[first] >= 1:
            first += 1
        most = max(most, last + 1 - first)
    return most
