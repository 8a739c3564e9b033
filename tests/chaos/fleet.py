"""Workers as processes: started, watched, killed, frozen, stopped by pid, and started again as a supervisor would."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from tests.chaos.world import World

READY_WITHIN = 60.0
LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Interruption:
    """What was done to a process: it died at `began`, or was frozen from `began` to `ended` (monotonic seconds)."""

    pid: int
    began: float
    ended: float | None = None

    @property
    def is_death(self) -> bool:
        return self.ended is None


class Member:
    """One running process of cqworker and its log."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.url = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    async def until_ready(self) -> None:
        """Waits for the line that names its address; raises RuntimeError when it ended instead."""
        deadline = time.monotonic() + READY_WITHIN
        while not (ready := self.said("daemon ready")):
            if self.process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"cqworker did not start:\n{self.log.read_text()[-2000:]}")
            await asyncio.sleep(LOOK_EVERY)
        self.url = str(ready[0]["detail"])

    def said(self, event: str) -> list[dict[str, object]]:
        """The lines of its log that tell of this event."""
        lines = [line for line in self.log.read_bytes().split(b"\n") if event.encode() in line]
        told = [orjson.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]
        return [line for line in told if line["event"] == event]


@dataclass(slots=True)
class Fleet:
    """The processes of one run, and all that was done to them."""

    world: World
    members: list[Member] = field(default_factory=list)
    interruptions: list[Interruption] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def start(self, *, roles: str = "worker", point: str | None = None, **settings: str) -> Member:
        """A process that is ready; with `point` it kills itself there, `settings` are variables of its own."""
        member = await self.begin(roles=roles, point=point, **settings)
        await member.until_ready()
        return member

    async def begin(self, *, roles: str = "worker", point: str | None = None, **settings: str) -> Member:
        """The same without waiting for it."""
        log = self.world.folder / f"worker-{next(self._numbers)}.log"
        module = ["tests.chaos.launcher", point, "--"] if point else ["cqworker"]
        run = ["run", "--config", str(self.world.config), "--role", roles, "--port", "0"]
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *_leash(),
                *(sys.executable, "-P", "-m", *module, *run),
                env={**_plain_environment(), **self.world.environment, **settings},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        member = Member(process, log)
        self.members.append(member)
        self.logs.append(log)
        return member

    async def kill(self, member: Member) -> None:
        """SIGKILL, reaped."""
        member.process.kill()
        await self.reap(member)

    async def reap(self, member: Member) -> int:
        """Waits for its end, whatever the reason, and notes when that was."""
        code = await member.process.wait()
        self.interruptions.append(Interruption(member.pid, time.monotonic()))
        if member in self.members:
            self.members.remove(member)
        return code

    async def outlive(self, member: Member, seconds: float) -> bool:
        """Whether it ended by itself within so many seconds; it is killed when it did not."""
        try:
            async with asyncio.timeout(seconds):
                await self.reap(member)
        except TimeoutError:
            await self.kill(member)
            return False
        return True

    async def freeze(self, member: Member, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        began = time.monotonic()
        os.kill(member.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(member.pid, signal.SIGCONT)
            self.interruptions.append(Interruption(member.pid, began, time.monotonic()))

    async def stop(self, member: Member, within: float) -> tuple[int, float]:
        """SIGTERM: its exit code and how long it took; raises TimeoutError when it was not gone `within` seconds."""
        began = time.monotonic()
        member.process.terminate()
        async with asyncio.timeout(within):
            code = await self.reap(member)
        return code, time.monotonic() - began


@asynccontextmanager
async def fleet_of(world: World, workers: int) -> AsyncIterator[Fleet]:
    """So many workers, ready; whatever is left of the fleet is killed at the end."""
    fleet = Fleet(world)
    try:
        for _ in range(workers):
            await fleet.begin()
        await asyncio.gather(*(member.until_ready() for member in fleet.members))
        yield fleet
    finally:
        for member in list(fleet.members):
            if member.process.returncode is None:
                member.process.kill()
            await fleet.reap(member)


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CQWORKER_"))}


def _leash() -> list[str]:
    """What makes the kernel end a worker should its owner be killed; Linux only."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
