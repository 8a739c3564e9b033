"""The artifact store as one attempt of one job may use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from cqworker.errors import ArtifactTooLarge
from cqworker.model.artifact_keys import artifact_key, producer_of
from cqworker.model.source_reference import resolve_source, source_refusal
from cqworker.plugins.job import PlainJob
from cqworker.ports import Artifacts, StoredObject

T = TypeVar("T")
READ_LIMIT = 33_554_432
"""Bytes that read() takes where no limit is given: 32 MiB, as much as an upload may have by default."""
TenantOf = Callable[[str], Awaitable[str | None]]
"""Whose the job of this id is; None where there is no such job."""


def size_refusal(what: str, size: int, largest: int) -> str:
    """Why something is not stored: `what` has `size` bytes, and no more than `largest` are ever served."""
    return f"{what} has {size:,} bytes; at most {largest:,} are kept, as many as can be fetched (http.max_upload)."


class JobArtifacts:
    """Reads what the operator allows or the tenant's jobs wrote, and writes below the job's own key; from any thread.

    `artifacts` lives on `loop`, and so does `tenant_of`, which says whose a job is; `sources` are the
    `s3://bucket/prefix` that jobs may read. `largest` is how many bytes write() takes: as many as are served.
    """

    def __init__(
        self,
        artifacts: Artifacts,
        job: PlainJob,
        *,
        sources: tuple[str, ...],
        tenant_of: TenantOf,
        loop: asyncio.AbstractEventLoop,
        largest: int = READ_LIMIT,
    ) -> None:
        self.largest = largest
        self._artifacts = artifacts
        self._job = job
        self._sources = sources
        self._tenant_of = tenant_of
        self._loop = loop
        self._written: dict[str, object] = {}

    async def read(self, source: str, limit: int = READ_LIMIT) -> StoredObject:
        """The object at a source, at most `limit` bytes.

        A source is `artifact:<id>` (an upload of the job's tenant), `s3://bucket/key` below an allowed place, or what
        write() returned to a job of the same tenant. Raises SourceRefused for any other, ArtifactMissing,
        ArtifactTooLarge, and Unavailable when the store does not answer.
        """
        return await self._on_store_loop(lambda: self._read(source, limit))

    async def write(
        self, data: bytes, *, name: str | None = None, extension: str | None = None, content_type: str
    ) -> str:
        """Stores something that the job made and returns its reference; other jobs of its tenant may read it.

        Either `name`, such as "report.csv": 1 to 100 letters, digits, dots, dashes and underscores; or `extension`, 1
        to 10 of a-z and 0-9, for what needs no name. The key holds round and attempt, so an attempt that lost its lease
        cannot overwrite the winner's object. Raises ValueError for another name, and for one that this attempt has
        written before; ArtifactTooLarge for more than `largest` bytes, which nobody could fetch; Unavailable when the
        store does not answer, and then the same may be written again.
        """
        if len(data) > self.largest:
            raise ArtifactTooLarge(size_refusal("The artifact", len(data), self.largest))
        key = self._reserve(name, extension)
        try:
            return await self._on_store_loop(lambda: self._artifacts.put(key, data, content_type))
        except BaseException:
            del self._written[key]
            raise

    def read_sync(self, source: str, limit: int = READ_LIMIT) -> StoredObject:
        """read() for a handler in a thread."""
        return self._wait_in_thread(lambda: self._read(source, limit))

    def write_sync(
        self, data: bytes, *, name: str | None = None, extension: str | None = None, content_type: str
    ) -> str:
        """write() for a handler in a thread."""
        return self._wait_in_thread(lambda: self.write(data, name=name, extension=extension, content_type=content_type))

    async def _read(self, source: str, limit: int) -> StoredObject:
        return await self._artifacts.get(await self._resolve(source), limit)

    async def _resolve(self, source: str) -> str:
        """The reference that a source stands for; raises SourceRefused, alike for another tenant's and for nobody's."""
        reference, maker = self._artifacts.reference, producer_of(source, self._artifacts.reference)
        if maker is None:
            return resolve_source(source, self._job.tenant, reference, self._sources)
        if maker != self._job.id and await self._tenant_of(maker) != self._job.tenant:
            raise source_refusal(source, "no job of this tenant wrote it, or the job's record is gone")
        return source

    def _reserve(self, name: str | None, extension: str | None) -> str:
        """The key, from now on this write's alone; threads of one handler may come here at once."""
        key, mine = artifact_key(self._job.id, f"{self._job.round}-{self._job.attempt}", name, extension), object()
        if self._written.setdefault(key, mine) is mine:
            return key
        if name is not None:
            raise ValueError(f"This attempt has written an artifact of the name {name!r} already; give each its own.")
        raise ValueError(
            f'This attempt has written an artifact with the extension "{extension}" already; '
            f'give the others names: write(..., name="second.{extension}").'
        )

    async def _on_store_loop(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs the call on the store's loop; cancelling the caller cancels it."""
        if asyncio.get_running_loop() is self._loop:
            return await call()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), self._loop))

    def _wait_in_thread(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(call(), self._loop).result()
        raise RuntimeError("read_sync() and write_sync() are for handlers in a thread; in async def, await read().")
