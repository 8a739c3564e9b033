"""Unique keys in memory, beside the store in memory that has the idempotency keys."""

from __future__ import annotations

from cqworker.model.unique_hold import UniqueHold
from cqworker.ports import KeyItem
from cqworker.testing.memory_ports import MemoryStore


class MemoryUniqueKeys:
    """Unique keys under the protocol's own rule: `holds` by the key's hash."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.holds: dict[str, UniqueHold] = {}

    async def take(self, hold: UniqueHold) -> UniqueHold | None:
        """None: the key is this hold's from now on; else the one that has it."""
        held = self.holds.get(hold.key)
        if held is None or held.rev == hold.rev - 1:
            self.holds[hold.key] = hold
            return None
        return None if held.is_same_take(hold) else held

    async def decide(self, key: KeyItem, former: KeyItem) -> KeyItem | None:
        """None: the idempotency key says that from now on, or is gone; else the item that stands there."""
        held = self._store.keys.get(key.key)
        if held is None or held.named == key.named:
            return None
        if held.named != former.named:
            return held
        self._store.keys[key.key] = key
        return None
