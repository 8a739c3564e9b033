"""What one call may use of the machine: memory and processor time, and who is killed first where memory runs out."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEBIBYTE = 1_048_576
"""Bytes of one MiB."""
OOM_SCORE = "1000"
"""The highest oom_score_adj: the kernel ends this process first (proc(5))."""


def prefer_for_oom_kill() -> None:
    """Makes the kernel, when memory runs out, kill this process, which has one job, before the worker with many."""
    with suppress(OSError):  # not on every system, nor in every sandbox
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")


@contextmanager
def limit_memory(limit: int | None) -> Iterator[None]:
    """Lets this process grow by `limit` MiB of address space; raises MemoryError, with that number, beyond them.

    The bound is taken back afterwards, for the process serves other handlers, too. Linux alone counts address space in
    a way that allows this; elsewhere nothing is bounded, and nothing is where `limit` is None.
    """
    if limit is None or sys.platform != "linux":
        yield
        return
    try:
        with _limit_address_space(limit * MEBIBYTE):
            yield
    except MemoryError as error:
        words = f"The handler needed more than the {limit} MiB of memory that it may have."
        raise MemoryError(f"{words} {error}".strip()) from error


@contextmanager
def _limit_address_space(extra: int) -> Iterator[None]:
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


@contextmanager
def limit_cpu(seconds: float | None) -> Iterator[None]:
    """Ends this process by SIGXCPU once it has used so much more processor time, rounded up to whole seconds.

    Code in C is ended, too, and leaves no core: the memory of a process that was too slow tells nothing. The bound is
    taken back afterwards; None bounds nothing.
    """
    if seconds is None:
        yield
        return
    import resource  # not on every platform

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    core = resource.getrlimit(resource.RLIMIT_CORE)
    wanted = math.ceil(used.ru_utime + used.ru_stime + seconds)
    ceilings = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_CORE, (0, core[1]))
    resource.setrlimit(resource.RLIMIT_CPU, (min([wanted, *ceilings]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        resource.setrlimit(resource.RLIMIT_CORE, core)
