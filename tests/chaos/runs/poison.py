"""Run I: messages that are no jobs, among jobs that are."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from dataclasses import replace

from cqworker.model.status import Status
from tests.chaos.report import Report
from tests.chaos.runs.scene import Stage, open_scene, orders

VISIBILITY = 3
RECEIVES = 4
LONGEST = 0.2
WHOLE = {"cqworker": 1, "job_id": 5, "round": 1, "type": "t", "queue": "q", "max_attempts": 3, "created_at": 1}
KINDS = (
    '{"cqworker": 1, ',
    "[1, 2, 3]",
    "[" * 2_000 + "]" * 2_000,
    '{"cqworker": ' + "9" * 5_000 + "}",
    '{"cqworker": 1, "job_id": "\\ud800"}',
    '{"cqworker": NaN}',
    " ",
    "x" * 1_048_576,
    '{"cqworker": 1}',
    json.dumps(WHOLE),
)
"""No JSON, no object, too deep, too long a number, half a character, no number, blank, the largest, no job, no name."""
QUARANTINED_WITHIN = 90.0
LOOK_EVERY = 0.5


async def poison(stage: Stage, jobs: int = 1_000, poisons: int = 100) -> Report:
    """All jobs succeed, each poison is a dead letter once, and the worker never notices."""
    report = Report(f"I poison: {jobs} jobs, {poisons} messages of {len(KINDS)} kinds that are none, 1 worker")
    bodies = [_spoilt(KINDS[number % len(KINDS)], number) for number in range(poisons)]
    async with open_scene(replace(stage, visibility=VISIBILITY), workers=1, receives=RECEIVES) as scene:
        [worker] = scene.fleet.members
        sending = asyncio.create_task(scene.world.backdoor.send(*bodies))
        await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, LONGEST))
        await sending
        evidence = await scene.settle(report, within=QUARANTINED_WITHIN)
        buried = Counter(await scene.world.backdoor.dead_letters())
        report.require(worker.process.returncode is None, "the worker died")
        told = {str(line["sha256"]) for line in worker.said("message is no envelope")}
    succeeded = sum(record.status is Status.SUCCEEDED for record in evidence.records.values())
    report.figures["dead letters"] = buried.total()
    report.figures["kinds told in the log by their hash"] = len(told)
    report.require(succeeded == jobs, f"{succeeded} of {jobs} jobs succeeded")
    report.require(buried == Counter(bodies), f"{buried.total()} dead letters for {poisons} poisons")
    report.require(told == {hashlib.sha256(body.encode()).hexdigest() for body in bodies}, "a poison was not told of")
    return report


def _spoilt(kind: str, number: int) -> str:
    """Bodies of one kind differ where they can, so that each is counted."""
    return kind if len(kind) > 2 << 18 else kind + " " * (number // len(KINDS))
