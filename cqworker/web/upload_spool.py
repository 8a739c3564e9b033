"""Where an artifact is kept between a client and S3: in memory while it is small, else in an unnamed temporary file."""

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

from cqworker.web.buffer_quota import BufferClaim, BufferFull, BufferQuota

MEMORY_BYTES = 131_072
"""Bytes of one artifact that are in memory before they go to its file."""
READ_BYTES = 262_144
"""Bytes that are read of a file at once (256 KiB)."""
THREADS = 4
"""Threads that write and read files: a disk that stalls must stop neither leases nor DNS look-ups."""
MAX_WITHOUT_DISK = 67_108_864
"""Bytes of all artifacts where there is no folder for temporary files, so that they are in memory (64 MiB)."""
Result = TypeVar("Result")


class UploadSpools:
    """The artifacts on their way: at most `limit` bytes, and `files` open files."""

    def __init__(self, limit: int, files: int, least_rate: float) -> None:
        self.folder: str | None = _folder()
        limit = limit if self.folder is not None else min(limit, MAX_WITHOUT_DISK)
        self.quota: BufferQuota = BufferQuota(limit, files, least_rate)
        self._threads = ThreadPoolExecutor(THREADS, "spool")

    @asynccontextmanager
    async def spool(
        self, owner: str, release: Callable[[], None], progress: Callable[[], int] | None = None
    ) -> AsyncIterator[UploadSpool]:
        """A spool for the block; `release` ends its request when its room is needed."""
        spool = UploadSpool(self)
        spool.claim = self.quota.claim(owner, release, progress or (lambda: spool.size))
        try:
            yield spool
        finally:
            self.quota.drop(spool.claim)
            self._dispose(spool)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Works on a file in a thread. Raises BufferFull where the disk fails."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            why = error.strerror or str(error)
            cure = "The operator has to make room there, or name another folder in TMPDIR."
            raise BufferFull(f"What is on its way cannot be kept below {self.folder}: {why}. {cure}") from None

    def close(self) -> None:
        """Takes no more work; what was begun is finished."""
        self._threads.shutdown(wait=False)

    def _dispose(self, spool: UploadSpool) -> None:
        """In a thread: to free a file's blocks takes time."""
        try:
            self._threads.submit(spool.close)
        except RuntimeError:  # they are closed already
            spool.close()


class UploadSpool:
    """Takes an artifact's bytes, and gives them back once all have come."""

    claim: BufferClaim

    def __init__(self, spools: UploadSpools) -> None:
        self._spools = spools
        self._fresh = bytearray()
        self._in_file = False
        self._file: FileIO | None = None
        self._is_closed = False
        self._lock = Lock()
        self.size: int = 0

    async def write(self, piece: bytes) -> None:
        """Keeps the piece. Raises BufferFull."""
        self.size += len(piece)
        self._spools.quota.grow(self.claim, len(piece))
        self._fresh += piece
        if len(self._fresh) > MEMORY_BYTES and self._spools.folder is not None:
            await self._flush()

    def mark_waiting(self) -> None:
        """Marks it as waiting for its client from now on: it may lose its room."""
        self.claim.is_waiting, self.claim.since = True, self._spools.quota.now()

    async def whole(self) -> bytes | BinaryIO:
        """The artifact: as bytes where it is small, else as a file at its beginning."""
        if not self._in_file:
            return bytes(self._fresh)
        await self._flush()
        return await self._spools.run(self._rewind)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The artifact, piece by piece."""
        whole = await self.whole()
        if isinstance(whole, bytes):
            yield whole
            return
        while piece := await self._spools.run(partial(whole.read, READ_BYTES)):
            yield piece

    def close(self) -> None:
        """Closes the file, which deletes it."""
        with self._lock:
            self._is_closed = True
            if self._file is not None:
                self._file.close()

    async def _flush(self) -> None:
        if not self._in_file:
            self._spools.quota.take_place(self.claim)
            self._in_file = True
        fresh, self._fresh = self._fresh, bytearray()
        await self._spools.run(partial(self._append, fresh))

    def _append(self, data: bytearray) -> None:
        """Runs in a thread, perhaps after its request has ended."""
        with self._lock:
            if self._is_closed:
                return
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - close() closes it
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]

    def _rewind(self) -> BinaryIO:
        file = cast(BinaryIO, self._file)
        file.seek(0)
        return file


def _folder() -> str | None:
    """The folder of temporary files; None where no file can be written."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        return None
    return folder if os.access(folder, os.W_OK) else None


SPOOLS = web.AppKey("spools", UploadSpools)
