"""Has bodies parsed: small ones here, those that may take long in a child process with a lock of its own."""

from __future__ import annotations

import asyncio

from aiohttp import web

from cqworker.children.calls import call
from cqworker.children.child_pool import ChildPool
from cqworker.children.resource_limits import MEBIBYTE
from cqworker.errors import ProcessDied, ProcessNotStarted, ProcessTimeout
from cqworker.jobs.intake import Read, Sender, read_batch, read_one
from cqworker.plugins.handler import processor_count
from cqworker.plugins.payload import is_light
from cqworker.plugins.registry import Registry
from cqworker.web.fair_queue import FairQueue
from cqworker.web.parse_in_child import MEMORY_MIB, Reader, Result, read_in_child
from cqworker.web.problems import Problem, ProblemKind

MAX_PROCESSES = 2
"""Child processes that parse at one time, at most one for each processor."""
CPU_TIME = 2.0
"""Seconds of processor time for a body, and as many again for each megabyte: ten times what a good one takes."""
PARSE_TIMEOUT = 60.0
"""Seconds for one body with the start of its process, which imports the handlers that it needs."""


class ParseOffload:
    """Parses bodies without blocking the loop it is called on; tenants with large ones take turns."""

    def __init__(self, registry: Registry, most: int | None = None) -> None:
        most = most or min(MAX_PROCESSES, processor_count())
        self._queue = FairQueue(most)
        self._children = ChildPool(most)
        self._registry = registry
        self._origins = {name: handler.origin for name, handler in registry.handlers.items()}

    async def parse_one(self, body: bytes, sender: Sender) -> Read:
        """The job in a body, as intake.read_one() reads it: a light body here, any other in a child process.

        Raises NotStrictJson, and Problem where reading takes too much or there is no process.
        """
        return await self._read(read_one, body, sender)

    async def parse_batch(self, body: bytes, sender: Sender) -> list[Read]:
        """The jobs in a body, as intake.read_batch() reads them: a light body here, any other in a child process.

        Raises NotStrictJson, InvalidFields where it is no batch, and Problem as `parse_one` does.
        """
        return await self._read(read_batch, body, sender)

    async def close(self) -> None:
        """Ends the processes, whatever they do."""
        await self._children.close()

    async def _read(self, read: Reader[Result], body: bytes, sender: Sender) -> Result:
        if is_light(body):
            return read(body, sender, self._registry.get)
        async with self._queue.turn(sender.tenant):
            return await self._read_in_child(read, body, sender)

    async def _read_in_child(self, read: Reader[Result], body: bytes, sender: Sender) -> Result:
        seconds = CPU_TIME * (1 + len(body) / MEBIBYTE)
        try:
            async with asyncio.timeout(PARSE_TIMEOUT):
                return await call(self._children, read_in_child, read, body, sender, self._origins, seconds)
        except (ProcessTimeout, ProcessDied, MemoryError):
            detail = f"Reading this body takes more than {seconds:.0f} s or {MEMORY_MIB} MiB. Send smaller parts."
            raise Problem(ProblemKind.TOO_LARGE, detail) from None
        except (ProcessNotStarted, TimeoutError):
            raise Problem(
                ProblemKind.CROWDED, "There is no process to read so large a body. Try again later."
            ) from None


PARSE_OFFLOAD = web.AppKey("readers", ParseOffload)
