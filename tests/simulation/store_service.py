"""The table and the bucket: the protocol's own rules, one change at a time, every change shown to a witness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cqworker.model.changes import Change, Refused, Written
from cqworker.model.record import JobRecord
from cqworker.ports import KeyItem, StoredObject
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

    def __init__(self, world: Guest, applied: Callable[[Applied], None]) -> None:
        self.records: dict[str, JobRecord] = {}
        self.keys: dict[str, KeyItem] = {}
        self.key_history: list[tuple[float, KeyItem]] = []
        self._world = world
        self._applied = applied

    def get(self, job_id: str) -> JobRecord | None:
        return self.records.get(job_id)

    def write(self, change: Change, process: str) -> Written | Refused:
        before = self.records.get(change.job_id)
        if not change.permits(before):
            return Refused(before)
        after = change.after(before)
        self.records[change.job_id] = after
        self._applied(Applied(change, before, after, process, self._world.time()))
        return Written(after)

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

    def put(self, reference: str, found: StoredObject) -> None:
        self.objects[reference] = found

    def get(self, reference: str) -> StoredObject | None:
        return self.objects.get(reference)
