"""Global secondary indexes: sparse, in order, and always up to date, where the real ones lag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.endpoint.dynamodb.cells import Item, number_of, weight
from bench.endpoint.errors import invalid

Key = tuple[str, ...]
PROJECTIONS = {"ALL", "KEYS_ONLY", "INCLUDE"}


@dataclass(slots=True)
class Index:
    """The items that have both `keys`, name and type of each, by partition; `shown`: what it holds, None for all.

    The index of a table's own keys is one, too.
    """

    name: str
    keys: Mapping[str, str]
    shown: frozenset[str] | None
    partitions: dict[str, dict[Key, Item]] = field(default_factory=dict)

    def projection(self, item: Item) -> Item:
        """What the index holds of an item."""
        return item if self.shown is None else {name: cell for name, cell in item.items() if name in self.shown}

    def partition_of(self, item: Item | None) -> str | None:
        """Where the item stands, or None where it is not in the index."""
        if item is None:
            return None
        parts = []
        for name, kind in self.keys.items():
            cell = item.get(name)
            if cell is None:
                return None
            part = cell.get(kind)
            if part is None:
                raise invalid(f"One or more parameter values were invalid: Type mismatch for Index Key {name}")
            parts.append(part)
        return str(parts[0])

    def note(self, key: Key, before: Item | None, after: Item | None) -> int:
        """Follows a write of the item of this key; the write units that it costs (developer guide, GSI costs)."""
        old, new = self.partition_of(before), self.partition_of(after)
        if old is None and new is None:
            return 0
        was = self.projection(before) if before is not None and old is not None else None
        now = self.projection(after) if after is not None and new is not None else None
        if was == now:
            return 0
        if old is not None:
            self.partitions[old].pop(key)
        if new is not None and now is not None:
            self.partitions.setdefault(new, {})[key] = now
        has_moved = was is not None and now is not None and any(was[name] != now[name] for name in self.keys)
        sizes = [weight(item) for item in (was, now) if item is not None]
        units = [max(1, -(-size // 1024)) for size in sizes]
        return sum(units) if has_moved else max(units)

    def in_order(self, partition: str) -> list[tuple[Any, Key, Item]]:
        """The items of a partition by their place in it, those of one place by their primary key."""
        items = self.partitions.get(partition, {})
        place, kind = list(self.keys.items())[-1]
        found = [(_place_of(item[place][kind], kind), key, item) for key, item in items.items()]
        return sorted(found, key=lambda each: each[:2])

    def position_of(self, item: Item) -> Any:
        """The place of an item that an earlier answer ended with."""
        place, kind = list(self.keys.items())[-1]
        return _place_of(item[place][kind], kind)


def index_from(definition: Mapping[str, Any], types: Mapping[str, str], table_keys: Mapping[str, str]) -> Index:
    """The index that a request describes; refuses what is no index."""
    schema = sorted(definition["KeySchema"], key=lambda key: str(key["KeyType"]))
    names = [key["AttributeName"] for key in schema]
    if not names or schema[0]["KeyType"] != "HASH" or any(name not in types for name in names):
        raise invalid("Some index key attributes are not defined in AttributeDefinitions")
    projection = definition.get("Projection", {})
    if projection.get("ProjectionType") not in PROJECTIONS:
        raise invalid("One or more parameter values were invalid: Unknown ProjectionType")
    shown = frozenset({*names, *table_keys, *projection.get("NonKeyAttributes", ())})
    is_whole = projection["ProjectionType"] == "ALL"
    return Index(definition["IndexName"], {name: types[name] for name in names}, None if is_whole else shown)


def _place_of(text: str, kind: str) -> Any:
    return number_of(text) if kind == "N" else text
