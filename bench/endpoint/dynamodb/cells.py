"""Attribute values: how they compare, what they weigh."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from bench.endpoint.errors import invalid

Cell = dict[str, Any]
"""One attribute value as the API writes it: {"S": text}, {"N": digits}, {"L": cells} and so on."""
Item = dict[str, Cell]

UNIT = 1024
"""Bytes that one write unit covers (developer guide, read/write capacity)."""
READ_UNIT = 4096
"""Bytes that one consistent read unit covers (developer guide, read/write capacity)."""
MAX_ITEM = 409_600
"""Bytes of an item: 400 KB (DynamoDB quotas)."""
ITEM_TOO_BIG = "Item size has exceeded the maximum allowed size"
ORDERED = ("N", "S", "B")


def kind_of(cell: Cell) -> str:
    """The type letter of a value, which has exactly one."""
    if len(cell) != 1:
        raise invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one")
    return next(iter(cell))


def number_of(text: str) -> int | Decimal:
    """The number that a cell's text says; raises a ValidationException for what is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return Decimal(text)
    except InvalidOperation:
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}") from None


def number_cell(value: int | Decimal) -> Cell:
    """A number as DynamoDB writes it: no exponent, no trailing zeros."""
    if isinstance(value, int):
        return {"N": str(value)}
    text = f"{value:f}"
    return {"N": text.rstrip("0").rstrip(".") if "." in text else text}


def equal(left: Cell | None, right: Cell | None) -> bool:
    """Whether both are there and say the same."""
    if left is None or right is None:
        return False
    if left == right:
        return True
    if "N" in left and "N" in right:
        return number_of(left["N"]) == number_of(right["N"])
    return False


def in_order(left: Cell | None, right: Cell | None, holds: Callable[[Any, Any], bool]) -> bool:
    """A comparison by order: false for what is absent or of another type."""
    if left is None or right is None:
        return False
    for kind in ORDERED:
        if kind in left and kind in right:
            one, other = left[kind], right[kind]
            return holds(number_of(one), number_of(other)) if kind == "N" else holds(one, other)
    return False


def weight(item: Item) -> int:
    """Bytes of an item, names included (developer guide, item sizes); refuses values that are none."""
    total = 0
    for name, cell in item.items():
        total += (len(name) if name.isascii() else len(name.encode())) + _weight(cell)
    return total


def _weight(cell: Cell) -> int:
    if len(cell) == 1:
        text = cell.get("S")
        if text is not None:
            return len(text) if text.isascii() else len(text.encode())
        digits = cell.get("N")
        if digits is not None:
            return _number_weight(digits)
    return _WEIGHTS.get(kind_of(cell), _refuse_unknown)(next(iter(cell.values())))


def _number_weight(digits: str) -> int:
    """About one byte per two digits and one more; the digits are checked on the way."""
    if digits.isdigit():
        return (len(digits.rstrip("0")) + 1) // 2 + 1
    number_of(digits)
    return (len(digits.lstrip("-").strip("0").replace(".", "")) + 1) // 2 + 1


def _refuse_unknown(value: object) -> int:
    raise invalid(f"Supplied AttributeValue is empty or of an unknown type: {value!r:.80}")


_WEIGHTS: dict[str, Callable[[Any], int]] = {
    "B": lambda text: len(text) * 3 // 4,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "L": lambda cells: 3 + sum(1 + _weight(cell) for cell in cells),
    "M": lambda item: 3 + len(item) + weight(item),
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
    "NS": lambda numbers: sum(map(_number_weight, numbers)),
    "BS": lambda texts: sum(len(text) * 3 // 4 for text in texts),
}


def write_units(before: int, after: int) -> int:
    """Write units for an item of so many bytes before and after: the larger counts, every started KB is one."""
    return max(1, -(-max(before, after) // UNIT))


def read_units(size: int, *, consistent: bool) -> float:
    """Read units for an item of so many bytes: half as many where the read may be stale."""
    units = max(1, -(-size // READ_UNIT))
    return float(units) if consistent else units / 2
