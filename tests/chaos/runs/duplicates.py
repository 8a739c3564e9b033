"""Run F: the queue delivers one message in five more than once, at any time."""

from __future__ import annotations

from tests.chaos.report import Report
from tests.chaos.runs.scene import Stage, open_scene, orders

LONGEST = 0.2
SHARE = 0.2


async def duplicates(stage: Stage, jobs: int = 5_000) -> Report:
    """No job is started twice: not beside its first run, and not after its end."""
    report = Report(f"F duplicates: {jobs} jobs, {SHARE:.0%} of sends and receives doubled, 2 workers")
    async with open_scene(stage, workers=2) as scene:
        scene.world.duplicates.share = SHARE
        await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, LONGEST))
        evidence = await scene.settle(report)
    extra = sum(len(runs) - 1 for runs in evidence.runs.values())
    report.figures["copies made"] = scene.world.duplicates.made
    report.require(extra == 0, f"{extra} extra starts")
    report.require(scene.world.duplicates.made > 0, "nothing was doubled")
    return report
