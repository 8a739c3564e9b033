"""The child process that a job may have beside its handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

from cqworker.children.calls import call
from cqworker.children.child_pool import ChildPool

T = TypeVar("T")


class JobChild(Struct, eq=False):
    """The child process of one job: runs functions in it, one at a time.

    A worker may have as many children as it has slots: so no job waits for one within its own timeout.
    """

    children: ChildPool
    lock: asyncio.Lock | None = None
    """Made with the first call: most jobs have no child."""

    async def run(
        self,
        function: Callable[..., T],
        args: tuple[Any, ...],
        *,
        memory: int | None,
        timeout: float | None,
        cpu_time: float | None,
    ) -> T:
        """As Job.run_in_process() describes it: `memory` in MiB, `timeout` and `cpu_time` in seconds.

        Raises ValueError for what makes no limit, and else what that says.
        """
        if memory is not None and (type(memory) is not int or memory < 1):
            raise ValueError(f"memory takes None or a whole number of MiB from 1, not {memory!r}.")
        for name, seconds in (("timeout", timeout), ("cpu_time", cpu_time)):
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name} takes None or seconds above 0, not {seconds!r}.")
        if self.lock is None:
            self.lock = asyncio.Lock()
        async with self.lock:
            return await call(self.children, function, *args, memory=memory, timeout=timeout, cpu_time=cpu_time)
