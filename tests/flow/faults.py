"""Ports between a host and the world that take time, lose answers, refuse, hang or die, as a story asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, BinaryIO, TypeVar

from cqworker.errors import CqworkerError, RecordUnreadable, Unavailable
from cqworker.model.record import JobRecord
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import (
    Artifacts,
    Delivery,
    Depth,
    EntryFault,
    JobQueue,
    JobStore,
    KeyItem,
    Letter,
    StoredObject,
    WriteChunk,
)
from cqworker.ports.schedule import DueEntry, Schedule, SweepLease

T = TypeVar("T")
Mishap = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
LATENCY = 0.002


def unavailable(*, ambiguous: bool) -> Unavailable:
    return Unavailable("service", "It did not answer.", "Wait.", ambiguous=ambiguous)


async def denied(_apply: Callable[[], Awaitable[T]]) -> T:
    """It is not done: the role may not."""
    raise Unavailable("service", "The role may not.", "Allow it.", concerns="right")


async def unreadable(_apply: Callable[[], Awaitable[T]]) -> T:
    """The record that stands there is a newer version's."""
    raise RecordUnreadable("service", "It cannot be read.", "Upgrade.", ambiguous=True)


async def unanswered(apply: Callable[[], Awaitable[T]]) -> T:
    """It is done, and the answer is lost."""
    await apply()
    raise unavailable(ambiguous=True)


async def repeated(apply: Callable[[], Awaitable[T]]) -> T:
    """It is done, the answer is lost on the way, and the client asks once more."""
    await apply()
    return await apply()


async def unheard(_apply: Callable[[], Awaitable[T]]) -> T:
    """It is not done, and nobody can tell."""
    raise unavailable(ambiguous=True)


async def refused(_apply: Callable[[], Awaitable[T]]) -> T:
    """It is certainly not done: a throttle, no connection."""
    raise unavailable(ambiguous=False)


def slow(seconds: float) -> Mishap:
    """It is done at once and answered after so many seconds."""

    async def take_time(apply: Callable[[], Awaitable[Any]]) -> Any:
        answer = await apply()
        await asyncio.sleep(seconds)
        return answer

    return take_time


def late(seconds: float) -> Mishap:
    """It lies about for so many seconds before it is done."""

    async def lie_about(apply: Callable[[], Awaitable[Any]]) -> Any:
        await asyncio.sleep(seconds)
        return await apply()

    return lie_about


def last(act: Callable[[], None]) -> Mishap:
    """It is done, then `act` ends the host; there is no answer for the dead."""

    async def die(apply: Callable[[], Awaitable[Any]]) -> Any:
        await apply()
        act()
        await asyncio.get_running_loop().create_future()

    return die


def never(act: Callable[[], None]) -> Mishap:
    """`act` ends the host before it is done."""

    async def die(_apply: Callable[[], Awaitable[Any]]) -> Any:
        act()
        await asyncio.get_running_loop().create_future()

    return die


class Mishaps:
    """What goes wrong, by the name of the call or the change; each mishap happens so many times, in order."""

    def __init__(self) -> None:
        self.away: Mishap | None = None
        self.calls: list[str] = []
        self.latency: Callable[[], float] = lambda: LATENCY
        self.chance: Callable[[str], Mishap | None] = lambda _: None
        self._coming: dict[str, list[Mishap]] = {}

    def on(self, what: str | type[Change], mishap: Mishap, times: int = 1) -> None:
        name = what if isinstance(what, str) else what.__name__
        self._coming.setdefault(name, []).extend([mishap] * times)

    def granted(self) -> None:
        """Nothing that was to come goes wrong any more."""
        self._coming.clear()

    async def meet(self, name: str, apply: Callable[[], Awaitable[T]]) -> T:
        self.calls.append(name)
        await asyncio.sleep(self.latency())
        coming = self._coming.get(name)
        mishap = coming.pop(0) if coming else self.away or self.chance(name)
        answer: T = await (mishap(apply) if mishap else apply())
        await asyncio.sleep(self.latency())
        return answer


class FaultyStore(Mishaps):
    """A job store at the end of a bad line; a write is named by its change."""

    def __init__(self, store: JobStore) -> None:
        super().__init__()
        self._store = store

    async def get(self, job_id: str) -> JobRecord | None:
        return await self.meet("get", lambda: self._store.get(job_id))

    async def write(self, change: Change) -> Written | Refused:
        return await self.meet(type(change).__name__, lambda: self._store.write(change))

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        return await self.meet("reserve_key", lambda: self._store.reserve_key(key, now))

    async def check(self) -> None:
        await self.meet("check", self._store.check)

    async def check_writing(self) -> None:
        await self.meet("check_writing", self._store.check_writing)


class FaultySchedule:
    """The index of due jobs at the end of the same bad line as its table."""

    def __init__(self, schedule: Schedule, line: Mishaps) -> None:
        self._schedule = schedule
        self.meet = line.meet

    async def is_ready(self) -> bool:
        return await self.meet("is_ready", self._schedule.is_ready)

    async def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None = None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        return await self.meet("due", lambda: self._schedule.due(shard, until, limit, after))

    async def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        return await self.meet("read_many", lambda: self._schedule.read_many(job_ids))

    async def sweep_leases(self) -> Sequence[SweepLease]:
        return await self.meet("sweep_leases", self._schedule.sweep_leases)

    async def take_sweep_lease(self, lease: SweepLease, now: int) -> bool:
        return await self.meet("take_sweep_lease", lambda: self._schedule.take_sweep_lease(lease, now))

    async def give_up_sweep_lease(self, shard: str, holder: str) -> None:
        await self.meet("give_up_sweep_lease", lambda: self._schedule.give_up_sweep_lease(shard, holder))


class FaultyQueue(Mishaps):
    """A queue at the end of a bad line; `faults` are entries of the next batches that fail, by their reason."""

    def __init__(self, queue: JobQueue) -> None:
        super().__init__()
        self._queue = queue
        self.faults: list[tuple[str, bool]] = []

    @property
    def name(self) -> str:
        return self._queue.name

    async def send(self, letter: Letter) -> None:
        await self.meet("send", lambda: self._queue.send(letter))

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        return await self.meet("send_many", lambda: self._queue.send_many(letters))

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        return await self.meet("receive", lambda: self._queue.receive(limit, wait, visibility))

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        return await self.meet("delete", lambda: self._partly(receipts, lambda r: r, self._queue.delete))

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        change = self._queue.change_visibility
        return await self.meet("change_visibility", lambda: self._partly(changes, lambda entry: entry[0], change))

    async def depth(self) -> Depth:
        return await self.meet("depth", self._queue.depth)

    async def _partly(
        self,
        entries: Sequence[T],
        receipt_of: Callable[[T], str],
        request: Callable[[Sequence[T]], Awaitable[Sequence[EntryFault]]],
    ) -> Sequence[EntryFault]:
        """The first entries of the batch fail as the story says, the rest is done."""
        failing, self.faults = self.faults[: len(entries)], self.faults[len(entries) :]
        faults = [
            EntryFault(receipt_of(entry), reason, gone) for entry, (reason, gone) in zip(entries, failing, strict=False)
        ]
        rest = entries[len(failing) :]
        return [*faults, *(await request(rest) if rest else ())]


class FaultyArtifacts(Mishaps):
    """An artifact store at the end of a bad line."""

    def __init__(self, artifacts: Artifacts) -> None:
        super().__init__()
        self._artifacts = artifacts

    def reference(self, key: str) -> str:
        return self._artifacts.reference(key)

    async def put(self, key: str, data: bytes | BinaryIO, content_type: str) -> str:
        return await self.meet("put", lambda: self._artifacts.put(key, data, content_type))

    async def get(self, reference: str, limit: int) -> StoredObject:
        return await self.meet("get", lambda: self._artifacts.get(reference, limit))

    async def copy(self, reference: str, limit: int, keep: WriteChunk) -> str:
        return await self.meet("get", lambda: self._artifacts.copy(reference, limit, keep))

    async def check(self) -> None:
        await self.meet("check", self._artifacts.check)

    async def check_writing(self) -> None:
        await self.meet("check_writing", self._artifacts.check_writing)
