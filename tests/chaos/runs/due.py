"""Runs N and O: jobs for later, all due within two minutes: under kills and lost answers, and in peace.

The horizon of the sweeps is a few seconds, not fifteen minutes, so that a run does not take hours; their leases are as
much shorter. What is lost, early or late is the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cqworker.jobs import submission
from cqworker.model.history import SCHEDULED
from tests.chaos.evidence import Evidence
from tests.chaos.load import Order
from tests.chaos.proxy import DropAfter, Rule
from tests.chaos.proxy.faults import WRITES
from tests.chaos.report import Report
from tests.chaos.runs.scene import Scene, Stage, open_scene

WORKERS = 2
LONGEST = 0.1
LOST = 0.1
READS = {"ReceiveMessage", "Query", "BatchGetItem"}
HANDED_IN = 60
"""Jobs that are handed in a second, at least, on a busy machine: so early is begun with it."""
WARNING = 8.0
"""Seconds between the last submission and the first job that is due, where all goes as fast as that."""
EARLY_MS = 2000
"""Milliseconds before its time at which a job may start: clocks disagree by that much."""
PUNCTUAL = 3.0
"""Seconds after its time at which 99 of 100 have started, where nobody does any harm."""
WITHIN = 300.0
LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Seconds from a job's time to its first start, of all that started, in order."""

    seconds: tuple[float, ...]

    def share(self, part: float) -> float:
        """What this share of them did not exceed."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * part))]

    def __str__(self) -> str:
        return f"p50 {self.share(0.5):.2f}, p99 {self.share(0.99):.2f}, max {self.seconds[-1]:.2f}"


async def due(
    stage: Stage, jobs: int = 10_000, kills: int = 20, seconds: float = 120.0, horizon: int = 5_000
) -> Report:
    """0 lost, 0 more than 2 s early, however late."""
    report = Report(
        f"N due: {jobs} SCHEDULED jobs due within {seconds:g} s, {kills} SIGKILLs, {LOST:.0%} of answers lost, "
        f"{WORKERS} workers, horizon {horizon} ms"
    )
    async with open_scene(stage, workers=0) as scene:
        await _start(scene, horizon)
        with scene.world.plan.during(Rule(DropAfter(), WRITES | READS, LOST)):
            began = await _schedule(scene, jobs, seconds)
            await _kill(scene, kills, began, seconds, horizon)
            await _until_final(scene)
        evidence = await scene.settle(report)
    _judge(report, scene, evidence)
    report.figures["answers lost"] = dict(scene.world.plan.injected)
    return report


async def punctual(stage: Stage, jobs: int = 10_000, seconds: float = 120.0, horizon: int = 5_000) -> Report:
    """The same without any harm: 99 of 100 start within 3 s of their time."""
    report = Report(f"O punctual: {jobs} SCHEDULED jobs due within {seconds:g} s, {WORKERS} workers, no harm done")
    async with open_scene(stage, workers=0) as scene:
        await _start(scene, horizon)
        await _schedule(scene, jobs, seconds)
        await _until_final(scene)
        evidence = await scene.settle(report)
    late = _judge(report, scene, evidence)
    report.require(late.share(0.99) <= PUNCTUAL, f"one of a hundred started {late.share(0.99):.2f} s late")
    return report


async def _start(scene: Scene, horizon: int) -> None:
    await asyncio.gather(*(scene.fleet.start(point=f"horizon:{horizon}") for _ in range(WORKERS)))


async def _schedule(scene: Scene, jobs: int, seconds: float) -> float:
    """Hands in so many jobs whose times are spread over so many seconds; the (monotonic) time of the first."""
    ahead = jobs / HANDED_IN + WARNING
    first = time.time() + ahead
    chance, began = scene.world.random, time.monotonic() + ahead
    wanted = [
        Order(
            payload={"seconds": round(chance.uniform(0, LONGEST), 3)},
            run_at=round((first + seconds * number / jobs) * 1000),
        )
        for number in range(jobs)
    ]
    with _all_in_the_index():
        await scene.ledger.submit(scene.counter, wanted)
    return began


@contextmanager
def _all_in_the_index() -> Iterator[None]:
    """However soon a job is to start, it is SCHEDULED by whoever submits in this process."""
    usual = vars(submission)["HORIZON_MS"]
    vars(submission)["HORIZON_MS"] = 0
    try:
        yield
    finally:
        vars(submission)["HORIZON_MS"] = usual


async def _kill(scene: Scene, kills: int, began: float, seconds: float, horizon: int) -> None:
    """The kills are spread over the time in which jobs are due; another worker is started in place of each."""
    chance, fleet = scene.world.random, scene.fleet
    successors: list[asyncio.Task[object]] = []
    for number in range(kills):
        moment = began + seconds * (number + chance.random()) / kills
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        while not (ready := [member for member in fleet.members if member.url]):
            await asyncio.wait([each for each in successors if not each.done()], return_when=asyncio.FIRST_COMPLETED)
        await fleet.kill(chance.choice(ready))
        successors.append(asyncio.create_task(fleet.start(point=f"horizon:{horizon}")))
    await asyncio.gather(*successors)


async def _until_final(scene: Scene) -> None:
    """Waits until no job waits for anything: a queue is empty long before."""
    async with asyncio.timeout(WITHIN):
        while True:
            records = await scene.world.backdoor.records()
            if records.keys() >= scene.ledger.accepted.keys() and all(
                each.status.is_final for each in records.values()
            ):
                return
            await asyncio.sleep(LOOK_EVERY)


def _judge(report: Report, scene: Scene, evidence: Evidence) -> Punctuality:
    """How punctual they were; none may be early."""
    orders = {**scene.ledger.may_run, **scene.ledger.accepted}
    waits = {job_id: runs[0].began_at - (orders[job_id].run_at or 0) for job_id, runs in evidence.runs.items() if runs}
    early = [job_id for job_id, wait in waits.items() if wait < -EARLY_MS]
    late = Punctuality(tuple(sorted(wait / 1000 for wait in waits.values())))
    report.figures |= {"late (s)": str(late), "earliest (s)": late.seconds[0], "more than 2 s early": len(early)}
    report.require(not early, f"{len(early)} jobs started early, such as {early[:3]}")
    scheduled = sum(any(entry.event == SCHEDULED for entry in each.history) for each in evidence.records.values())
    report.require(scheduled == len(evidence.records), f"only {scheduled} jobs were SCHEDULED")
    return late
