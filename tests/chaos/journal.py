"""What handlers say they did: one line an event, one write a line, in a file that every process appends to."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VARIABLE = "CHAOS_JOURNAL"
ENDS = frozenset({"end", "raise", "stop", "fall"})
"""The last line of a run: it returned, it raised, it was cancelled, or it is about to end its own process."""

LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Line:
    """One event of one run: `at` is epoch ms, `mono` seconds of the clock that all processes share."""

    event: str
    job_id: str
    attempt: int
    run: str
    pid: int
    at: int
    mono: float


def note(event: str, job_id: str, attempt: int, run: str) -> None:
    """Appends a line; what was noted stays noted, however the process dies."""
    words = f"{event} {job_id} {attempt} {run} {os.getpid()} {time.time_ns() // 1_000_000} {time.monotonic():.6f}\n"
    os.write(_file(os.environ[VARIABLE]), words.encode())


def read_line(text: str) -> Line:
    event, job_id, attempt, run, pid, at, mono = text.split()
    return Line(event, job_id, int(attempt), run, int(pid), int(at), float(mono))


class Reader:
    """Follows a journal: each read brings what was written since the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.lines: list[Line] = []
        self._counts: Counter[str] = Counter()
        path.touch()

    def read(self) -> list[Line]:
        """The new lines; all of them are kept in `lines`."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        fresh = [read_line(text) for text in whole.decode().splitlines()]
        self.lines += fresh
        self._counts.update(line.event for line in fresh)
        return fresh

    def count(self, event: str) -> int:
        """How many of these events there are so far."""
        self.read()
        return self._counts[event]

    async def until(self, event: str, count: int, seconds: float) -> None:
        """Waits for the count-th such event, or TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.count(event) < count:  # noqa: ASYNC110 - other processes write it
                await asyncio.sleep(LOOK_EVERY)


@cache
def _file(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
