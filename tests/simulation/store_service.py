"""The table and the bucket: the protocol's own rules, one change at a time, every change shown to a witness."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from cqworker.model.claim_table import LOOK_AGAIN_MS
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.unique_hold import UniqueHold
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import KeyItem, StoredObject
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.kernel import Guest


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that was made: by which process, and whether its sender had given it up by then."""

    change: Change
    before: JobRecord | None
    after: JobRecord
    process: str
    at: float

    def __str__(self) -> str:
        return f"{type(self.change).__name__} by {self.process}: {shown(self.before)} -> {shown(self.after)}"


def shown(record: JobRecord | None) -> str:
    """A record in a few words."""
    if record is None:
        return "nothing"
    kind = f" {record.failure.kind}" if record.failure else ""
    asked = " cancel asked" if record.cancel_requested_at else ""
    due = "" if record.scheduled_at is None else f" at {(record.scheduled_at - EPOCH_MS) / 1000:.3f}"
    mark = f"{asked}{due}{' due' if record.due else ''}"
    return f"{record.job_id[-6:]} {record.status}{kind} r{record.round} a{record.attempt} {record.token}{mark}"


class StoreService:
    """Records and keys; consistent, as conditional writes and consistent reads of DynamoDB are."""

    def __init__(self, world: Guest, applied: Callable[[Applied], None], chance: random.Random) -> None:
        self.records: dict[str, JobRecord] = {}
        self.expired: dict[str, JobRecord] = {}
        self.keys: dict[str, KeyItem] = {}
        self.unique: dict[str, UniqueHold] = {}
        self.key_history: list[tuple[float, KeyItem]] = []
        self._world = world
        self._applied = applied
        self.refused: Callable[[Change, str], None] = lambda *_: None
        self._earliest = float("inf")
        self._lateness = chance.choice((0.0, 3600.0, 2 * 86_400.0))

    def get(self, job_id: str) -> JobRecord | None:
        self.expire()
        record = self.records.get(job_id)
        return record if record is not None and record.purge_at > self._now() else None

    def write(self, change: Change, process: str, *, ancient: bool = False) -> Written | Refused:
        """Applies it by the rules; `ancient`: by those from before the index of due jobs."""
        self.expire()
        before = self.records.get(change.job_id)
        if not change.permits(_condition_of_old(before) if ancient else before):
            self.refused(change, process)
            return Refused(before)
        after = change.after(before)
        if ancient:
            after = replace(after, due=before and before.due, hindered_at=before and before.hindered_at)
        self._earliest = min(self._earliest, after.purge_at + self._lateness)
        self.records[change.job_id] = after
        self._applied(Applied(change, before, after, process, self._world.time()))
        return Written(after)

    def expire(self) -> None:
        """TTL deletes on time, or days late; until then a conditional write still finds the record."""
        if self._now() < self._earliest:
            return
        deadline = self._now() - self._lateness
        for job_id, record in list(self.records.items()):
            if record.purge_at < deadline:
                self.expired[job_id] = self.records.pop(job_id)
        self._earliest = min((record.purge_at for record in self.records.values()), default=0) + self._lateness

    def _now(self) -> float:
        return EPOCH_MS / 1000 + self._world.time()

    def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        holder = self.keys.get(key.key)
        if holder is not None and holder.expires_at >= now:
            return None if holder.job_id == key.job_id else holder
        self.keys[key.key] = key
        self.key_history.append((self._world.time(), key))
        return None

    def take(self, hold: UniqueHold) -> UniqueHold | None:
        """A unique key's put; TTL deletes one when it may, or days late."""
        held = self.unique.get(hold.key)
        if held is not None and held.purge_at < self._now() - self._lateness:
            held = None
        if held is None or held.rev == hold.rev - 1:
            self.unique[hold.key] = hold
            return None
        return None if held.is_same_take(hold) else held

    def decide(self, key: KeyItem, former: KeyItem) -> KeyItem | None:
        holder = self.keys.get(key.key)
        if holder is None or holder.named == key.named:
            return None
        if holder.named != former.named:
            return holder
        self.keys[key.key] = key
        self.key_history.append((self._world.time(), key))
        return None


def _condition_of_old(seen: JobRecord | None) -> JobRecord | None:
    """What the conditions of the version before the index see: no mark, and nobody may touch a SCHEDULED job."""
    if seen is None:
        return None
    return replace(seen, due=None, status=Status.BLOCKED if seen.status is Status.SCHEDULED else seen.status)


def as_old_reads_it(seen: JobRecord | None, now: int) -> JobRecord | None:
    """The record as the version before the index treats it: it hides the message of a SCHEDULED job for a moment."""
    if seen is None:
        return None
    read = replace(seen, due=None, hindered_at=None)
    if seen.status is Status.SCHEDULED:
        read = replace(read, status=Status.RUNNING, token="", lease_expires_at=now + LOOK_AGAIN_MS)
    return read


class ObjectService:
    """Objects by reference; the last writer of a key wins, as in S3."""

    ROOT = "s3://artifacts/simulation/"

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.overwritten: Callable[[str, StoredObject, StoredObject], None] = lambda *_: None

    def put(self, reference: str, found: StoredObject) -> None:
        there = self.objects.get(reference)
        if there is not None and there != found:
            self.overwritten(reference, there, found)
        self.objects[reference] = found

    def get(self, reference: str) -> StoredObject | None:
        return self.objects.get(reference)
