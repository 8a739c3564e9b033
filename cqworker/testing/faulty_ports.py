"""Ports between a host and the services that take time, lose answers, refuse or hang, as a story asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import BinaryIO, TypeVar

from cqworker.errors import CqworkerError
from cqworker.model.rates import Busy, RateAsk, RateState, Reserved
from cqworker.model.record import JobRecord
from cqworker.model.unique_hold import UniqueHold
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
from cqworker.ports.limits import Hold, Limits, Slots, SlotsAnswer, Waiter
from cqworker.ports.rates import Rates
from cqworker.ports.schedule import DueEntry, Schedule, SweepLease
from cqworker.ports.unique_keys import UniqueKeys
from cqworker.testing.mishaps import Mishaps

T = TypeVar("T")


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


class FaultyLimits:
    """The limits at the end of the same bad line as their table."""

    def __init__(self, limits: Limits, line: Mishaps) -> None:
        self._limits = limits
        self.meet = line.meet

    async def acquire(self, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        return await self.meet("acquire", lambda: self._limits.acquire(hold, most, in_turn=in_turn))

    async def replace(self, hold: Hold, former: str) -> SlotsAnswer:
        return await self.meet("replace", lambda: self._limits.replace(hold, former))

    async def take_over(self, hold: Hold, dead: Hold) -> SlotsAnswer:
        return await self.meet("take_over", lambda: self._limits.take_over(hold, dead))

    async def free(self, hold: Hold) -> SlotsAnswer:
        return await self.meet("free", lambda: self._limits.free(hold))

    async def spread(self, key: str, shards: int) -> None:
        await self.meet("spread", lambda: self._limits.spread(key, shards))

    async def slots(self, key: str) -> Sequence[Slots]:
        return await self.meet("slots", lambda: self._limits.slots(key))

    async def put_waiter(self, key: str, waiter: Waiter) -> Waiter | None:
        return await self.meet("put_waiter", lambda: self._limits.put_waiter(key, waiter))

    async def replace_waiter(self, key: str, waiter: Waiter, former: str) -> bool:
        return await self.meet("replace_waiter", lambda: self._limits.replace_waiter(key, waiter, former))

    async def delete_waiter(self, key: str, waiter: Waiter) -> bool:
        return await self.meet("delete_waiter", lambda: self._limits.delete_waiter(key, waiter))

    async def first_waiters(self, key: str, number: int, after: Waiter | None = None) -> Sequence[Waiter]:
        return await self.meet("first_waiters", lambda: self._limits.first_waiters(key, number, after))

    async def count_waiters(self, key: str, most: int) -> int:
        return await self.meet("count_waiters", lambda: self._limits.count_waiters(key, most))

    async def mark(self, key: str, mark: str, at: int) -> Slots:
        return await self.meet("mark", lambda: self._limits.mark(key, mark, at))

    async def marked(self, until: int, number: int) -> Sequence[str]:
        return await self.meet("marked", lambda: self._limits.marked(until, number))

    async def put_off(self, key: str, seen: str, at: int) -> bool:
        return await self.meet("put_off", lambda: self._limits.put_off(key, seen, at))

    async def clear_mark(self, key: str, seen: str) -> bool:
        return await self.meet("clear_mark", lambda: self._limits.clear_mark(key, seen))


class FaultyRates:
    """The rates at the end of the same bad line as their table."""

    def __init__(self, rates: Rates, line: Mishaps) -> None:
        self._rates = rates
        self.meet = line.meet

    async def reserve(self, ask: RateAsk) -> Reserved | Busy:
        return await self.meet("reserve_rate", lambda: self._rates.reserve(ask))

    async def rate_state(self, key: str) -> RateState | None:
        return await self.meet("rate_state", lambda: self._rates.rate_state(key))


class FaultyUniqueKeys:
    """The unique keys at the end of the same bad line as their table."""

    def __init__(self, keys: UniqueKeys, line: Mishaps) -> None:
        self._keys = keys
        self.meet = line.meet

    async def take(self, hold: UniqueHold) -> UniqueHold | None:
        return await self.meet("take", lambda: self._keys.take(hold))

    async def decide(self, key: KeyItem, former: KeyItem) -> KeyItem | None:
        return await self.meet("decide", lambda: self._keys.decide(key, former))


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
