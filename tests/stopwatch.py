"""A clock for what a promise gives so many seconds: it stands still while nobody could have gone on.

On a busy machine a process waits for a core, for which it cannot be blamed. The kernel counts that time for each thread
(sched-stats.rst: the second figure of /proc/<pid>/task/<tid>/schedstat, in ns); where it does not, all time counts.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path


class Stopwatch:
    """Runs from when it is made; this process's turns are waited for, and those of `pids`."""

    def __init__(self, *pids: int) -> None:
        self._pids = (os.getpid(), *pids)
        self._waited: defaultdict[int, float] = defaultdict(float)
        self._before = dict(self._waits())
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start, without what these processes have waited for a core; look before a process is gone."""
        now = time.monotonic()
        for thread, waited in self._waits():
            self._waited[thread] = waited - self._before.get(thread, 0.0)
        return max(0.0, now - self._began - sum(self._waited.values()))

    def _waits(self) -> Iterator[tuple[int, float]]:
        """What each thread has waited in its life, by its id."""
        for pid in self._pids:
            for thread in _threads(pid):
                try:
                    yield int(thread.name), int((thread / "schedstat").read_text().split()[1]) / 1e9
                except (OSError, IndexError):
                    continue


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
