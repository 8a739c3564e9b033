"""Run L: SQS, DynamoDB or both say nothing for twice a lease, while jobs are in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from cqworker.aws import operations
from cqworker.model.status import Status
from tests.chaos.load import Order
from tests.chaos.proxy import Rule
from tests.chaos.proxy.faults import DropBefore
from tests.chaos.report import Report
from tests.chaos.runs.scene import DRAIN, Scene, Stage, open_scene

WORKERS = 2
SLACK = 60.0
"""Seconds beyond a lease in which all that was in hand ends once the services are back."""
TYPES = ("chaos.work", "chaos.thread")
AWAY = {"SQS": ("sqs",), "DynamoDB": ("dynamodb",), "both": ("sqs", "dynamodb")}


async def silence(stage: Stage, jobs: int = 48, usual: int = 60) -> Report:
    """No attempt charged and no finished work done again, for each of the services, at two lengths of the lease."""
    leases = sorted({stage.visibility, usual})
    report = Report(f"L silence: {jobs} jobs in hand, 2 x a lease of {leases} s without SQS, DynamoDB and both")
    found = await asyncio.gather(*(_silence(stage, jobs, who, lease) for who in AWAY for lease in leases))
    for each in found:
        report.figures |= {f"{each.name}: {name}": value for name, value in each.figures.items()}
        report.violations += [f"{each.name}: {what}" for what in each.violations]
    return report


async def _silence(stage: Stage, jobs: int, who: str, lease: int) -> Report:
    report = Report(f"{who}, {lease} s")
    folder = stage.folder / f"silence-{who}-{lease}"
    folder.mkdir()
    rule = Rule(DropBefore(), _operations(*AWAY[who]))
    async with open_scene(replace(stage, folder=folder, visibility=lease), workers=WORKERS) as scene:
        await scene.ledger.submit(scene.counter, _orders(jobs, lease))
        await scene.world.journal.until("start", jobs, DRAIN)
        with scene.world.plan.during(rule):
            await asyncio.sleep(2 * lease)
        stopped = scene.world.journal.count("stop")
        await _until_ended(scene, jobs, 2 * lease + SLACK)
        evidence = await scene.settle(report, within=2 * lease + SLACK)
    charged = sum(record.attempt - 1 for record in evidence.records.values())
    again = [runs for runs in evidence.runs.values() if any(run.how == "end" for run in runs[:-1])]
    report.figures = {"stopped meanwhile": stopped, "starts": len(evidence.all_runs), "attempts charged": charged}
    succeeded = sum(record.status is Status.SUCCEEDED for record in evidence.records.values())
    report.require(succeeded == jobs, f"{succeeded} of {jobs} jobs succeeded")
    report.require(charged == 0, f"{charged} attempts were charged")
    report.require(not again, f"{len(again)} jobs were done again although their work was finished")
    report.require((stopped > 0) == ("dynamodb" in AWAY[who]), f"{stopped} handlers were stopped")
    return report


def _operations(*services: str) -> frozenset[str]:
    known = [one for one in vars(operations).values() if isinstance(one, operations.Operation)]
    return frozenset(one.name for one in known if one.service in services)


def _orders(jobs: int, lease: int) -> Iterator[Order]:
    """Some end while nobody can be told, some would end with the silence; none takes as long as its handler may."""
    for number in range(jobs):
        seconds = lease * (0.5, 1.2, 1.9)[number % 3]
        yield Order(type=TYPES[number % 2], payload={"seconds": seconds})


async def _until_ended(scene: Scene, jobs: int, seconds: float) -> None:
    await scene.world.journal.until("effect", jobs, seconds)
