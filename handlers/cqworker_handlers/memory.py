"""A bound on the memory that one piece of work may take, and on what it costs others where there is none left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def go_first() -> None:
    """Where memory runs out the kernel shall end this process, and not the worker that started it."""
    with suppress(OSError):  # not on every system, nor in every sandbox
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


@contextmanager
def bounded_memory(extra: int) -> Iterator[None]:
    """Lets the process grow by `extra` bytes of address space; beyond that, MemoryError.

    The soft limit is put back afterwards, for the process serves other work, too. Linux alone counts address space
    in a way that allows this; elsewhere nothing is bounded.
    """
    if sys.platform != "linux":
        yield
        return
    import resource  # not on every platform

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    wanted = pages * resource.getpagesize() + extra
    ceilings = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *ceilings]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
