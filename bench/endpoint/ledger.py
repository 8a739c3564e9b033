"""What was called and what it cost: the endpoint's own counts, which no client can get wrong."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any


class Ledger:
    """Calls, write units and read units by operation; a journal of writes while somebody wants one."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.entries: Counter[str] = Counter()
        self.write_units: Counter[str] = Counter()
        self.read_units: dict[str, float] = {}
        self.empty_receives = 0
        self.journal: list[tuple[float, str]] | None = None

    def call(self, operation: str) -> None:
        """One call."""
        self.calls[operation] += 1

    def batch(self, operation: str, entries: int) -> None:
        """One call with so many entries or messages."""
        self.calls[operation] += 1
        self.entries[operation] += entries

    def read(self, operation: str, units: float) -> None:
        """One call that read."""
        self.calls[operation] += 1
        self.read_units[operation] = self.read_units.get(operation, 0.0) + units

    def write(self, operation: str, units: int, table: str, key: str, *, call: bool = True) -> None:
        """One write of an item; without `call` the call itself is counted elsewhere."""
        self.calls[operation] += call
        self.write_units[operation] += units
        if self.journal is not None:
            self.journal.append((time.monotonic(), f"{table}/{key}"))

    def refused_write(self, operation: str, units: int, *, call: bool = True) -> None:
        """One write whose condition did not hold: it is charged all the same (API reference, ConsumedCapacity)."""
        self.calls[operation] += call
        self.refused[operation] += 1
        self.write_units[operation] += units

    def reset(self, *, journal: bool) -> None:
        """Begins to count anew; with a journal where one is wanted."""
        for counted in (self.calls, self.refused, self.entries, self.write_units, self.read_units):
            counted.clear()
        self.empty_receives = 0
        self.journal = [] if journal else None

    def as_json(self) -> dict[str, Any]:
        """Everything, JSON-able."""
        return {
            "calls": dict(self.calls),
            "refused": dict(self.refused),
            "entries": dict(self.entries),
            "write_units": dict(self.write_units),
            "read_units": dict(self.read_units),
            "empty_receives": self.empty_receives,
            "journal": self.journal or [],
        }
