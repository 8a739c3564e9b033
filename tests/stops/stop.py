"""One stop: a daemon with work of every executor in hand is told to leave, and how it did."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes.daemon import Daemon, until
from tests.processes.site import Site
from tests.stops.handlers import JOURNAL, KEPT
from tests.stops.launcher import SEED
from tests.stopwatch import Stopwatch

READY_WITHIN = 120.0
"""Seconds a start may take: it is the stop that is measured, on a machine that may be busy."""
ALLOWANCE = 2.0
"""Seconds beyond `drain_timeout` in which a daemon has to be gone."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a daemon is stopped: its `drain_timeout` (s), the length of its jobs (s), how often it is told."""

    drain_timeout: float
    shortest: float
    longest: float
    signals: int = 1


MANNERS = {
    "jobs end": Manner(drain_timeout=5, shortest=0.2, longest=0.8),
    "jobs are handed back": Manner(drain_timeout=1, shortest=50, longest=50),
    "told twice": Manner(drain_timeout=20, shortest=50, longest=50, signals=2),
}


@dataclass(frozen=True, slots=True)
class Stop:
    """How one went: `code` is None where the daemon was still there when its time was over."""

    manner: str
    code: int | None
    seconds: float
    allowed: float
    jobs: Counter[str]
    kept_back: int
    log: str = field(repr=False)

    @property
    def trouble(self) -> str | None:
        """What is wrong with it."""
        if self.code is None:
            return f"{self.manner}: still there after {self.seconds:.1f} s, {self.allowed:g} s allowed"
        if self.code != 0:
            return f"{self.manner}: exit {self.code} after {self.seconds:.1f} s"
        return f"{self.manner}: a traceback in its log" if "Traceback" in self.log else None


PROGRAM = (sys.executable, "-m", "tests.stops.launcher")


async def stop_once(site: Site, folder: Path, manner: str, chance: random.Random) -> Stop:
    """Starts a daemon at `site`, gives each of its queues work, stops it; whatever is left of it is killed."""
    how = MANNERS[manner]
    own = {"CQWORKER_WORKER__DRAIN_TIMEOUT": f"{how.drain_timeout:g}", SEED: str(chance.random())}
    daemon = Daemon(site.changed(extra=own).environment(), folder, program=PROGRAM)
    journal = Path(site.extra[JOURNAL])
    try:
        try:
            jobs = await asyncio.to_thread(_at_work, daemon, site, how, chance)
        except TimeoutError as error:
            raise RuntimeError(f"a daemon did not get to work: {error}\n{daemon.log[-2000:]}") from error
        await asyncio.sleep(chance.uniform(0, 0.2))
        before = _kept(journal)
        code, seconds = await asyncio.to_thread(_told, daemon, how)
    finally:
        await asyncio.to_thread(daemon.close)
    allowed = how.drain_timeout + ALLOWANCE
    return Stop(manner, code, seconds, allowed, jobs, _kept(journal) - before, daemon.log)


def _at_work(daemon: Daemon, site: Site, how: Manner, chance: random.Random) -> Counter[str]:
    """Hands in a coroutine for every queue and a thread and a process for some; returns once all have begun."""
    daemon.supervisor.hears("READY=1", READY_WITHIN)
    kinds = [(queue, "stops.async") for queue in site.queues]
    kinds += [(chance.choice(site.queues), kind) for kind in ("stops.process", "stops.thread")]
    jobs = {
        daemon.submit(kind, {"seconds": round(chance.uniform(how.shortest, how.longest), 3)}, queue=queue)
        for queue, kind in kinds
    }
    journal = Path(site.extra[JOURNAL])
    until(lambda: jobs <= set(journal.read_text(encoding="utf-8").split()), READY_WITHIN)
    return Counter(kind for _, kind in kinds)


def _kept(journal: Path) -> int:
    return journal.read_text(encoding="utf-8").split().count(KEPT)


def _told(daemon: Daemon, how: Manner) -> tuple[int | None, float]:
    """Its exit code, if it left in time, and its seconds, without what it had to wait for a core."""
    watch = Stopwatch(daemon.process.pid)
    for turn in range(how.signals):
        time.sleep(0.05 * turn)
        daemon.signal(signal.SIGTERM)
    while daemon.process.poll() is None and watch.seconds < how.drain_timeout + ALLOWANCE:
        time.sleep(0.02)
    return daemon.process.poll(), watch.seconds
