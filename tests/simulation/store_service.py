"""The table and the bucket: the protocol's own rules, one change at a time, every change shown to a witness."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from cqworker.model.record import JobRecord
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
    return f"{record.job_id[-6:]} {record.status}{kind} r{record.round} a{record.attempt} {record.token}{asked}"


class StoreService:
    """Records and keys; consistent, as conditional writes and consistent reads of DynamoDB are."""

    def __init__(self, world: Guest, applied: Callable[[Applied], None], chance: random.Random) -> None:
        self.records: dict[str, JobRecord] = {}
        self.expired: dict[str, JobRecord] = {}
        self.keys: dict[str, KeyItem] = {}
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

    def write(self, change: Change, process: str) -> Written | Refused:
        self.expire()
        before = self.records.get(change.job_id)
        if not change.permits(before):
            self.refused(change, process)
            return Refused(before)
        after = change.after(before)
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
