"""Takes from a process what the system has no more of, and gives it back."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


@contextmanager
def without_descriptors(pid: int) -> Iterator[None]:
    """For the length of the block the process may open nothing more: no file, no socket, no pipe."""
    there = Path(f"/proc/{pid}/fd")
    taken = {
        int(place.name) for place in list(there.iterdir()) if os.path.lexists(place)
    }  # but the one that listed them
    lowest_free = next(number for number in count() if number not in taken)
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        if Path(f"/proc/{pid}").exists():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
