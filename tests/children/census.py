"""Counts what children leave behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.patience import Patience


def descriptors() -> set[str]:
    """The open descriptors of this process."""
    return {entry.name for entry in Path("/dev/fd").iterdir()}


def offspring() -> set[int]:
    """The processes that this one has started and not reaped, zombies included."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(int(entry.name))
    return found


def is_there(pid: int) -> bool:
    """Whether there is such a process, if only one that nobody waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(holds: Callable[[], object], seconds: float = 20) -> None:
    """Returns once it holds; for what happens in other processes."""
    waiting = Patience(seconds)
    while not holds():
        assert not waiting.is_over, "waited in vain"
        time.sleep(0.01)


def told(path: Path) -> int:
    """The process that tell_and_sleep() runs in, once it does."""
    wait_for(lambda: path.exists() and path.read_text(encoding="ascii").endswith("."))
    return int(path.read_text(encoding="ascii").removesuffix("."))
