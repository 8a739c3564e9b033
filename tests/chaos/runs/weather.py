"""The faults of a soak: one kind after another, with a quiet moment between them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from tests.chaos.fleet import Member
from tests.chaos.proxy import Delay, DropAfter, DropBefore, Refuse, Rule
from tests.chaos.proxy.faults import UPDATES, WRITES
from tests.chaos.runs.scene import Scene

SPELL = 20.0
QUIET = 5.0
BLACKOUT = 8.0
FREEZE = 12.0
SHARE = 0.1

RULES: dict[str, tuple[Rule, ...]] = {
    "answers lost": (Rule(DropAfter(), WRITES | {"ReceiveMessage"}, SHARE),),
    "requests lost": (Rule(DropBefore(), None, SHARE),),
    "slow": (Rule(Delay(2.0), None, 0.02), Rule(Delay(0.05), None, 0.5)),
    "throttled": (
        Rule(Refuse(400, "ThrottlingException"), UPDATES, 0.2),
        Rule(Refuse(400, "RequestThrottled"), None, 0.2),
    ),
    "errors": (Rule(Refuse(500, "InternalServerError"), None, SHARE), Rule(Refuse(503), None, SHARE)),
}


class Weather:
    """Rages for as long as it is let; `spare` is never killed, so that it can be watched."""

    def __init__(self, scene: Scene, spare: Member) -> None:
        self._scene = scene
        self._spare = spare
        self.spells: Counter[str] = Counter()
        self.now = "calm"

    async def rage(self) -> None:
        """For ever: a quiet moment, then a spell of one kind."""
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "duplicates": self._double,
            "blackout": self._black_out,
            "freeze": self._freeze,
            "kill": self._kill,
            "stop": self._stop,
            **{name: partial(self._spell, rules, SPELL) for name, rules in RULES.items()},
        }
        while True:
            self.now = "calm"
            await asyncio.sleep(QUIET)
            self.now = self._scene.world.random.choice(list(kinds))
            self.spells[self.now] += 1
            await kinds[self.now]()

    async def _spell(self, rules: tuple[Rule, ...], seconds: float) -> None:
        with self._scene.world.plan.during(*rules):
            await asyncio.sleep(seconds)

    async def _double(self) -> None:
        self._scene.world.duplicates.share = SHARE
        try:
            await asyncio.sleep(SPELL)
        finally:
            self._scene.world.duplicates.share = 0.0

    async def _black_out(self) -> None:
        await self._spell((Rule(Refuse(503)),), BLACKOUT)

    async def _freeze(self) -> None:
        await self._scene.fleet.freeze(self._scene.world.random.choice(self._scene.fleet.members), FREEZE)

    async def _kill(self) -> None:
        await self._scene.fleet.kill(self._other)
        await self._scene.fleet.start()

    async def _stop(self) -> None:
        await self._scene.fleet.stop(self._other, 60)
        await self._scene.fleet.start()

    @property
    def _other(self) -> Member:
        return next(member for member in self._scene.fleet.members if member is not self._spare)
