"""Run D: one answer in ten is lost after the service did as it was told.

One worker calls AWS on the lean path and one through the SDK, which says in each request which try of a call it is.
"""

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
HOT = frozenset("SendMessageBatch PutItem BatchExecuteStatement DeleteMessageBatch ReceiveMessage PutObject".split())
"""What a job's journey is made of."""
ENOUGH = 1_000
"""Jobs among which each of these surely loses an answer."""
SAME = 0.99


async def ambiguity(stage: Stage, jobs: int = 2_000) -> Report:
    """0 lost, 0 duplicate jobs, attempts = starts for 99 %, at most three tries of one call."""
    report = Report(f"D ambiguity: {jobs} jobs, {LOST:.0%} of the answers to writes and receives lost, 2 workers")
    async with open_scene(stage, workers=1) as scene:
        await scene.fleet.start(CQWORKER_AWS__LEAN="false")
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
    met = world.plan.met
    report.figures |= {"answers lost": dict(met.most_common()), "most tries of the SDK for one call": tries}
    report.figures |= {"submissions whose answer was lost for good": len(scene.ledger.may_run)}
    report.require(len(keyed) == len(set(keyed)) == jobs // 2, "a key made more than one job, or none")
    report.require(1 < tries <= MOST_TRIES, f"the SDK tried {tries} times")
    report.require(jobs < ENOUGH or met.keys() >= HOT, f"no answer to {', '.join(sorted(HOT - met.keys()))} was lost")
    report.require(same >= SAME, f"attempts equal starts for {same:.2%} only")
    return report
