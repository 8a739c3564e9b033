"""A clock that stands where a test puts it."""

from __future__ import annotations

NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z in epoch ms, where it starts."""


class SetClock:
    def __init__(self) -> None:
        self.ms = NOW

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000
