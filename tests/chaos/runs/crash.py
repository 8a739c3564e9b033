"""Run K: jobs whose handler kills its whole worker, among jobs that do no harm."""

from __future__ import annotations

import time

from cqworker.model.status import FailureKind, Status
from tests.chaos.handlers import KILLER_ATTEMPTS
from tests.chaos.load import Order
from tests.chaos.report import Report
from tests.chaos.runs.scene import Stage, open_scene, orders
from tests.chaos.supervisor import supervised

LONGEST = 0.5
WORKERS = 2
WITHIN = 300.0


async def crash(stage: Stage, jobs: int = 500, killers: int = 5) -> Report:
    """A killer is started as often as it may at most and then FAILED `crashed`; everybody else's work is done.

    Where one killer ends the process between another's claim and start, that attempt of the other is used up, too.
    """
    report = Report(f"K crash: {killers} jobs that kill their worker, {jobs} that do not, {WORKERS} workers")
    began = time.monotonic()
    async with open_scene(stage, workers=WORKERS) as scene, supervised(scene.fleet) as supervisor:
        await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs // 2, LONGEST))
        await scene.ledger.submit(scene.counter, [Order(type="chaos.kill-worker")] * killers)
        await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs - jobs // 2, LONGEST))
        evidence = await scene.settle(report, within=WITHIN)
    report.figures |= {"workers restarted": supervisor.restarts, "total (s)": round(time.monotonic() - began, 1)}
    for record in evidence.records.values():
        starts = len(evidence.runs.get(record.job_id, ()))
        if record.type == "chaos.kill-worker":
            kind = record.failure.kind if record.failure else None
            ended = (record.status, kind, record.attempt) == (Status.FAILED, FailureKind.CRASHED, KILLER_ATTEMPTS)
            what = f"{record.job_id} is {record.status} {kind}, attempt {record.attempt}, {starts} starts"
            report.require(ended and starts <= KILLER_ATTEMPTS, what)
        else:
            report.require(record.status is Status.SUCCEEDED, f"{record.job_id} is {record.status}")
    return report
