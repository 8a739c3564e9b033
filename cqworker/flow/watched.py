"""The ports as the daemon uses them: every call's result is remembered for readiness."""

from __future__ import annotations

from collections.abc import Sequence

from cqworker.errors import CqworkerError, Unavailable
from cqworker.flow.health import ARTIFACTS, STORE, Health, queue_service
from cqworker.model.changes import Change, Refused, Written
from cqworker.model.record import JobRecord
from cqworker.ports import Artifacts, Delivery, Depth, EntryFault, JobQueue, JobStore, KeyItem, Letter, StoredObject


class WatchedQueue:
    """A queue whose health is remembered."""

    def __init__(self, queue: JobQueue, health: Health) -> None:
        self._queue = queue
        self._health = health
        self._service = queue_service(queue.name)

    @property
    def name(self) -> str:
        return self._queue.name

    async def send(self, letter: Letter) -> None:
        with self._health.watching(self._service, "sending a message"):
            await self._queue.send(letter)

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        with self._health.watching(self._service, "sending messages"):
            answers = await self._queue.send_many(letters)
        for fault in answers:
            if isinstance(fault, Unavailable):
                self._health.failed(self._service, "sending a message", fault)
        return answers

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        with self._health.watching(self._service, "receiving messages"):
            return await self._queue.receive(limit, wait, visibility)

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        with self._health.watching(self._service, "deleting messages"):
            return await self._queue.delete(receipts)

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        with self._health.watching(self._service, "changing visibility"):
            return await self._queue.change_visibility(changes)

    async def depth(self) -> Depth:
        with self._health.watching(self._service, "reading its depth"):
            return await self._queue.depth()


class WatchedStore:
    """A job store whose health is remembered."""

    def __init__(self, store: JobStore, health: Health) -> None:
        self._store = store
        self._health = health

    async def get(self, job_id: str) -> JobRecord | None:
        with self._health.watching(STORE, "reading a job"):
            return await self._store.get(job_id)

    async def write(self, change: Change) -> Written | Refused:
        try:  # as `watching` does it, without the cost of a context manager: there are two of these a job
            answer = await self._store.write(change)
        except Unavailable as error:
            self._health.failed(STORE, "writing a job", error)
            raise
        self._health.answered(STORE)
        return answer

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        with self._health.watching(STORE, "reserving an idempotency key"):
            return await self._store.reserve_key(key, now)

    async def check(self) -> None:
        with self._health.watching(STORE, "checking it"):
            await self._store.check()


class WatchedArtifacts:
    """An artifact store whose health is remembered."""

    def __init__(self, artifacts: Artifacts, health: Health) -> None:
        self._artifacts = artifacts
        self._health = health

    def reference(self, key: str) -> str:
        return self._artifacts.reference(key)

    async def put(self, key: str, data: bytes, content_type: str) -> str:
        with self._health.watching(ARTIFACTS, "storing an object"):
            return await self._artifacts.put(key, data, content_type)

    async def get(self, reference: str, limit: int) -> StoredObject:
        return await self._artifacts.get(reference, limit)

    async def check(self) -> None:
        with self._health.watching(ARTIFACTS, "checking it"):
            await self._artifacts.check()
