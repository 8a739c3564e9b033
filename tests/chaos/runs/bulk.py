"""Run P: many failed jobs are retried by one operation whose workers are killed; each is retried exactly once.

The jobs stand in the table as FAILED, so that every run of a handler is one of the round that the operation opened.
Killed is whoever has the operation at that moment, with all the jobs that run beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace

from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.clock import SystemClock
from cqworker.jobs.operation_models import Wish
from cqworker.jobs.operation_work import GROUPS
from cqworker.model.history import CLAIMED, RETRIED, SUBMITTED, Entry
from cqworker.model.ids import new_job_id
from cqworker.model.listing import Listing
from cqworker.model.operations import Act, tally_of
from cqworker.model.operator_writes import Enter
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind, Status
from tests.chaos.checker import check
from tests.chaos.evidence import gather_evidence
from tests.chaos.fleet import Member
from tests.chaos.load import Order
from tests.chaos.report import Report, figures_of
from tests.chaos.runs.scene import DRAIN, Scene, Stage, open_scene

WORKERS = 2
AT_ONCE = 32
STALL = 120.0
WITHIN = 900.0
LOOK_EVERY = 0.5
BY, WHY = "chaos", "the bucket is back"


async def bulk(stage: Stage, jobs: int = 10_000, kills: int = 3, rate: int = 200) -> Report:
    """0 lost, every job in round 2, started once more only where its worker was killed under it."""
    report = Report(f"P bulk: {jobs} FAILED jobs retried by one operation, {rate}/s, {kills} SIGKILLs of who has it")
    async with open_scene(stage, workers=WORKERS) as scene:
        await _fail(scene, jobs)
        began = time.monotonic()
        wish = Wish(
            act=Act.RETRY,
            filter={"status": Status.FAILED, "type": "chaos.work"},
            job_ids=(),
            dry_run=False,
            expect=jobs if jobs <= 1_000 else None,
            rate=rate,
            reason=WHY,
        )
        operation = str((await scene.counter.operations.answer(wish, None, BY))["operation_id"])
        holders = await _kill(scene, operation, jobs, kills)
        record = await _until_final(scene, operation, jobs)
        report.figures["total (s)"] = round(time.monotonic() - began, 1)
        await scene.world.backdoor.until_empty(DRAIN)
        evidence = await gather_evidence(scene.world, scene.ledger, scene.fleet)
        await _judge(report, scene, record, holders)
    jobs_alone = {job_id: each for job_id, each in evidence.records.items() if job_id != operation}
    evidence = replace(evidence, records=jobs_alone)
    report.figures |= figures_of(evidence)
    report.add(check(evidence))
    starts = {job_id: len(runs) for job_id, runs in evidence.runs.items()}
    _judge_jobs(report, list(jobs_alone.values()), starts, kills * max(1, rate // GROUPS))
    return report


async def _fail(scene: Scene, jobs: int) -> None:
    """So many jobs that failed a while ago, a few every second."""
    clock = SystemClock()
    store = DynamoStore(scene.counter.clients, scene.world.settings.store.table, clock)
    numbers = iter(range(jobs))

    async def clerk() -> None:
        for number in numbers:
            record = _failed(scene, clock.now() - 60_000 - number * 10, scene.world.random.uniform(0, 0.05))
            await store.write(Enter(record=record))
            scene.ledger.accepted[record.job_id] = Order()

    await asyncio.gather(*(clerk() for _ in range(AT_ONCE)))


def _failed(scene: Scene, ended: int, seconds: float) -> JobRecord:
    return JobRecord(
        job_id=new_job_id(ended - 1000),
        type="chaos.work",
        queue=scene.world.settings.queues[0].name,
        tenant="default",
        status=Status.FAILED,
        max_attempts=20,
        attempt=1,
        created_at=ended - 1000,
        purge_at=ended // 1000 + 86_400,
        payload=f'{{"seconds":{seconds:.3f}}}',
        finished_at=ended,
        failure=Failure(FailureKind.REJECTED, "the bucket was missing", fingerprint="0a1b2c3d"),
        listing=Listing(kind=FailureKind.REJECTED, fingerprint="0a1b2c3d", worker="w", release="1"),
        history=(Entry(ended - 1000, SUBMITTED),),
    )


async def _kill(scene: Scene, operation: str, jobs: int, kills: int) -> list[int]:
    """Who had the operation is killed after each part of the jobs; another worker is started. The pids of the dead."""
    dead: list[int] = []
    starts: list[asyncio.Task[Member]] = []
    for number in range(1, kills + 1):
        await scene.world.journal.until("end", jobs * number // (kills + 1), STALL)
        victim = await _holder(scene, operation)
        await scene.fleet.kill(victim)
        dead.append(victim.pid)
        starts.append(asyncio.create_task(scene.fleet.start()))
        await _holder(scene, operation, but=victim.pid)
    await asyncio.gather(*starts)
    return dead


async def _holder(scene: Scene, operation: str, but: int = 0) -> Member:
    """The worker, another one than `but`, that has the operation; it lasts as long as there are jobs to retry."""
    async with asyncio.timeout(STALL):
        while True:
            [record] = await scene.world.backdoor.find([operation])
            claims = [entry.worker for entry in record.history if entry.event == CLAIMED]
            pid = int(claims[-1].rpartition(":")[2]) if claims and record.status is Status.RUNNING else 0
            found = [member for member in scene.fleet.members if member.pid == pid != but]
            if found:
                return found[0]
            await asyncio.sleep(LOOK_EVERY)


async def _until_final(scene: Scene, operation: str, jobs: int) -> JobRecord:
    """Waits until the operation is over and each job has ended in its new round; the operation's record."""
    await scene.world.journal.until("end", jobs, WITHIN)
    async with asyncio.timeout(WITHIN):
        while True:
            records = await scene.world.backdoor.records()
            if all(each.status is Status.SUCCEEDED for each in records.values()):
                return records[operation]
            await asyncio.sleep(LOOK_EVERY)


async def _judge(report: Report, scene: Scene, record: JobRecord, dead: list[int]) -> None:
    """The operation was started anew after each kill, and was over in the end."""
    tally = tally_of(record.progress)
    report.figures |= {
        "attempts of the operation": record.attempt,
        "killed": len(dead),
        "done, says its tally": tally.done,
    }
    report.require(record.attempt > len(dead), f"only {record.attempt} attempts for {len(dead)} kills")
    report.require(tally.done <= len(scene.ledger.accepted), f"it says that it retried {tally.done}")


def _judge_jobs(report: Report, records: list[JobRecord], starts: dict[str, int], in_flight: int) -> None:
    """A kill between a message and its record leaves the round to the claim, which knows not who asked."""
    rounds = Counter(record.round for record in records)
    extra = sum(starts.values()) - len(records)
    report.figures |= {"jobs by round": dict(rounds), "starts beyond one a job": extra}
    report.require(rounds == Counter({2: len(records)}), f"rounds: {dict(rounds)}")
    said = Counter(tuple(entry.reason for entry in each.history if entry.event == RETRIED) for each in records)
    silent = said[("",)]
    report.figures["rounds that a claim opened, so that nobody is named"] = silent
    report.require(
        said[(f"by {BY}: {WHY}",)] + silent == len(records), f"histories tell of {len(said)} kinds of retries"
    )
    report.require(silent <= in_flight, f"{silent} histories name nobody, {in_flight} retries can be cut off by a kill")
