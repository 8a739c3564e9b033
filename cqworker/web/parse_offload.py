"""Where bodies are read: what is small here, what may take long in a child process, whose lock is not ours."""

from __future__ import annotations

import asyncio

from aiohttp import web

from cqworker.children.calls import call
from cqworker.children.child_pool import Children
from cqworker.children.resource_limits import MEBIBYTE
from cqworker.errors import ProcessDied, ProcessNotStarted, ProcessTimeout
from cqworker.plugins.handler import processors
from cqworker.plugins.payload import is_light
from cqworker.plugins.registry import Registry
from cqworker.web.fair_queue import Turns
from cqworker.web.job_parser import Entry, Said, read_batch, read_one
from cqworker.web.parse_in_child import MEMORY, Read, Reading, read_in_child
from cqworker.web.problems import Kind, Problem

MOST = 2
"""Bodies that are read at one time, at most one for each processor."""
CPU_TIME = 2.0
"""Seconds of processor time for a body, and as many again for each megabyte: ten times what a good one takes."""
PATIENCE = 60.0
"""Seconds for one body with the start of a process, which imports the handlers that it needs."""


class Readers:
    """Reads bodies without holding up the loop it is called on: tenants with long ones take turns."""

    def __init__(self, registry: Registry, most: int | None = None) -> None:
        most = most or min(MOST, processors())
        self._turns = Turns(most)
        self._children = Children(most)
        self._registry = registry
        self._origins = {name: handler.origin for name, handler in registry.handlers.items()}

    async def one(self, body: bytes, said: Said) -> Entry:
        """As read_one(); raises Problem."""
        return await self._read(read_one, body, said)

    async def batch(self, body: bytes, said: Said) -> list[Entry | Problem]:
        """As read_batch(); raises Problem."""
        return await self._read(read_batch, body, said)

    async def close(self) -> None:
        """Ends the processes, whatever they are at."""
        await self._children.close()

    async def _read(self, read: Reading[Read], body: bytes, said: Said) -> Read:
        if is_light(body):
            return read(body, said, self._registry.get)
        async with self._turns.turn(said.tenant):
            return await self._elsewhere(read, body, said)

    async def _elsewhere(self, read: Reading[Read], body: bytes, said: Said) -> Read:
        seconds = CPU_TIME * (1 + len(body) / MEBIBYTE)
        try:
            async with asyncio.timeout(PATIENCE):
                return await call(self._children, read_in_child, read, body, said, self._origins, seconds)
        except (ProcessTimeout, ProcessDied, MemoryError):
            detail = f"Reading this body takes more than {seconds:.0f} s or {MEMORY} MiB. Send smaller parts."
            raise Problem(Kind.TOO_LARGE, detail) from None
        except (ProcessNotStarted, TimeoutError):
            raise Problem(Kind.CROWDED, "There is no process to read so large a body. Try again later.") from None


READERS = web.AppKey("readers", Readers)
