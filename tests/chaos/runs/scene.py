"""What every run stands on: a world, a counter, a fleet and a ledger, opened together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from cqworker.daemon.standalone import JobServices
from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, gather_evidence
from tests.chaos.fleet import Fleet, fleet_of
from tests.chaos.load import Ledger, Order
from tests.chaos.report import Report, figures_of
from tests.chaos.world import Limited, Shape, World, open_world
from tests.engines.running import Engines

VISIBILITY = 6
DRAIN_TIMEOUT = 5.0
RECEIVES = 70
"""Receives before a message is a dead letter: more than any run needs, and what the handlers' attempts ask for."""
REHEARSAL = 500
PATIENT = 30
"""Seconds a lease lasts where nobody dies: a busy machine costs no job its lease."""
DRAIN = 120.0
"""Seconds after which a queue that still holds messages counts as stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where runs take place: the engines, a folder for files, the seed of all chance, and how long leases are (s)."""

    engines: Engines
    folder: Path
    seed: int
    visibility: int = VISIBILITY
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One run that is under way."""

    world: World
    counter: JobServices
    fleet: Fleet
    ledger: Ledger = field(default_factory=Ledger)

    async def settle(self, report: Report, *, within: float = DRAIN, may_lose_settles: bool = False) -> Evidence:
        """Waits until the queue is empty, gathers the evidence, checks it and notes the figures."""
        report.figures["drained after (s)"] = round(await self.world.backdoor.until_empty(within), 1)
        evidence = await gather_evidence(self.world, self.ledger, self.fleet)
        report.figures |= figures_of(evidence)
        report.add(check(evidence, may_lose_settles=may_lose_settles))
        return evidence


@asynccontextmanager
async def open_scene(
    stage: Stage,
    *,
    workers: int,
    drain: float = DRAIN_TIMEOUT,
    receives: int = RECEIVES,
    levels: tuple[str, ...] = (),
    mode: str = "weighted",
    limits: Limited = MappingProxyType({}),
    slots: int = 32,
    direct: bool = False,
) -> AsyncIterator[Scene]:
    """A world with so many workers that are ready; they drain for so many seconds."""
    shape = Shape(
        visibility=stage.visibility,
        drain=drain,
        receives=receives,
        levels=levels,
        mode=mode,
        limits=limits,
        concurrency=slots,
        direct=direct,
    )
    async with (
        open_world(stage.engines, stage.folder, stage.seed, shape, stage.turn) as world,
        world.counter(stage.turn) as counter,
        fleet_of(world, workers) as fleet,
    ):
        yield Scene(world=world, counter=counter, fleet=fleet)


def orders(chance: random.Random, count: int, longest: float, shortest: float = 0.0) -> Iterator[Order]:
    """So many jobs of honest work, each of a length between the two (seconds)."""
    for _ in range(count):
        yield Order(payload={"seconds": round(chance.uniform(shortest, longest), 3)})


async def until_all_ended(scene: Scene, within: float) -> None:
    """A job that is parked is no message: an empty queue says nothing."""
    async with asyncio.timeout(within):
        while True:
            scene.world.journal.read()
            ended = {line.job_id for line in scene.world.journal.lines if line.event == "end"}
            if scene.ledger.accepted.keys() <= ended:
                return
            await asyncio.sleep(0.2)


async def rehearse(stage: Stage, jobs: int = REHEARSAL) -> None:
    """Work of which nothing is judged: engines that have just started take seconds for what takes them milliseconds."""
    folder = stage.folder / "rehearsal"
    folder.mkdir()
    async with open_scene(replace(stage, folder=folder, visibility=PATIENT), workers=1) as scene:
        await scene.ledger.submit(scene.counter, orders(scene.world.random, jobs, 0.0))
        await scene.world.backdoor.until_empty(DRAIN)
