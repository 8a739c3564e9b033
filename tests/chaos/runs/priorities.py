"""Run R: shares of levels under saturation by weight and in strict order, and an urgent job behind a backlog."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tests.chaos.journal import Line
from tests.chaos.load import Order
from tests.chaos.report import Report
from tests.chaos.runs.scene import DRAIN, Scene, Stage, open_scene

LEVELS = ("high", "medium", "low")
WEIGHTS = {"high": 0.6, "medium": 0.3, "low": 0.1}
STRICT = {"high": 0.95, "medium": 0.025, "low": 0.025}
WORKERS = 2
SLOTS = 32
FILLING = 2 * WORKERS * SLOTS
"""Starts at first, while there are free slots for everybody: shares are of those that are scarce."""
SPARE = 1.3
"""Times the jobs that a level's share comes to are handed in, so that each has a backlog until the last start."""
POINTS = 0.02
SHORT = 0.05
LONG = 2.0
URGENT = 20
WITHIN = 600.0


async def priorities(stage: Stage, starts: int = 5000, backlog: int = 10_000) -> Report:
    """Within 2 points of their shares; an urgent job waits for one slot and a second at most."""
    report = Report(
        f"R priorities: {starts} starts under saturation, weighted and strict; {URGENT} urgent jobs behind {backlog}, "
        f"{WORKERS} workers of {SLOTS} slots"
    )
    for mode, expected in (("weighted", WEIGHTS), ("strict", STRICT)):
        found = await _shares(_own(stage, mode), mode, expected, starts)
        report.figures[f"{mode} shares"] = {level: f"{share:.2%}" for level, share in found.items()}
        for level, share in found.items():
            report.require(abs(share - expected[level]) <= POINTS, f"{mode}: {level} had {share:.2%} of the starts")
    for mode in ("weighted", "strict"):
        waits = sorted(await _urgent_waits(_own(stage, f"urgent-{mode}"), mode, backlog))
        report.figures[f"{mode}: urgent jobs waited (s)"] = f"p50 {waits[len(waits) // 2]:.2f}, max {waits[-1]:.2f}"
        report.require(waits[-1] <= LONG + 1.0, f"{mode}: an urgent job waited for {waits[-1]:.2f} s")
    return report


def _own(stage: Stage, name: str) -> Stage:
    folder = stage.folder / name
    folder.mkdir()
    return replace(stage, folder=folder, visibility=30)


async def _shares(stage: Stage, mode: str, expected: dict[str, float], starts: int) -> dict[str, float]:
    async with open_scene(stage, workers=0, levels=LEVELS, mode=mode) as scene:
        wanted = [
            Order(payload={"seconds": SHORT}, priority=level)
            for level in LEVELS
            for _ in range(round(starts * expected[level] * SPARE) + FILLING)
        ]
        await scene.ledger.submit(scene.counter, wanted)
        await asyncio.gather(*(scene.fleet.start() for _ in range(WORKERS)))
        await scene.world.journal.until("start", FILLING + starts, WITHIN)
        counted = Counter(_levels_of(scene, _starts(scene)[FILLING : FILLING + starts]))
    return {level: counted[level] / starts for level in LEVELS}


async def _urgent_waits(stage: Stage, mode: str, backlog: int) -> list[float]:
    """From just before the submission to the start, by the clock that all processes share."""
    waits = []
    async with open_scene(stage, workers=0, levels=LEVELS, mode=mode) as scene:
        await scene.ledger.submit(scene.counter, [Order(payload={"seconds": LONG}, priority="low")] * backlog)
        await asyncio.gather(*(scene.fleet.start() for _ in range(WORKERS)))
        await scene.world.journal.until("start", min(backlog, 2 * SLOTS * WORKERS), DRAIN)
        for _ in range(URGENT):
            asked = time.monotonic()
            known = set(scene.ledger.accepted)
            await scene.ledger.submit(scene.counter, [Order(payload={"seconds": 0.0}, priority="high")])
            [job_id] = scene.ledger.accepted.keys() - known
            waits.append(await _start_of(scene, job_id) - asked)
    return waits


async def _start_of(scene: Scene, job_id: str) -> float:
    async with asyncio.timeout(DRAIN):
        while True:
            for line in _starts(scene):
                if line.job_id == job_id:
                    return line.mono
            await asyncio.sleep(0.05)


def _starts(scene: Scene) -> list[Line]:
    scene.world.journal.read()
    return sorted((line for line in scene.world.journal.lines if line.event == "start"), key=lambda line: line.mono)


def _levels_of(scene: Scene, starts: Sequence[Line]) -> list[str]:
    orders = {**scene.ledger.may_run, **scene.ledger.accepted}
    return [orders[line.job_id].priority or "medium" for line in starts]
