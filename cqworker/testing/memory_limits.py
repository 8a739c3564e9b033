"""Slots and waiting lists in memory: what their items in DynamoDB promise, without them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from cqworker.errors import NotProvisioned
from cqworker.ports.limits import Hold, Slots, SlotsAnswer, Waiter


class MemoryLimits:
    """`shards` by key and number, `lists` by key and job, `times` when a sweep looks at a marked key, by key.

    `ready` is False while a table lacks the index.
    """

    def __init__(self, *, ready: bool = True) -> None:
        self.ready = ready
        self.shards: dict[tuple[str, int], Slots] = {}
        self.lists: defaultdict[str, dict[str, Waiter]] = defaultdict(dict)
        self.times: dict[str, int] = {}

    async def acquire(self, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        """As Limits.acquire."""
        slots = self._shard(hold.key, hold.shard)
        room = most if in_turn or slots.waiting is None else most - 1
        return self._write(hold, slots, applied=hold.job_id not in slots.held and len(slots.held) < room)

    async def replace(self, hold: Hold, former: str) -> SlotsAnswer:
        """As Limits.replace."""
        slots = self._shard(hold.key, hold.shard)
        return self._write(hold, slots, applied=slots.held.get(hold.job_id) == former)

    async def take_over(self, hold: Hold, dead: Hold) -> SlotsAnswer:
        """As Limits.take_over."""
        slots = self._shard(hold.key, hold.shard)
        applied = slots.held.get(dead.job_id) == dead.token and hold.job_id not in slots.held
        if applied:
            slots = replace(slots, held=_without(slots, dead.job_id))
        return self._write(hold, slots, applied=applied)

    async def free(self, hold: Hold) -> SlotsAnswer:
        """As Limits.free."""
        slots = self._shard(hold.key, hold.shard)
        if slots.held.get(hold.job_id) != hold.token:
            return SlotsAnswer(applied=False, slots=slots)
        left = self.shards[hold.key, hold.shard] = replace(slots, held=_without(slots, hold.job_id))
        return SlotsAnswer(applied=True, slots=left)

    async def spread(self, key: str, shards: int) -> None:
        """As Limits.spread."""
        slots = self._shard(key, 0)
        self.shards[key, 0] = replace(slots, spread=max(slots.spread, shards))

    async def slots(self, key: str) -> Sequence[Slots]:
        """As Limits.slots."""
        return [slots for (name, _), slots in sorted(self.shards.items(), key=lambda item: item[0]) if name == key]

    async def put_waiter(self, key: str, waiter: Waiter) -> Waiter | None:
        """As Limits.put_waiter."""
        held = self.lists[key].get(waiter.job_id)
        if held is not None and held.parked_at >= waiter.parked_at:
            return held
        self.lists[key][waiter.job_id] = waiter
        return None

    async def replace_waiter(self, key: str, waiter: Waiter, former: str) -> bool:
        """As Limits.replace_waiter."""
        held = self.lists[key].get(waiter.job_id)
        if held is None or held.token != former:
            return False
        self.lists[key][waiter.job_id] = waiter
        return True

    async def delete_waiter(self, key: str, waiter: Waiter) -> bool:
        """As Limits.delete_waiter."""
        held = self.lists[key].get(waiter.job_id)
        if held is None or held.token != waiter.token:
            return False
        del self.lists[key][waiter.job_id]
        return True

    async def first_waiters(self, key: str, number: int, after: Waiter | None = None) -> Sequence[Waiter]:
        """As Limits.first_waiters."""
        place = (-1, "") if after is None else (after.created_at, after.job_id)
        return sorted(one for one in self.lists[key].values() if (one.created_at, one.job_id) > place)[:number]

    async def count_waiters(self, key: str, most: int) -> int:
        """As Limits.count_waiters."""
        return min(most, len(self.lists[key]))

    async def mark(self, key: str, mark: str, at: int) -> Slots:
        """As Limits.mark."""
        slots = self.shards[key, 0] = replace(self._shard(key, 0), waiting=mark)
        self.times.setdefault(key, at)
        return slots

    async def marked(self, until: int, number: int) -> Sequence[str]:
        """As Limits.marked."""
        if not self.ready:
            raise NotProvisioned("This table has no index of due jobs.")
        due = sorted((at, key) for key, at in self.times.items() if at <= until)
        return [key for _, key in due[:number]]

    async def put_off(self, key: str, seen: str, at: int) -> bool:
        """As Limits.put_off."""
        if self._shard(key, 0).waiting != seen:
            return False
        self.times[key] = at
        return True

    async def clear_mark(self, key: str, seen: str) -> bool:
        """As Limits.clear_mark."""
        slots = self._shard(key, 0)
        if slots.waiting != seen:
            return False
        self.shards[key, 0] = replace(slots, waiting=None)
        del self.times[key]
        return True

    def _shard(self, key: str, shard: int) -> Slots:
        return self.shards.get((key, shard)) or Slots(shard)

    def _write(self, hold: Hold, slots: Slots, *, applied: bool) -> SlotsAnswer:
        if applied:
            slots = replace(slots, held={**slots.held, hold.job_id: hold.token})
            self.shards[hold.key, hold.shard] = slots
        return SlotsAnswer(applied=applied, slots=slots)


def _without(slots: Slots, job_id: str) -> dict[str, str]:
    return {held: token for held, token in slots.held.items() if held != job_id}
