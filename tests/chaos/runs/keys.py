"""Run G: one idempotency key in many hands at once, with lost answers and an api process that dies."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import aiohttp

from tests.chaos.fleet import Fleet
from tests.chaos.load import Order
from tests.chaos.proxy import DropAfter, Rule
from tests.chaos.proxy.faults import WRITES
from tests.chaos.report import Report
from tests.chaos.runs.scene import Scene, Stage, open_scene

LOST = 0.1
PATIENCE = 90.0
AGAIN_AFTER = 0.3
DIES_WITHIN = 60.0
KEYS_AT_ONCE = 4
HEAD_START = 0.02
"""Seconds by which one hand is ahead of the others: every other key's is the process that is to die, and it must enter
jobs to come to that."""


@dataclass(slots=True)
class Desks:
    """The api processes' addresses as they are now, and what they answered to each key."""

    fleet: Fleet
    jobs: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    posts: int = 0
    replays: int = 0

    def url(self, number: int) -> str | None:
        ready = [member.url for member in self.fleet.members if member.url]
        return ready[number % len(ready)] if ready else None


async def keys(stage: Stage, keys: int = 200, at_once: int = 50) -> Report:
    """Exactly as many jobs as keys, and every answer names the same one."""
    report = Report(
        f"G keys: {keys} keys x {at_once} POSTs at once, {LOST:.0%} of answers lost, 1 death, 2 api processes"
    )
    async with open_scene(stage, workers=0) as scene:
        await scene.fleet.start(roles="api")
        dying = await scene.fleet.start(roles="api", point=f"before-enter:{max(2, keys // 4)}")
        desks = Desks(scene.fleet)
        with scene.world.plan.during(Rule(DropAfter(), WRITES, LOST)):
            reviving = asyncio.create_task(_revive(scene, dying, report))
            await _post_all(desks, keys, at_once)
            await reviving
            await scene.fleet.start()
        for found in desks.jobs.values():
            scene.ledger.accepted |= dict.fromkeys(found, Order())
        await scene.settle(report)
    sends = scene.world.sqs.requests["SendMessage"] + scene.world.sqs.requests["SendMessageBatch"]
    report.figures |= {"POSTs": desks.posts, "replays": desks.replays, "requests that sent": sends}
    report.require(len(scene.ledger.accepted) == keys, f"{len(scene.ledger.accepted)} jobs for {keys} keys")
    report.require(all(len(found) == 1 for found in desks.jobs.values()), "a key was answered with different jobs")
    return report


async def _revive(scene: Scene, dying: object, report: Report) -> None:
    """The api process dies between a message and its record; another takes its place."""
    [member] = [member for member in scene.fleet.members if member is dying]
    report.require(await scene.fleet.outlive(member, DIES_WITHIN), "no api process died")
    await scene.fleet.start(roles="api")


async def _post_all(desks: Desks, keys: int, at_once: int) -> None:
    names = iter(range(keys))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(30)) as session:

        async def clerk() -> None:
            for name in names:
                first, *others = (_post(session, desks, f"key-{name}", name + hand) for hand in range(at_once))
                async with asyncio.TaskGroup() as posts:
                    posts.create_task(first)
                    await asyncio.sleep(HEAD_START)
                    for post in others:
                        posts.create_task(post)

        await asyncio.gather(*(clerk() for _ in range(KEYS_AT_ONCE)))


async def _post(session: aiohttp.ClientSession, desks: Desks, key: str, number: int) -> None:
    """Repeats the request until it is answered well, as a client that wants its job does."""
    body: dict[str, object] = {"type": "chaos.work", "payload": {"seconds": 0.05}}
    async with asyncio.timeout(PATIENCE):
        while True:
            desks.posts += 1
            if (url := desks.url(number)) is not None and await _ask(session, f"{url}/jobs", key, body, desks):
                return
            await asyncio.sleep(AGAIN_AFTER)


async def _ask(session: aiohttp.ClientSession, url: str, key: str, body: dict[str, object], desks: Desks) -> bool:
    try:
        async with session.post(url, json=body, headers={"Idempotency-Key": key}) as answer:
            if answer.status not in (200, 202):
                return False
            desks.jobs[key].add((await answer.json())["job_id"])
            desks.replays += answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
    return True
