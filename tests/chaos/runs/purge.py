"""Run M: the queue is purged, and deleted and made again, under jobs that run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from cqworker.model.status import Status
from tests.chaos.load import Order
from tests.chaos.report import Report
from tests.chaos.runs.scene import DRAIN, Stage, open_scene

WORKERS = 2
TYPES = ("chaos.work", "chaos.thread")
SHORTEST, LONGEST = 0.8, 2.0
"""Leases for which jobs run: what waited for a retry would go with its message, so all of them run at the purge."""
WAYS = ("purged", "made again")


async def purge(stage: Stage, jobs: int = 48) -> Report:
    """Nothing that runs is stopped, every job ends as its handler says, none stays RUNNING."""
    report = Report(f"M purge: {jobs} jobs in hand when their queue is purged, and when it is deleted and made again")
    found = await asyncio.gather(*(_purge(stage, jobs, way) for way in WAYS))
    for each in found:
        report.figures |= {f"{each.name}: {name}": value for name, value in each.figures.items()}
        report.violations += [f"{each.name}: {what}" for what in each.violations]
    return report


async def _purge(stage: Stage, jobs: int, way: str) -> Report:
    report = Report(way)
    folder = stage.folder / f"purge-{way.replace(' ', '-')}"
    folder.mkdir()
    async with open_scene(replace(stage, folder=folder), workers=WORKERS) as scene:
        await scene.ledger.submit(scene.counter, _orders(jobs, stage.visibility))
        await scene.world.journal.until("start", jobs, DRAIN)
        await (scene.world.backdoor.purge() if way == "purged" else scene.world.backdoor.make_again())
        await scene.world.journal.until("effect", jobs, DRAIN)
        evidence = await scene.settle(report)
    failures = sum(order.payload["fails"] == 1 for order in scene.ledger.accepted.values())
    succeeded = sum(record.status is Status.SUCCEEDED for record in evidence.records.values())
    report.require(succeeded == jobs, f"{succeeded} of {jobs} jobs succeeded")
    starts = len(evidence.all_runs)
    report.require(starts == jobs + failures, f"{starts} starts of {jobs} jobs, {failures} of which fail once")
    return report


def _orders(jobs: int, lease: int) -> Iterator[Order]:
    """Of all executors and lengths; every fourth fails at first, and then waits for a message."""
    for number in range(jobs):
        seconds = lease * (SHORTEST + (LONGEST - SHORTEST) * number / jobs)
        yield Order(type=TYPES[number % 2], payload={"seconds": seconds, "fails": int(number % 4 == 3)})
