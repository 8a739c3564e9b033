"""How much memory a handler's process may take, and who goes first where the machine has none left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cqworker.plugins.wording import words_of

MEBIBYTE = 1_048_576
FIRST_OF_ALL = "1000"


def go_first() -> None:
    """Where memory runs out the kernel shall end this process, which has one job, before the worker, which has many."""
    with suppress(OSError):  # not on every system, nor in every sandbox
        Path("/proc/self/oom_score_adj").write_text(FIRST_OF_ALL, encoding="ascii")


@contextmanager
def bounded_memory(limit: int | None) -> Iterator[None]:
    """Lets this process grow by `limit` MiB of address space; raises MemoryError, with that number, beyond them.

    The bound is taken back afterwards, for the process serves other handlers, too. Linux alone counts address space in
    a way that allows this; elsewhere nothing is bounded, and nothing is where `limit` is None.
    """
    if limit is None or sys.platform != "linux":
        yield
        return
    try:
        with _address_space(limit * MEBIBYTE):
            yield
    except MemoryError as error:
        words = f"The handler needed more than the {limit} MiB of memory that it may have."
        raise MemoryError(f"{words} {words_of(error)}".strip()) from error


@contextmanager
def _address_space(extra: int) -> Iterator[None]:
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
