"""Run Q: jobs of many keys with a limit each, by a field of their payload, with and without workers that are killed."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from tests.chaos.load import Order
from tests.chaos.report import Report
from tests.chaos.runs.scene import PATIENT, Scene, Stage, open_scene, until_all_ended

MOST = 3
"""Jobs of one key that may run at once."""
LIMITS = {"key:*": {"concurrency": MOST}}
WORKERS = 3
SLOTS = 64
JITTER = 1.0
SHARE = 0.8
"""Of what the limits allow, without kills."""
SLACK = 10.0
"""Seconds for the first start and the last ending, which a short run does not spread."""
STALL = 120.0


async def limits(stage: Stage, jobs: int = 5000, keys: int = 50, seconds: float = 2.0, kills: int = 20) -> Report:
    """Never more of a key at once than its limit, all done, and without kills at 80 % of what the limits allow."""
    report = Report(f"Q limits: {jobs} jobs of {seconds:g} s on {keys} keys of limit {MOST}, {WORKERS} workers")
    ideal = seconds * -(-jobs // keys) / MOST
    for deaths in sorted({0, kills}):
        folder = stage.folder / f"{deaths}-kills"
        folder.mkdir()
        own = replace(stage, folder=folder, visibility=stage.visibility if deaths else PATIENT)
        async with open_scene(own, workers=0, limits=LIMITS, slots=SLOTS, direct=True) as scene:
            wanted = [Order("chaos.keyed", {"seconds": seconds, "key": f"key-{n % keys}"}) for n in range(jobs)]
            await scene.ledger.submit(scene.counter, wanted)
            await asyncio.gather(*(scene.fleet.start() for _ in range(WORKERS)))
            began = time.monotonic()
            died = await _slaughter(scene, jobs, deaths)
            await until_all_ended(scene, STALL + 10 * ideal)
            took = time.monotonic() - began
            await scene.settle(report)
            most = _most_at_once(scene, died)
        told = f"{deaths} kills"
        report.figures |= {f"{told}: took (s)": round(took, 1), f"{told}: most of a key at once": most}
        report.require(most <= MOST, f"{told}: {most} of one key ran at once")
        if not deaths:
            report.figures["of what the limits allow"] = f"{ideal / took:.0%}"
            report.require(took <= ideal / SHARE + SLACK, f"it took {took:.0f} s, the limits allow {ideal:.0f}")
    return report


async def _slaughter(scene: Scene, jobs: int, kills: int) -> Mapping[int, float]:
    """Kills are spread evenly over the work; when each process died, by its pid."""
    died = {}
    for number in range(1, kills + 1):
        await scene.world.journal.until("end", jobs * number // (kills + 2), STALL)
        await asyncio.sleep(scene.world.random.uniform(0, JITTER))
        victim = scene.world.random.choice([member for member in scene.fleet.members if member.url])
        await scene.fleet.kill(victim)
        died[victim.pid] = time.monotonic()
        await scene.fleet.start()
    return died


def _most_at_once(scene: Scene, died: Mapping[int, float]) -> int:
    """By the handlers' own lines; what a killed process ran ended with it."""
    scene.world.journal.read()
    begun, moments = {}, defaultdict(list)
    orders = {**scene.ledger.may_run, **scene.ledger.accepted}
    for line in sorted(scene.world.journal.lines, key=lambda each: each.mono):
        key = orders[line.job_id].payload["key"]
        if line.event == "start":
            begun[line.run] = (key, line.pid)
            moments[key].append((line.mono, 1))
        elif line.event in ("end", "raise", "stop") and begun.pop(line.run, None) is not None:
            moments[key].append((line.mono, -1))
    for key, pid in begun.values():
        moments[key].append((died[pid], -1))
    most = 0
    for steps in moments.values():
        running = 0
        for _, step in sorted(steps):
            running += step
            most = max(most, running)
    return most
