"""Run D: one answer in ten is lost after the service did as it was told."""

from __future__ import annotations

from tests.chaos.load import Order
from tests.chaos.proxy import DropAfter, Rule
from tests.chaos.proxy.faults import WRITES
from tests.chaos.report import Report
from tests.chaos.runs.scene import Stage, open_scene

LONGEST = 0.2
LOST = 0.1
BULK = 6_000
"""Bytes of a result that does not fit the record: it goes to S3."""
MOST_TRIES = 3
SAME = 0.99


async def ambiguity(stage: Stage, jobs: int = 2_000) -> Report:
    """0 lost, 0 duplicate jobs, attempts = starts for 99 %, at most three tries of the SDK for one call."""
    report = Report(f"D ambiguity: {jobs} jobs, {LOST:.0%} of the answers to writes and receives lost, 2 workers")
    async with open_scene(stage, workers=2) as scene:
        chance, world = scene.world.random, scene.world
        wanted = [
            Order(
                payload={"seconds": round(chance.uniform(0, LONGEST), 3), "bulk": BULK if number % 20 == 0 else 0},
                key=f"key-{number}" if number % 2 else None,
            )
            for number in range(jobs)
        ]
        with world.plan.during(Rule(DropAfter(), WRITES | {"ReceiveMessage"}, LOST)):
            await scene.ledger.submit(scene.counter, wanted)
            evidence = await scene.settle(report)
    tries = max([*world.sqs.tries, *world.dynamodb.tries, *world.s3.tries])
    same = int(str(report.figures["jobs whose attempts equal their starts"])) / len(evidence.records)
    keyed = [order.key for order in scene.ledger.accepted.values() if order.key]
    report.figures |= {"answers lost": world.plan.injected["DropAfter"], "most tries of one call": tries}
    report.figures |= {"submissions whose answer was lost for good": len(scene.ledger.may_run)}
    report.require(len(keyed) == len(set(keyed)) == jobs // 2, "a key made more than one job, or none")
    report.require(tries <= MOST_TRIES, f"the SDK tried {tries} times")
    report.require(same >= SAME, f"attempts equal starts for {same:.2%} only")
    return report
