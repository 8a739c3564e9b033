"""Run E: every service refuses everything for minutes, then all is well again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

from tests.chaos.fleet import Member
from tests.chaos.proxy import Refuse, Rule
from tests.chaos.proxy.faults import UPDATES
from tests.chaos.report import Report
from tests.chaos.runs.scene import DRAIN, Scene, Stage, open_scene, orders

LONGEST = 0.2
WORKERS = 2
STARTED = 20
FIRST_DONE = 15.0
PLATEAU = 120.0
"""Seconds of an outage whose last third sees the backoff at its longest."""
REFUSALS = (
    Rule(Refuse(400, "ThrottlingException"), UPDATES, 0.3),
    Rule(Refuse(400, "ProvisionedThroughputExceededException"), UPDATES, 0.3),
    Rule(Refuse(400, "RequestThrottled"), frozenset({"ReceiveMessage", "DeleteMessageBatch"}), 0.5),
    Rule(Refuse(500, "InternalServerError"), None, 0.2),
    Rule(Refuse(503, "ServiceUnavailable")),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the proxies counted up to some moment (monotonic seconds), and lines in the workers' logs."""

    at: float
    requests: Counter[str]
    lines: int


async def outage(stage: Stage, jobs: int = 1_000, seconds: float = 300.0) -> Report:
    """No attempt charged, no finished work done again; quiet while it lasts; work at once when it is over."""
    report = Report(f"E outage: {seconds:.0f} s of 503, 500 and throttling on everything, {jobs} jobs wait, 2 workers")
    async with open_scene(stage, workers=WORKERS) as scene:
        usual = await _usual_time(scene, jobs)
        with scene.world.plan.during(Rule(Refuse(), frozenset({"ReceiveMessage"}))):
            await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, LONGEST))
        await scene.world.journal.until("start", jobs + STARTED, DRAIN)
        with scene.world.plan.during(*REFUSALS):
            await _endure(scene, report, seconds)
        healed = time.monotonic()
        ended = scene.world.journal.count("end")
        await scene.world.journal.until("end", ended + 1, DRAIN)
        first = time.monotonic() - healed
        evidence = await scene.settle(report)
        drained = time.monotonic() - healed
    beyond = [len(runs) - 1 for runs in evidence.runs.values() if len(runs) > 1]
    report.figures |= {"fault-free time for as many (s)": round(usual, 1), "first job done after (s)": round(first, 1)}
    report.figures |= {
        "drained after the heal (s)": round(drained, 1),
        "jobs in hand that were started again": len(beyond),
    }
    charged = sum(record.attempt - 1 for record in evidence.records.values())
    report.figures["attempts charged"] = charged
    report.require(charged == 0, f"{charged} attempts were charged for the outage")
    report.require(not beyond, f"{sum(beyond)} starts of jobs whose work was finished")
    report.require(first <= FIRST_DONE, f"the first job was done {first:.1f} s after the heal")
    report.require(drained <= 2 * usual + FIRST_DONE, f"drained {drained:.1f} s after the heal, usually {usual:.1f} s")
    return report


async def _usual_time(scene: Scene, jobs: int) -> float:
    """How long it takes to work off as many jobs without any fault."""
    began = time.monotonic()
    await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, LONGEST))
    await scene.world.journal.until("end", jobs, DRAIN)
    return time.monotonic() - began


async def _endure(scene: Scene, report: Report, seconds: float) -> None:
    """The outage; its last third shows where the backoff has led."""
    await asyncio.sleep(seconds * 2 / 3)
    before = _look(scene)
    await asyncio.sleep(seconds / 3)
    after = _look(scene)
    spent = after.at - before.at
    asked = after.requests - before.requests
    pollers = len(scene.fleet.members)
    requests, receives = (count / spent / pollers for count in (asked.total(), asked["ReceiveMessage"]))
    lines = (after.lines - before.lines) / spent / pollers
    report.figures["requests of one worker at the plateau (1/s)"] = round(requests, 2)
    report.figures["of these receives"] = round(receives, 2)
    report.figures["log lines of one worker (1/s)"] = round(lines, 2)
    report.figures["refused"] = dict(scene.world.plan.injected)
    report.require(requests <= 1 or seconds < PLATEAU, f"{requests:.2f} requests a second and worker at the plateau")
    most = pollers * (spent + 1)  # of what comes once a second, a window may begin with one and end with one
    report.require(asked["ReceiveMessage"] <= most, f"{receives:.2f} receives a second and poller in {spent:.1f} s")
    report.require(lines <= 3, f"{lines:.1f} log lines a second")


def _look(scene: Scene) -> Seen:
    world = scene.world
    return Seen(
        at=time.monotonic(),
        requests=world.sqs.requests + world.dynamodb.requests + world.s3.requests,
        lines=sum(_lines(member) for member in scene.fleet.members),
    )


def _lines(member: Member) -> int:
    return member.log.read_bytes().count(b"\n")
