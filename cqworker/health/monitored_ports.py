"""The ports as the daemon uses them: every call's result is remembered for readiness."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import BinaryIO, TypeVar

from cqworker.errors import ArtifactMissing, ArtifactTooLarge, CqworkerError, Unavailable
from cqworker.health.service_health import ARTIFACTS, READING, STORE, WRITING, ServiceHealth, queue_service
from cqworker.model.crowding import Crowding
from cqworker.model.operator_writes import Enter
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
from cqworker.ports.fleet import Command, Control, Counts, Fleet, FleetMember, Heartbeat, Orders
from cqworker.ports.schedule import DueEntry, Schedule, SweepLease
from cqworker.ports.unique_keys import UniqueKeys

SENDING = "sending messages"
ENTERING = "entering a job"
SWEEPING = "sweeping the index of due jobs"
REGISTERING = "keeping the registry of the fleet"
INDEX = "index of due jobs"
Read = TypeVar("Read")


class MonitoredQueue:
    """A JobQueue whose every call is remembered in `health`; raises what the queue raises."""

    def __init__(self, queue: JobQueue, health: ServiceHealth) -> None:
        self._queue = queue
        self._health = health
        self._service = queue_service(queue.name)

    @property
    def name(self) -> str:
        return self._queue.name

    async def send(self, letter: Letter) -> None:
        with self._health.monitor(self._service, SENDING):
            await self._queue.send(letter)

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        with self._health.monitor(self._service, SENDING):
            answers = await self._queue.send_many(letters)
        for fault in answers:
            if isinstance(fault, Unavailable):
                self._health.record_failure(self._service, SENDING, fault)
        return answers

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        with self._health.monitor(self._service, "receiving messages"):
            return await self._queue.receive(limit, wait, visibility)

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        with self._health.monitor(self._service, "deleting messages"):
            return await self._queue.delete(receipts)

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        with self._health.monitor(self._service, "changing visibility"):
            return await self._queue.change_visibility(changes)

    async def depth(self) -> Depth:
        with self._health.monitor(self._service, "reading its depth"):
            return await self._queue.depth()


class MonitoredStore:
    """A JobStore whose every call is remembered in `health`; raises what the store raises."""

    def __init__(self, store: JobStore, health: ServiceHealth) -> None:
        self._store = store
        self._health = health

    async def get(self, job_id: str) -> JobRecord | None:
        with self._health.monitor(STORE, READING):
            return await self._store.get(job_id)

    async def write(self, change: Change) -> Written | Refused:
        doing = ENTERING if type(change) is Enter else WRITING
        try:  # as `monitor` does it, without the cost of a context manager: there are two of these a job
            answer = await self._store.write(change)
        except Exception as error:  # noqa: BLE001 - as `monitor` has it
            raise self._health.fault_from(STORE, doing, error) from None
        self._health.record_success(STORE, doing)
        return answer

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        with self._health.monitor(STORE, ENTERING):
            return await self._store.reserve_key(key, now)

    async def check(self) -> None:
        """Reads, and writes too where it is in doubt whether that is allowed."""
        await _probe(self._health, STORE, self._store)

    async def check_writing(self) -> None:
        with self._health.monitor(STORE, WRITING):
            await self._store.check_writing()


class MonitoredUniqueKeys:
    """UniqueKeys whose every call is remembered in `health` as one of the store; raises what the keys raise."""

    def __init__(self, keys: UniqueKeys, health: ServiceHealth) -> None:
        self._keys = keys
        self._health = health

    async def take(self, hold: UniqueHold) -> UniqueHold | None:
        with self._health.monitor(STORE, ENTERING):
            return await self._keys.take(hold)

    async def decide(self, key: KeyItem, former: KeyItem) -> KeyItem | None:
        with self._health.monitor(STORE, ENTERING):
            return await self._keys.decide(key, former)


class MonitoredSchedule:
    """A Schedule whose every call is remembered in `health` as one of the store; raises what the schedule raises.

    But for the right to read the index, which a role of before the index lacks: then it is not ready, and that is told.
    """

    def __init__(self, schedule: Schedule, health: ServiceHealth) -> None:
        self._schedule = schedule
        self._health = health

    async def is_ready(self) -> bool:
        try:
            is_ready = await self._schedule.is_ready()
        except Exception as error:  # noqa: BLE001 - as `monitor` has it
            if isinstance(error, Unavailable) and error.concerns == "right":
                self._health.note_dispensable(INDEX, SWEEPING, error)
                return False
            raise self._health.fault_from(STORE, SWEEPING, error) from None
        self._health.record_success(STORE, SWEEPING)
        self._health.note_granted(INDEX)
        return is_ready

    async def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None = None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        with self._health.monitor(STORE, SWEEPING):
            return await self._schedule.due(shard, until, limit, after)

    async def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        with self._health.monitor(STORE, SWEEPING):
            return await self._schedule.read_many(job_ids)

    async def sweep_leases(self) -> Sequence[SweepLease]:
        with self._health.monitor(STORE, SWEEPING):
            return await self._schedule.sweep_leases()

    async def take_sweep_lease(self, lease: SweepLease, now: int) -> bool:
        with self._health.monitor(STORE, SWEEPING):
            return await self._schedule.take_sweep_lease(lease, now)

    async def give_up_sweep_lease(self, shard: str, holder: str) -> None:
        with self._health.monitor(STORE, SWEEPING):
            await self._schedule.give_up_sweep_lease(shard, holder)


class MonitoredFleet:
    """A Fleet whose every call is remembered in `health` as one of the store; raises what the fleet raises."""

    def __init__(self, fleet: Fleet, health: ServiceHealth) -> None:
        self._fleet = fleet
        self._health = health

    async def heartbeat(self, said: Heartbeat, *, first: bool) -> Orders | None:
        return await self._watched(self._fleet.heartbeat(said, first=first))

    async def members(self) -> Sequence[FleetMember]:
        return await self._watched(self._fleet.members())

    async def order(self, worker: str, command: Command, now: int) -> Orders | None:
        return await self._watched(self._fleet.order(worker, command, now))

    async def watch(self, worker: str, until: int) -> None:
        await self._watched(self._fleet.watch(worker, until))

    async def publish_types(self, key: str, types: Collection[str]) -> None:
        await self._watched(self._fleet.publish_types(key, types))

    async def types(self, key: str) -> frozenset[str]:
        return await self._watched(self._fleet.types(key))

    async def control(self) -> Control:
        return await self._watched(self._fleet.control())

    async def change_control(self, control: Control) -> bool:
        return await self._watched(self._fleet.change_control(control))

    async def enable(self, feature: str) -> bool:
        return await self._watched(self._fleet.enable(feature))

    async def crowd(self, crowding: Crowding) -> None:
        await self._watched(self._fleet.crowd(crowding))

    async def fold(self, member: FleetMember, day: str) -> bool:
        return await self._watched(self._fleet.fold(member, day))

    async def folded(self, day: str) -> Counts:
        return await self._watched(self._fleet.folded(day))

    async def _watched(self, call: Awaitable[Read]) -> Read:
        with self._health.monitor(STORE, REGISTERING):
            return await call


class MonitoredArtifacts:
    """Artifacts whose every call is remembered in `health`, but for reads of jobs' own sources outside the store."""

    def __init__(self, artifacts: Artifacts, health: ServiceHealth) -> None:
        self._artifacts = artifacts
        self._health = health
        self._root = artifacts.reference("")

    def reference(self, key: str) -> str:
        return self._artifacts.reference(key)

    async def put(self, key: str, data: bytes | BinaryIO, content_type: str) -> str:
        with self._health.monitor(ARTIFACTS, WRITING):
            return await self._artifacts.put(key, data, content_type)

    async def get(self, reference: str, limit: int) -> StoredObject:
        return await self._read(reference, lambda: self._artifacts.get(reference, limit))

    async def copy(self, reference: str, limit: int, keep: WriteChunk) -> str:
        return await self._read(reference, lambda: self._artifacts.copy(reference, limit, keep))

    async def _read(self, reference: str, read: Callable[[], Awaitable[Read]]) -> Read:
        if not reference.startswith(self._root):
            return await read()
        try:
            with self._health.monitor(ARTIFACTS, READING):
                return await read()
        except (ArtifactMissing, ArtifactTooLarge):
            self._health.record_success(ARTIFACTS, READING)
            raise

    async def check(self) -> None:
        """Reads, and writes too where it is in doubt whether that is allowed."""
        await _probe(self._health, ARTIFACTS, self._artifacts)

    async def check_writing(self) -> None:
        with self._health.monitor(ARTIFACTS, WRITING):
            await self._artifacts.check_writing()


async def _probe(health: ServiceHealth, service: str, port: JobStore | Artifacts) -> None:
    """Reads, and writes where that is in doubt; nothing is recorded before all of it is known. Raises the first fault.

    Where reading is refused writing is not tried: S3 takes a condition only from those who may read.
    """
    tries = {READING: port.check}
    if health.is_in_doubt(service, WRITING):
        tries[WRITING] = port.check_writing
    allowed: list[str] = []
    for doing, attempt in tries.items():
        try:
            await attempt()
        except Exception as error:  # noqa: BLE001 - as `monitor` has it
            fault = health.fault_from(service, doing, error)
            if isinstance(fault, Unavailable) and fault.concerns == "right":
                _record_successes(health, service, allowed)
            raise fault from None
        allowed.append(doing)
    _record_successes(health, service, allowed)


def _record_successes(health: ServiceHealth, service: str, allowed: Sequence[str]) -> None:
    for doing in allowed:
        health.record_success(service, doing)
