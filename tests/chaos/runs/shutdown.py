"""Run H: workers are told to stop again and again while they work; one stays, as in a rolling deploy."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos.evidence import Evidence, runs_of
from tests.chaos.fleet import Member
from tests.chaos.load import Order
from tests.chaos.report import Report
from tests.chaos.runs.scene import Scene, Stage, open_scene

DRAIN = 3.0
GRACE = 2.0
LOOPS = 2
LENGTHS = (0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 1.0, 4.5, 4.5, 4.5, 4.5)
"""Seconds of the jobs handed in for each stop; the last ones outlive the worker that is stopped."""
LIVES = (0.2, 0.8)
HURRY_EVERY = 10
BACK_WITHIN = 5.0
TURNS = 5
"""How often jobs are handed in at most before a worker that had no luck with the queue is stopped idle."""


@dataclass(slots=True)
class Stops:
    """How the stops went: exit codes and seconds."""

    codes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    hurried: list[float] = field(default_factory=list)


async def shutdown(stage: Stage, cycles: int = 200) -> Report:
    """Every exit 0 and within grace + 2 s, released jobs start again within 5 s, no stop costs an attempt."""
    report = Report(f"H shutdown: {cycles} SIGTERMs under load, drain {DRAIN:.0f} s, every tenth one twice")
    stops = Stops()
    async with open_scene(stage, workers=1, drain=DRAIN) as scene:
        turns = iter(range(1, cycles + 1))
        await asyncio.gather(*(_cycle(scene, turns, stops) for _ in range(LOOPS)))
        evidence = await scene.settle(report)
    limit = DRAIN + GRACE
    waits = _waits(evidence)
    costly = [record.job_id for record in evidence.records.values() if record.attempt != 1]
    report.figures["longest stop (s)"] = round(max(stops.seconds), 2)
    report.figures["longest stop by two signals (s)"] = round(max(stops.hurried, default=0), 2)
    report.figures["jobs handed on"] = len(waits)
    report.figures["handed on: median and longest wait (s)"] = _spread(waits)
    report.require(set(stops.codes) == {0}, f"exit codes {sorted(set(stops.codes))}")
    report.require(max([*stops.seconds, *stops.hurried]) <= limit, f"a stop took longer than {limit:.0f} s")
    report.require(not costly, f"{len(costly)} jobs lost an attempt to a stop, such as {costly[:3]}")
    report.require(max(waits, default=0) <= BACK_WITHIN, f"a released job waited {max(waits, default=0):.1f} s")
    report.require(bool(waits), "no job was ever handed on")
    return report


async def _cycle(scene: Scene, turns: Iterator[int], stops: Stops) -> None:
    chance = scene.world.random
    for turn in turns:
        member = await scene.fleet.start()
        for _ in range(TURNS):
            await scene.ledger.submit(scene.counter, [_order(seconds) for seconds in LENGTHS])
            await asyncio.sleep(chance.uniform(*LIVES))
            if _is_at_work(scene, member):
                break
        if turn % HURRY_EVERY == 0:
            member.process.terminate()
            await asyncio.sleep(0.05)
            code, seconds = await scene.fleet.stop(member, 60)
            stops.hurried.append(seconds)
        else:
            code, seconds = await scene.fleet.stop(member, 60)
            stops.seconds.append(seconds)
        stops.codes.append(code)


def _is_at_work(scene: Scene, member: Member) -> bool:
    """Some job of its own has started and is not over."""
    scene.world.journal.read()
    own = runs_of(line for line in scene.world.journal.lines if line.pid == member.pid)
    return any(run.ended is None for runs in own.values() for run in runs)


def _order(seconds: float) -> Order:
    return Order(payload={"seconds": seconds})


def _waits(evidence: Evidence) -> list[float]:
    """From each stop of a run to the job's next start (seconds)."""
    pairs = [pair for runs in evidence.runs.values() for pair in pairwise(runs)]
    return [latter.began - former.ended for former, latter in pairs if former.how == "stop" and former.ended]


def _spread(waits: list[float]) -> str:
    return f"{statistics.median(waits):.2f}, {max(waits):.2f}" if waits else "-"
