"""The artifact store as one attempt of one job may use it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import quote

from cqworker.model.source import resolve
from cqworker.plugins.job import PlainJob
from cqworker.ports import Artifacts, StoredObject

T = TypeVar("T")
READ_LIMIT = 33_554_432
"""Bytes that read() takes unless told otherwise: 32 MiB, as much as an upload may have."""
_EXTENSION = re.compile(r"[a-z0-9]{1,10}", re.ASCII)


class JobArtifacts:
    """Reads what the operator allows and writes below the job's own key, from any loop or thread.

    `artifacts` lives on `loop`; `sources` are the `s3://bucket/prefix` that jobs may read.
    """

    def __init__(
        self, artifacts: Artifacts, job: PlainJob, *, sources: tuple[str, ...], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._artifacts = artifacts
        self._job = job
        self._sources = sources
        self._loop = loop

    async def read(self, source: str, limit: int = READ_LIMIT) -> StoredObject:
        """The object at `artifact:<id>` (an upload of the job's tenant) or `s3://bucket/key`, at most `limit` bytes.

        Raises SourceRefused outside the configured sources, ArtifactMissing, ArtifactTooLarge, and Unavailable when
        the store does not answer.
        """
        reference = self._resolve(source)
        return await self._elsewhere(lambda: self._artifacts.get(reference, limit))

    async def write(self, data: bytes, *, extension: str, content_type: str) -> str:
        """Stores the job's output and returns its reference.

        The key names round and attempt, so an attempt that lost its lease cannot overwrite the winner's object; a
        second write with the same extension replaces the first. `extension` is 1 to 10 of a-z and 0-9.
        """
        key = self._key(extension)
        return await self._elsewhere(lambda: self._artifacts.put(key, data, content_type))

    def read_sync(self, source: str, limit: int = READ_LIMIT) -> StoredObject:
        """read() for a handler in a thread."""
        reference = self._resolve(source)
        return self._wait(lambda: self._artifacts.get(reference, limit))

    def write_sync(self, data: bytes, *, extension: str, content_type: str) -> str:
        """write() for a handler in a thread."""
        key = self._key(extension)
        return self._wait(lambda: self._artifacts.put(key, data, content_type))

    def _resolve(self, source: str) -> str:
        return resolve(source, self._job.tenant, self._artifacts.reference, self._sources)

    def _key(self, extension: str) -> str:
        if not _EXTENSION.fullmatch(extension):
            raise ValueError(f"extension takes 1 to 10 of a-z and 0-9, without a dot, not {extension!r}.")
        folder = quote(self._job.id, safe="").replace(".", "%2E")  # an id from elsewhere must not climb out of its key
        return f"{folder}/{self._job.round}-{self._job.attempt}.{extension}"

    async def _elsewhere(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs the call on the store's loop; cancelling the caller cancels it."""
        if asyncio.get_running_loop() is self._loop:
            return await call()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), self._loop))

    def _wait(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(call(), self._loop).result()
        raise RuntimeError("read_sync() and write_sync() are for handlers in a thread; in async def, await read().")
