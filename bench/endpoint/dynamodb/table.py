"""One table: its items, and the writes that depend on what stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.endpoint.dynamodb.cells import ITEM_TOO_BIG, MAX_ITEM, Item, weight, write_units
from bench.endpoint.dynamodb.expressions import Expression
from bench.endpoint.dynamodb.indexes import Index, Key
from bench.endpoint.dynamodb.terms import Values
from bench.endpoint.errors import invalid


class StoredItem(NamedTuple):
    """An item and its bytes; items are replaced, never changed."""

    item: Item
    size: int


class ConditionFailed(Exception):
    """The condition did not hold for what stands there; it costs `units` all the same."""

    def __init__(self, row: StoredItem | None) -> None:
        super().__init__("The conditional request failed")
        self.item = row.item if row else None
        self.units = write_units(row.size if row else 0, 0)


class Done(NamedTuple):
    """A write that was done: the item before and after it, and what it cost."""

    before: Item | None
    after: Item
    units: int


class Deleted(NamedTuple):
    """A delete that was done: the item that stood there, and what it cost."""

    item: Item | None
    units: int


@dataclass(slots=True)
class Table:
    """A table with these keys, name and type of each, the partition key first."""

    name: str
    keys: Mapping[str, str]
    description: dict[str, Any]
    ttl: str | None = None
    rows: dict[Key, StoredItem] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    partitions: dict[str, set[Key]] = field(default_factory=dict)

    def key_of(self, key: Item) -> Key:
        """The key of exactly these attributes; refuses any others."""
        if key.keys() != self.keys.keys():
            raise invalid("The provided key element does not match the schema")
        return self._key_in(key)

    def get(self, key: Item) -> StoredItem | None:
        """The item of this key."""
        return self.rows.get(self.key_of(key))

    def put(self, item: Item, expression: Expression, values: Values) -> Done:
        """The item in place of what stands there; raises ConditionFailed."""
        if not self.keys.keys() <= item.keys():
            raise invalid("One of the required keys was not given a value")
        key = self._key_in(item)
        row = self.rows.get(key)
        if not expression.permits(row.item if row else None, values):
            raise ConditionFailed(row)
        return self._store(key, row, item)

    def update(self, key: Item, expression: Expression, values: Values) -> Done:
        """The item of this key changed, or made where there is none; raises ConditionFailed."""
        if touched := expression.touched & self.keys.keys():
            raise invalid(f"Cannot update attribute {', '.join(touched)}. This attribute is part of the key")
        place = self.key_of(key)
        row = self.rows.get(place)
        if not expression.permits(row.item if row else None, values):
            raise ConditionFailed(row)
        return self._store(place, row, expression.apply(row.item if row else key, values))

    def delete(self, key: Item, expression: Expression, values: Values) -> Deleted:
        """The item that stood there is gone; raises ConditionFailed."""
        place = self.key_of(key)
        row = self.rows.get(place)
        if not expression.permits(row.item if row else None, values):
            raise ConditionFailed(row)
        if row is None:
            return Deleted(None, 1)
        del self.rows[place]
        self.partitions[place[0]].discard(place)
        return Deleted(row.item, write_units(row.size, 0) + self._note(place, row.item, None))

    def add_index(self, index: Index) -> None:
        """An index over what is there and what will be."""
        if index.name in self.indexes:
            raise invalid(f"Attempting to create an index which already exists: {index.name}")
        for key, row in self.rows.items():
            index.note(key, None, row.item)
        self.indexes[index.name] = index

    def in_partition(self, partition: str) -> list[tuple[Key, Item]]:
        """The items of one partition of the table, in order."""
        return [(key, self.rows[key].item) for key in sorted(self.partitions.get(partition, ()))]

    def _store(self, key: Key, row: StoredItem | None, item: Item) -> Done:
        size = weight(item)
        if size > MAX_ITEM:
            raise invalid(ITEM_TOO_BIG)
        before = row.item if row else None
        noted = self._note(key, before, item) if self.indexes else 0
        self.rows[key] = StoredItem(item, size)
        if row is None:
            self.partitions.setdefault(key[0], set()).add(key)
        return Done(before, item, write_units(row.size if row else 0, size) + noted)

    def _note(self, key: Key, before: Item | None, after: Item | None) -> int:
        """Has every index follow a write; the write units that they cost."""
        return sum(index.note(key, before, after) for index in self.indexes.values())

    def _key_in(self, item: Item) -> Key:
        parts = []
        for name, kind in self.keys.items():
            cell = item[name]
            part = cell.get(kind)
            if part is None or len(cell) != 1:
                raise invalid(f"One or more parameter values were invalid: Type mismatch for key {name}")
            if not part:
                raise invalid(f"One or more parameter values are not valid: the key {name} is an empty string value")
            parts.append(part)
        return tuple(parts)
