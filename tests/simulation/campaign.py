"""Many seeds in several processes, and what they add up to."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.mutants import MUTANTS, mutated
from tests.simulation.profile import profile_of
from tests.simulation.run import MISHAP, Report, simulate
from tests.simulation.witness import BUG

CHUNK = 10
RARE = 50
"""One in so many seeds, at least, can show a mutant."""


@dataclass(slots=True)
class Totals:
    """The sum of many reports; `failed` are those with violations."""

    seeds: int = 0
    seconds: float = 0.0
    steps: int = 0
    jobs: int = 0
    starts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    failed: list[Report] = field(default_factory=list)

    def add(self, report: Report) -> None:
        self.seeds += 1
        self.seconds += report.seconds
        self.steps += report.steps
        self.jobs += report.jobs
        self.starts += report.starts
        self.faults += report.faults
        self.endings += report.endings
        if report.violations:
            self.failed.append(report)

    def lines(self, wall: float) -> Iterator[str]:
        """The table that the command prints; `wall` in seconds."""
        yield f"seeds       {self.seeds:>12,}"
        yield f"simulated   {self.seconds / 3600:>12,.1f} h in {wall:.0f} s ({self.steps:,} turns)"
        yield f"jobs        {self.jobs:>12,}   starts {self.starts:,}"
        yield "endings     " + ", ".join(f"{count:,} {kind}" for kind, count in self.endings.most_common())
        yield f"faults      {self.faults.total():>12,}"
        for kind, count in self.faults.most_common():
            yield f"  {kind:<22} {count:>12,}"
        yield f"violations  {sum(len(report.violations) for report in self.failed):>12,}"


def campaign(seeds: Iterable[int], jobs: int) -> Iterator[Report]:
    """A report for each seed, as they come in."""
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(simulate, seeds, chunksize=CHUNK)


@dataclass(frozen=True, slots=True)
class Catch:
    """How a mutant was found out: by which seed, after how many seeds, and what for.

    `seed` None: it was not, and `violation` is what it raised, if it did.
    """

    seed: int | None
    tried: int
    violation: str
    seconds: float


def hunt(name: str, most: int, start: int = 1) -> Catch:
    """Looks for the first seed that tells this mutant from the right protocol, in at most so many that can show it.

    A mutant that merely raises is not found out by that: a promise has to be broken.
    """
    began = time.monotonic()
    fitting = (seed for seed in range(start, start + RARE * most) if MUTANTS[name].shows_in(profile_of(seed)))
    tried, mishap = 0, ""
    for tried, seed in enumerate(itertools.islice(fitting, most), 1):
        with mutated(name):
            report = simulate(seed, hasty=True)
        told = [violation for violation in report.violations if BUG not in violation and MISHAP not in violation]
        if told:
            return Catch(seed, tried, told[0], time.monotonic() - began)
        mishap = mishap or next(iter(report.violations), "")
    return Catch(None, tried, mishap, time.monotonic() - began)


def hunts(most: int, jobs: int) -> Iterator[tuple[str, Catch]]:
    """Every mutant's hunt."""
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from zip(MUTANTS, pool.imap(partial(hunt, most=most), MUTANTS), strict=True)
