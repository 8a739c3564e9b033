"""What DynamoDB counts: the bytes of an item, and the write units they cost.

Sizes as in the DynamoDB developer guide, "Item sizes and formats".
"""

from __future__ import annotations

from cqworker.aws.dynamodb.items import Cell, Item

UNIT_BYTES = 1024
"""Bytes of an item that one write unit covers (DynamoDB developer guide, "Write request units")."""
LIST_BYTES = 3
"""Bytes of a list beside its elements, each of which takes one more."""


def write_units(item: Item | None) -> int:
    """Units of a write to this item, or of one that was refused because there is none."""
    return max(1, -(-size_of(item) // UNIT_BYTES)) if item else 1


def size_of(item: Item) -> int:
    """Bytes of the item's names and values."""
    return sum(len(name.encode()) + _size(cell) for name, cell in item.items())


def _size(cell: Cell) -> int:
    if "S" in cell:
        return len(cell["S"].encode())
    if "N" in cell:
        return (len(cell["N"].lstrip("-")) + 1) // 2 + 1
    return LIST_BYTES + sum(1 + _size(inner) for inner in cell.get("L", ()))
