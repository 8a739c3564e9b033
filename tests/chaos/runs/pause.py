"""Run C: workers are frozen past their leases and come back believing that nothing happened."""

from __future__ import annotations

import asyncio
import itertools
import time

from tests.chaos.fleet import Member
from tests.chaos.journal import LOOK_EVERY
from tests.chaos.report import Report
from tests.chaos.runs.scene import Scene, Stage, open_scene, orders

LONGEST = 3.0
SHORTEST = 0.5
BREATH = 1.0
FRESH = SHORTEST / 2
"""Seconds since its start in which a job is sure to have time ahead: who is frozen then has something to lose."""
MORE, UNSEEN = 5, 2.0
"""Jobs handed in beside, for each so many seconds in which a victim has begun none."""
WORKERS, VICTIMS = 3, 2
"""One is never frozen, and takes over: who was frozen itself respects the leases of others for a while."""
LATEST = 200
"""Lines of the journal among which a fresh start is looked for."""


async def pause(stage: Stage, jobs: int = 1_000, freezes: int = 20, seconds: float = 15.0) -> Report:
    """0 stale commits, 0 lost, extra starts <= freezes x 32."""
    whom = f"{VICTIMS} of {WORKERS} workers"
    report = Report(f"C pause: {jobs} jobs of 0.5-3 s, {freezes} freezes of {seconds:.0f} s, {whom}")
    async with open_scene(stage, workers=WORKERS) as scene:
        turns = itertools.repeat(jobs // freezes, freezes)
        victims = scene.fleet.members[:VICTIMS]
        await asyncio.gather(*(_torment(scene, victim, turns, seconds) for victim in victims))
        evidence = await scene.settle(report)
        losses = [line for member in victims for line in member.said("lease lost")]
    refused = sum("refused" in str(line["reason"]) for line in losses)
    extra = sum(len(runs) - 1 for runs in evidence.runs.values())
    report.figures["leases lost"] = len(losses)
    report.figures["stale endings refused by the fence"] = refused
    report.require(extra <= freezes * scene.world.shape.concurrency, f"{extra} extra starts")
    report.require(bool(losses), "no lease was lost, so nothing was tried")
    return report


async def _torment(scene: Scene, victim: Member, turns: itertools.repeat[int], seconds: float) -> None:
    """As long as there are turns left: some jobs, a moment to start them, a freeze."""
    for jobs in turns:
        await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, LONGEST, SHORTEST))
        await asyncio.sleep(BREATH * scene.world.random.random())
        while not await _is_at_work(scene, victim):
            await scene.ledger.submit(scene.counter, orders(scene.world.random, MORE, LONGEST, SHORTEST))
        await scene.fleet.freeze(victim, seconds)


async def _is_at_work(scene: Scene, victim: Member) -> bool:
    """Waits until it has just begun a job; False when it began none for a while."""
    until = time.monotonic() + UNSEEN
    while (now := time.monotonic()) < until:
        scene.world.journal.read()
        latest = scene.world.journal.lines[-LATEST:]
        if any(line.event == "start" and line.pid == victim.pid and now - line.mono < FRESH for line in latest):
            return True
        await asyncio.sleep(LOOK_EVERY)
    return False
