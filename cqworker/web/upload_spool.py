"""Where an artifact lies between a client and S3: in memory while it is small, in an unnamed temporary file beyond."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from io import FileIO
from threading import Lock
from typing import BinaryIO, TypeVar, cast

from aiohttp import web

from cqworker.web.buffer_quota import Allowance, Claim, NoRoom

IN_MEMORY = 131_072
"""Bytes of one that are in memory: those that no file has yet."""
AT_ONCE = 262_144
"""Bytes that are read of a file at once."""
WRITERS = 4
"""Threads that write and read: a disk that stalls must not stop the leases, nor the look-ups of names."""
WITHOUT_DISK = 67_108_864
"""Bytes in all where there is no folder for temporary files."""
Result = TypeVar("Result")


class Spools:
    """All that is on its way; `files` may be open at once."""

    def __init__(self, limit: int, files: int, least_rate: float) -> None:
        self.folder: str | None = _folder()
        limit = limit if self.folder is not None else min(limit, WITHOUT_DISK)
        self.allowance: Allowance = Allowance(limit, files, least_rate)
        self._threads = ThreadPoolExecutor(WRITERS, "spool")

    @asynccontextmanager
    async def spool(
        self, owner: str, let_go: Callable[[], None], progress: Callable[[], int] | None = None
    ) -> AsyncIterator[Spool]:
        """One for the block. `let_go` ends what it is for when its room is needed."""
        spool = Spool(self)
        spool.claim = self.allowance.claim(owner, let_go, progress or (lambda: spool.size))
        try:
            yield spool
        finally:
            self.allowance.drop(spool.claim)
            self._dispose(spool)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Works on a file; raises NoRoom where the disk does not take or give it."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            why = error.strerror or str(error)
            cure = "The operator has to make room there, or name another folder in TMPDIR."
            raise NoRoom(f"What is on its way cannot be kept below {self.folder}: {why}. {cure}") from None

    def close(self) -> None:
        """Nothing new is taken; what was begun is done."""
        self._threads.shutdown(wait=False)

    def _dispose(self, spool: Spool) -> None:
        """In a thread, for to give back a file's blocks takes its time."""
        try:
            self._threads.submit(spool.close)
        except RuntimeError:  # they are closed already
            spool.close()


class Spool:
    """Takes bytes, and gives them back once all have come."""

    claim: Claim

    def __init__(self, spools: Spools) -> None:
        self._spools = spools
        self._fresh = bytearray()
        self._in_file = False
        self._file: FileIO | None = None
        self._is_closed = False
        self._lock = Lock()
        self.size: int = 0

    async def write(self, piece: bytes) -> None:
        """Keeps it; raises NoRoom."""
        self.size += len(piece)
        self._spools.allowance.grow(self.claim, len(piece))
        self._fresh += piece
        if len(self._fresh) > IN_MEMORY and self._spools.folder is not None:
            await self._flush()

    def waits(self) -> None:
        """From now on it waits for its client, and may lose its room."""
        self.claim.is_waiting, self.claim.since = True, self._spools.allowance.now()

    async def whole(self) -> bytes | BinaryIO:
        """All of it: as bytes where it is small, else as a file that stands at its beginning."""
        if not self._in_file:
            return bytes(self._fresh)
        await self._flush()
        return await self._spools.run(self._rewound)

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, piece by piece."""
        whole = await self.whole()
        if isinstance(whole, bytes):
            yield whole
            return
        while piece := await self._spools.run(partial(whole.read, AT_ONCE)):
            yield piece

    def close(self) -> None:
        """Gives the file back."""
        with self._lock:
            self._is_closed = True
            if self._file is not None:
                self._file.close()

    async def _flush(self) -> None:
        if not self._in_file:
            self._spools.allowance.take_place(self.claim)
            self._in_file = True
        fresh, self._fresh = self._fresh, bytearray()
        await self._spools.run(partial(self._append, fresh))

    def _append(self, data: bytearray) -> None:
        """In a thread, and perhaps after whoever asked for it has gone."""
        with self._lock:
            if self._is_closed:
                return
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - close() closes it
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]

    def _rewound(self) -> BinaryIO:
        file = cast(BinaryIO, self._file)
        file.seek(0)
        return file


def _folder() -> str | None:
    """Where temporary files go; None where nowhere."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        return None
    return folder if os.access(folder, os.W_OK) else None


SPOOLS = web.AppKey("spools", Spools)
