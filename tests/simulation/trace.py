"""The schedule of a run, as data that costs nothing until somebody wants to read it, and the count of its faults."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterator

from tests.simulation.kernel import Kernel

KEPT = 300


class Trace:
    """What happened, when (virtual seconds) and to whom; the last lines only, unless all are asked for."""

    def __init__(self, kernel: Kernel, *, whole: bool = False) -> None:
        self._kernel = kernel
        self._entries: deque[tuple[int, str, tuple[object, ...]]] = deque(maxlen=None if whole else KEPT)
        self.faults: Counter[str] = Counter()

    def note(self, who: str, *what: object) -> None:
        self._entries.append((self._kernel.ticks, who, what))

    def fault(self, kind: str, who: str, *what: object) -> None:
        """A fault that was injected: counted, and noted."""
        self.faults[kind] += 1
        self.note(who, "FAULT", kind, *what)

    def lines(self) -> Iterator[str]:
        for ticks, who, what in self._entries:
            yield f"{ticks / 1e6:12.6f}  {who:<10} {' '.join(map(str, what))}"

    def digest(self) -> str:
        """Equal for equal schedules."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()[:16]
