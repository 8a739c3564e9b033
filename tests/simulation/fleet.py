"""The processes that are alive, who replaces the dead, and what strikes them."""

from __future__ import annotations

import asyncio

from tests.simulation.process import Process
from tests.simulation.site import Site

SERVICES = ("sqs", "dynamodb", "s3")
LOOK_EVERY = 0.5
LAST_CALL = 28.0
"""Seconds in which a fleet that is told to leave for days may do so."""


class Fleet:
    """As many processes as the profile asks for, whatever becomes of each."""

    def __init__(self, site: Site) -> None:
        self.processes: list[Process] = []
        self._site = site
        self._chance = site.profile.stream("fleet")
        self._count = 0
        self._deploys = any(kind == "deploy" for _, kind in site.profile.strikes)
        self._at_work = True
        self._closed_until = 0.0

    @property
    def alive(self) -> list[Process]:
        return [process for process in self.processes if not process.is_dead]

    @property
    def at_hand(self) -> list[Process]:
        """Those that answer clients."""
        return [process for process in self.alive if process.leaving is None]

    @property
    def rest(self) -> float:
        """Seconds until somebody is hired again, where nobody is to work for days."""
        return max(0.0, self._closed_until - self._site.kernel.now)

    def any(self) -> Process | None:
        """Whoever a client reaches; it may be frozen."""
        return self._chance.choice(self.at_hand) if self.at_hand else None

    def hire(self) -> None:
        self._count += 1
        is_mixed = "long hand-over" in self._site.profile.rates
        modern = not self._deploys or (self._count % 2 == 0 if is_mixed else self._chance.random() < 0.3)
        skew = self._chance.randint(-self._site.profile.skew, self._site.profile.skew)
        self.processes.append(Process(f"w{self._count}", self._site, modern=modern, skew=skew))

    async def maintain(self) -> None:
        """The supervisor: a dead process is replaced after a moment."""
        while self._at_work:
            await asyncio.sleep(self.rest)
            while len(self.at_hand) < self._site.profile.workers:
                self.hire()
            await asyncio.sleep(LOOK_EVERY + self._chance.uniform(0, 3))

    async def suffer(self) -> None:
        """Every strike of the profile at its time."""
        profile, chance = self._site.profile, self._chance
        for at, kind in self._site.profile.strikes:
            await asyncio.sleep(max(0.0, profile.at(at) - self._site.kernel.now))
            if kind == "outage":
                self._cut(kind, chance.choice(SERVICES))
            elif kind == "index made again":
                self._delete_index(profile.stream(f"index at {at}").uniform(1, 120))
            elif kind == "deploy":
                self._deployment = self._site.world.create_task(self.deploy())
            elif (struck := self.any()) is not None and not struck.is_frozen:
                self._strike(kind, struck)

    async def endure_blackouts(self) -> None:
        """Services that are away for everybody, without one call that slips through."""
        weather = self._site.weather
        for at, seconds, services in self._site.profile.blackouts:
            await asyncio.sleep(max(0.0, self._site.profile.at(at) - self._site.kernel.now))
            self._site.trace.fault("blackout", " ".join(services), f"{seconds:.1f} s")
            weather.dark.update(services)
            await asyncio.sleep(seconds)
            weather.dark.difference_update(services)

    async def close_for_days(self) -> None:
        """At times everybody leaves, who does not leave in time is killed, and nobody comes for days."""
        for at, seconds in self._site.profile.closed:
            await asyncio.sleep(max(0.0, self._site.profile.at(at) - self._site.kernel.now))
            self._site.trace.fault("closed", "everybody", f"{seconds / 86_400:.1f} days")
            self._closed_until = self._site.kernel.now + seconds
            for process in self.at_hand:
                process.leave()
            await asyncio.sleep(LAST_CALL)
            for process in self.alive:
                process.crash()

    async def deploy(self) -> None:
        """One after the other leaves, and what comes in its place is the newer version."""
        self._deploys = False
        for process in self.at_hand:
            if not process.modern and not process.is_dead:
                self._site.trace.fault("replaced", process.name)
                process.leave()
                await asyncio.sleep(self._chance.uniform(0, 5))

    async def close(self) -> None:
        """Everybody leaves in peace; returns when nobody is left."""
        self._at_work = False
        for process in self.at_hand:
            process.leave()
        while self.alive:  # noqa: ASYNC110 - a look costs nothing in virtual time
            await asyncio.sleep(LOOK_EVERY)

    def _strike(self, kind: str, struck: Process) -> None:
        profile, chance = self._site.profile, self._chance
        match kind:
            case "crash":
                self._site.trace.fault(kind, struck.name)
                struck.crash()
            case "freeze" | "suspend":
                struck.freeze(kind, profile.visibility * chance.uniform(0.1, 3))
            case "partition":
                self._cut(kind, struck.name)
            case "clock step":
                struck.step_clock(chance.randint(-profile.skew, profile.skew))
            case "drain" | "hurried drain":
                self._site.trace.fault(kind, struck.name)
                struck.leave()
                if kind == "hurried drain":
                    self._site.world.call_later(chance.uniform(0, 10), self._hurry, struck)
            case "blind sweeper":
                self._refuse(kind, struck, {"due"}, profile.stream(f"{kind} {struck.name}").uniform(10, 400))
            case "mute process":
                self._refuse(
                    kind, struck, {"send", "send_many"}, profile.stream(f"{kind} {struck.name}").uniform(10, 200)
                )
            case _:
                raise LookupError(kind)

    def make_peace(self) -> None:
        """Every process has its rights back."""
        for process in self.alive:
            process.link.refused.clear()

    def blind_one(self) -> None:
        """One of those that are there, if any is, has no right to look into the index, from here on."""
        struck = next((process for process in self.alive if not process.is_ancient), None)
        if struck is None:
            return
        self._site.trace.fault("blind sweeper", struck.name, "for ever")
        struck.link.refused.add("due")

    def _refuse(self, kind: str, struck: Process, calls: set[str], seconds: float) -> None:
        self._site.trace.fault(kind, struck.name, f"{seconds:.1f} s")
        struck.link.refused |= calls
        self._site.world.call_later(seconds, struck.link.refused.difference_update, calls)

    def _delete_index(self, seconds: float) -> None:
        self._site.trace.fault("index made again", "everybody", f"after {seconds:.1f} s")
        self._site.index.delete()
        self._site.world.call_later(seconds, self._site.index.make_again)

    def _hurry(self, process: Process) -> None:
        if not process.is_dead:
            process.leave()

    def _cut(self, kind: str, whom: str) -> None:
        seconds = self._chance.uniform(1, 60)
        self._site.trace.fault(kind, whom, f"{seconds:.1f} s")
        self._site.weather.away.add(whom)
        self._site.world.call_later(seconds, self._site.weather.away.discard, whom)
