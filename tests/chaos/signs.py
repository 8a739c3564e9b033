"""A process's vital signs over time: memory, file descriptors, threads, tasks; and whether they grow."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Signs:
    """One look: seconds since the start, jobs done so far, resident megabytes, and three counts."""

    at: float
    jobs: int
    rss: float
    fds: int
    threads: int
    tasks: int

    def __str__(self) -> str:
        return (
            f"{self.at:6.0f} s  {self.jobs:7d} jobs  RSS {self.rss:6.1f} MB  {self.fds:3d} fds  "
            f"{self.threads:3d} threads  {self.tasks:4d} tasks"
        )


def look(pid: int, at: float, jobs: int, census: Path) -> Signs:
    """Reads /proc; the census file holds the number of tasks."""
    process = Path("/proc") / str(pid)
    status = dict(line.split(":", 1) for line in process.joinpath("status").read_text().splitlines())
    return Signs(
        at=at,
        jobs=jobs,
        rss=int(status["VmRSS"].split()[0]) / 1024,
        fds=len(list(process.joinpath("fd").iterdir())),
        threads=int(status["Threads"]),
        tasks=int(census.read_text() or 0) if census.exists() else 0,
    )


def slope(looks: Sequence[Signs]) -> float:
    """Megabytes of resident memory gained per 1,000 jobs, by least squares; 0 where no job was done."""
    if len(looks) < 2 or looks[0].jobs == looks[-1].jobs:
        return 0.0
    gained, _ = statistics.linear_regression([look.jobs for look in looks], [look.rss for look in looks])
    return float(gained) * 1_000


def growth(looks: Sequence[Signs], name: str) -> float:
    """How much higher a count stands in the last third than in the first (medians)."""
    third = max(1, len(looks) // 3)
    early, late = ([getattr(look, name) for look in part] for part in (looks[:third], looks[-third:]))
    return float(statistics.median(late) - statistics.median(early))
