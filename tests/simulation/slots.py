"""Accounts of slots: how many of a key run at once, who waits for one, and whether anybody is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cqworker.admission.waiting_lists import park_of
from cqworker.model.limits import keys_of_job
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.limits import Waiter
from cqworker.settings.limit_settings import LimitSettings
from cqworker.testing.memory_limits import MemoryLimits
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.attempt import VANISHED, Attempt
from tests.simulation.profile import Profile
from tests.simulation.store_service import StoreService, shown

LONGEST_FREE = 60.0 + 30.0 + 240.0
"""Seconds for which a slot may be free while somebody waits, beside one visibility: the sweep's minute, its own beat,
and as long as the shards of a dead sweeper are swept by nobody."""


def slot_limits(profile: Profile) -> dict[str, LimitSettings]:
    """The limits of the files."""
    return {pattern: LimitSettings(concurrency=most) for pattern, most in profile.slotted.items()}


class LimitService(MemoryLimits):
    """The items of limits; `changed` hears of what may have left a job without anybody who owes it its start."""

    def __init__(self, changed: Callable[[str, object], None]) -> None:
        super().__init__()
        self._changed = changed

    async def delete_waiter(self, key: str, waiter: Waiter) -> bool:
        applied = await super().delete_waiter(key, waiter)
        if applied:
            self._changed(waiter.job_id, f"it was taken off the list of {key}")
        return applied

    async def clear_mark(self, key: str, seen: str) -> bool:
        applied = await super().clear_mark(key, seen)
        if applied:
            for job_id in sorted(self.lists[key]):
                self._changed(job_id, f"the mark of {key} was cleared")
        return applied

    def owes(self, record: JobRecord) -> bool:
        """Whether a parked job is on its list, and a sweep looks at that."""
        if not record.is_parked or record.parked is None:
            return False
        waiter = self.lists[record.parked].get(record.job_id)
        shard = self.shards.get((record.parked, 0))
        return (
            waiter is not None and park_of(waiter) == record.token and shard is not None and shard.waiting is not None
        )


class SlotAccounts:
    """Looks at every start, and in peace at every list."""

    def __init__(
        self, accuse: Callable[..., None], profile: Profile, store: StoreService, limits: LimitService
    ) -> None:
        self._accuse = accuse
        self._profile = profile
        self._store = store
        self._limits = limits
        self._free_since: dict[str, float] = {}

    def started(self, attempt: Attempt | None, attempts: Iterable[Attempt], now: float) -> None:
        """A handler begins: of each of its keys no more run, under leases that their processes trust, than may.

        Who slept past the end of its lease runs beside them, once its slot is another's: no clock of its own told it.
        """
        if attempt is None or not self._profile.slotted:
            return
        record = self._store.records[attempt.job_id]
        running = [one for one in attempts if one.running and one is not attempt and one.believes()]
        for key in self._keys(record):
            if self._overslept(key, attempt, now):
                continue
            same = [one for one in running if key in self._keys_of(one.job_id) and not self._overslept(key, one, now)]
            if len(same) + 1 > (most := self._most(key)):
                self._accuse("more run of", key, "than may:", len(same) + 1, "of", most, *map(str, (*same, attempt)))

    def _overslept(self, key: str, attempt: Attempt, now: float) -> bool:
        """Whether its slot was taken from it as its lease had ended while its machine was suspended.

        Where another has its job by then, the record says nothing of its own lease.
        """
        record = self._store.records[attempt.job_id]
        is_over = attempt.outlived or attempt.ended == VANISHED or record.has_expired(EPOCH_MS + round(now * 1000))
        holds = any(
            slots.held.get(attempt.job_id) == attempt.token
            for (name, _), slots in self._limits.shards.items()
            if name == key
        )
        return is_over and not holds and attempt.was_suspended()

    def look(self, now: float) -> None:
        """In peace no slot is free for long while somebody waits."""
        for key in sorted(self._limits.lists):
            waits = any(self._waits(key, waiter) for waiter in self._limits.lists[key].values())
            if not waits or self._held(key) >= self._most(key):
                self._free_since.pop(key, None)
            elif now - self._free_since.setdefault(key, now) > LONGEST_FREE + self._profile.visibility:
                self._accuse("a slot is free and somebody waits:", key, self._limits.lists[key])
                self._free_since[key] = now + 1e9

    @property
    def is_quiet(self) -> bool:
        """Whether nobody waits, and no key is marked."""
        return not any(slots.waiting for slots in self._limits.shards.values())

    def judge(self) -> None:
        """When all is over nobody holds a slot who lives, nobody waits, and nothing is marked."""
        for (key, _), slots in sorted(self._limits.shards.items()):
            if slots.waiting is not None:
                self._accuse("a key is left marked:", key, slots)
            for job_id, token in slots.held.items():
                if self._is_alive(job_id, token):
                    self._accuse("a slot is left held:", key, shown(self._store.records[job_id]))
        for key, waiters in sorted(self._limits.lists.items()):
            for waiter in waiters.values():
                if self._waits(key, waiter):
                    self._accuse("a job is left waiting:", key, shown(self._store.records[waiter.job_id]))

    def _waits(self, key: str, waiter: Waiter) -> bool:
        record = self._store.records.get(waiter.job_id)
        return record is not None and record.is_parked and record.parked == key and record.token == waiter.token

    def _held(self, key: str) -> int:
        held = [one for (name, _), slots in self._limits.shards.items() if name == key for one in slots.held.items()]
        return sum(self._is_alive(job_id, token) for job_id, token in held)

    def _is_alive(self, job_id: str, token: str) -> bool:
        record = self._store.records.get(job_id)
        return record is not None and record.token == token and record.status is Status.RUNNING

    def _keys(self, record: JobRecord) -> list[str]:
        keys = keys_of_job(record.type, record.queue, record.tenant, record.limit_key)
        return [key for key in keys if self._most(key) < 10**9]

    def _keys_of(self, job_id: str) -> list[str]:
        record: Any = self._store.records.get(job_id)
        return [] if record is None else self._keys(record)

    def _most(self, key: str) -> int:
        kind = key.partition(":")[0]
        return self._profile.slotted.get(key, self._profile.slotted.get(f"{kind}:*", 10**9))
