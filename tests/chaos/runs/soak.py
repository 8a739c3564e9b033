"""Run J: mixed load and mixed faults for a long time, with an eye on a process that lives through all of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from random import Random

from cqworker.model.status import Status
from tests.chaos.evidence import Evidence
from tests.chaos.load import Order
from tests.chaos.report import Report, say
from tests.chaos.runs.scene import Scene, Stage, open_scene
from tests.chaos.runs.weather import Weather
from tests.chaos.signs import Signs, growth, look, slope

BULK = 6_000
WARM_UP = 0.2
"""Share of the time after which memory and counts should not grow any more."""
MISCHIEF_SHARE = 0.01
MISCHIEF: dict[str, dict[str, object]] = {
    "chaos.block": {"seconds": 0.3},
    "chaos.ignore-cancel": {"seconds": 1.5},
    "chaos.exit-loop": {},
    "chaos.exit-thread": {},
    "chaos.exit-process": {},
    "chaos.segfault": {},
    "chaos.eat-memory": {},
}
"""Jobs that misbehave and leave nothing behind, with their payloads; the first two may succeed in the end."""
HOPELESS = frozenset(MISCHIEF) - {"chaos.block", "chaos.ignore-cancel"}
LOOKS = 30
MOST_SLOPE = 1.0
MOST_GROWTH = {"fds": 10, "threads": 10, "tasks": 30}


async def soak(stage: Stage, minutes: float = 30.0, rate: int = 30) -> Report:
    """Nothing lost; memory gains at most 1 MB per 1,000 jobs after warm-up, nothing else grows."""
    report = Report(f"J soak: {minutes:g} minutes at {rate} jobs/s, mixed work, mixed faults, 2 workers")
    census = stage.folder / "census"
    async with open_scene(stage, workers=0) as scene:
        watched = await scene.fleet.start(point=f"census:{census}")
        await scene.fleet.start()
        weather = Weather(scene, watched)
        looks: list[Signs] = []
        enough = asyncio.Event()
        submitting = asyncio.create_task(_submit(scene, rate, enough))
        raging = asyncio.create_task(weather.rage())
        began = time.monotonic()
        while (spent := time.monotonic() - began) < minutes * 60 and not raging.done():
            await asyncio.sleep(min(minutes * 60 / LOOKS, minutes * 60 - spent) + 0.01)
            looks.append(look(watched.pid, time.monotonic() - began, _done(scene, watched.pid), census))
            say(f"  {looks[-1]}  {weather.now}")
        raging.cancel()
        await asyncio.wait([raging])
        report.require(raging.cancelled(), f"the faults ended: {raging.cancelled() or raging.exception()!r}")
        enough.set()
        await submitting
        evidence = await scene.settle(report, within=180, may_lose_settles=True)
    _judge(report, looks, weather)
    _judge_mischief(report, evidence)
    return report


def _judge(report: Report, looks: list[Signs], weather: Weather) -> None:
    warm = looks[int(len(looks) * WARM_UP) :]
    gained = slope(warm)
    report.figures |= {"spells": dict(weather.spells), "RSS gained per 1,000 jobs (MB)": round(gained, 3)}
    report.figures["RSS after warm-up and at the end (MB)"] = f"{warm[0].rss:.1f}, {warm[-1].rss:.1f}"
    report.require(gained <= MOST_SLOPE, f"RSS grows by {gained:.2f} MB per 1,000 jobs")
    for name, most in MOST_GROWTH.items():
        grown = growth(warm, name)
        report.figures[f"{name}: growth of the median"] = grown
        report.require(grown <= most, f"{name} grew by {grown}")


def _judge_mischief(report: Report, evidence: Evidence) -> None:
    """Who cannot succeed has failed: a fault that ends somebody else's job well would show here."""
    done = [record for record in evidence.records.values() if record.type in MISCHIEF]
    report.figures["jobs that misbehaved"] = len(done)
    wrong = [record for record in done if record.type in HOPELESS and record.status is not Status.FAILED]
    report.require(not wrong, f"{len(wrong)} jobs that cannot succeed are not FAILED: {wrong[:3]}")


async def _submit(scene: Scene, rate: int, enough: asyncio.Event) -> None:
    """So many jobs each second; who hands them in has patience with faults."""
    chance = scene.world.random
    for number in itertools.takewhile(lambda _: not enough.is_set(), itertools.count()):
        wanted = [_order(chance, f"{number}-{place}") for place in range(rate)]
        began = time.monotonic()
        await scene.ledger.submit(scene.counter, wanted)
        await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))


def _order(chance: Random, key: str) -> Order:
    """Mostly short work on the loop; some in threads and processes, some that fails, is refused, or says a lot.

    One in a hundred misbehaves.
    """
    if chance.random() < MISCHIEF_SHARE:
        mischief = chance.choice(list(MISCHIEF))
        return Order(type=mischief, payload=MISCHIEF[mischief])
    kind = chance.choices(["chaos.work", "chaos.thread", "chaos.process"], [90, 8, 2])[0]
    return Order(
        type=kind,
        payload={
            "seconds": round(chance.uniform(0, 0.5), 3),
            "fails": chance.choices([0, 1, 2], [95, 4, 1])[0],
            "reject": chance.random() < 0.01,
            "bulk": BULK if chance.random() < 0.02 else 0,
        },
        key=key if chance.random() < 0.3 else None,
    )


def _done(scene: Scene, pid: int) -> int:
    """The ends that this process noted; its children's are few."""
    scene.world.journal.read()
    return sum(line.pid == pid and line.event == "end" for line in scene.world.journal.lines)
