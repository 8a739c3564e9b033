"""What a process and its children use, as Linux counts it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
NS_PER_SECOND = 1e9
KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds (user and system) of all threads alive, and resident megabytes, of a tree of processes."""

    cpu: float
    rss: float


def usage(pid: int) -> Usage:
    """The usage of this process and of everything it started."""
    cpu = rss = 0.0
    for each in tree(pid):
        with contextlib.suppress(OSError):  # it may end while we look
            cpu += sum(_on_cpu(thread) for thread in (PROC / str(each) / "task").iterdir())
            rss += _resident(each)
    return Usage(cpu, rss)


def tree(pid: int) -> Iterator[int]:
    """The process and its children, and theirs (proc(5), /proc/[pid]/task/[tid]/children)."""
    yield pid
    with contextlib.suppress(OSError):
        for thread in (PROC / str(pid) / "task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from tree(int(child))


def _on_cpu(thread: Path) -> float:
    """Nanoseconds spent on a CPU (Linux, Documentation/scheduler/sched-stats): exact where ticks are 10 ms."""
    try:
        return int((thread / "schedstat").read_text().split()[0]) / NS_PER_SECOND
    except OSError:
        return 0.0


def _resident(pid: int) -> float:
    status = (PROC / str(pid) / "status").read_text()
    line = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) / KIB_PER_MIB
