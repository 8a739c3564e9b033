"""Whose turn it is among the levels of a queue: the arithmetic of weights, and of strict order with a floor."""

from __future__ import annotations

from collections.abc import Sequence

from cqworker.ports import BATCH


class LevelShares:
    """Shares the slots of one worker out to the levels of one queue, which are numbered, the most urgent first.

    A level that has jobs and got least of its share comes next (`served` is starts by weight; what a receive under way
    may bring counts as started). One that was idle begins where the others stand: what it did not use is not owed to
    it, or it would shut the others out for as long as it had rested. `floor` None is weighted; else strict: always the
    most urgent that has jobs, but for one start in 1/`floor`, which goes to whichever of the others got least.
    """

    def __init__(self, weights: Sequence[int], floor: float | None) -> None:
        self._weights: tuple[int, ...] = tuple(weights) if floor is None else (1,) * len(weights)
        self._every = None if floor is None else max(2, round(1 / floor))
        self._served = [0.0] * len(weights)
        self._promised = [0] * len(weights)
        self._waiting = [0] * len(weights)
        self._is_idle = [True] * len(weights)
        self._stands_at = 0.0
        self._since_floor = 0

    def begin_waiting(self, level: int) -> None:
        """One more of this level waits for a slot: a message in hand, or a receive for a backlog."""
        self._wake(level)
        self._waiting[level] += 1

    def end_waiting(self, level: int) -> None:
        """One of those waits no more."""
        self._waiting[level] -= 1

    def promise(self, level: int, count: int) -> None:
        """A receive for so many slots is under way."""
        self._promised[level] += count

    def withdraw(self, level: int, count: int) -> None:
        """It is answered, or takes too long to bring anything."""
        self._promised[level] -= count

    def note_receive(self, level: int, *, is_backlogged: bool) -> None:
        """A receive was answered: whether more waits behind what it brought."""
        if is_backlogged:
            self._wake(level)
        self._is_idle[level] = not is_backlogged

    def is_idle(self, level: int) -> bool:
        """Whether its last receive brought less than it asked for, or only after a while."""
        return self._is_idle[level]

    def is_promised(self, level: int) -> bool:
        """Whether a receive for its own slots is under way."""
        return self._promised[level] > 0

    def count_start(self, level: int) -> None:
        """A job of this level has its slot."""
        if level > min(self._wanting(), default=level):
            self._since_floor = 0
        elif self._every is not None:
            self._since_floor = min(self._since_floor + 1, self._every)
        self._stands_at = max(self._stands_at, self._served[level])
        self._served[level] += 1 / self._weights[level]

    def next_level(self) -> int | None:
        """The level that the next free slot is for; None while none has jobs."""
        wanting = self._wanting()
        if len(wanting) < 2:
            return wanting[0] if wanting else None
        if self._every is None:
            return min(wanting, key=self._got)
        first, *others = wanting
        return min(others, key=self._got) if self._left_before_floor(first, others) <= 0 else first

    def most_at_once(self, level: int) -> int:
        """So many slots may be asked for in one receive of this level, where it comes next."""
        wanting = self._wanting()
        if self._every is None or len(wanting) < 2:
            return BATCH
        first, *others = wanting
        return max(1, min(BATCH, self._left_before_floor(first, others))) if level == first else 1

    def _left_before_floor(self, first: int, others: Sequence[int]) -> int:
        """Starts of the most urgent level before another one is due; many while a receive for that is under way."""
        if any(self._promised[level] for level in others):
            return BATCH
        assert self._every is not None
        return self._every - 1 - self._since_floor - self._promised[first]

    def _wanting(self) -> list[int]:
        return [level for level, waiting in enumerate(self._waiting) if waiting or self._promised[level]]

    def _got(self, level: int) -> float:
        return self._served[level] + self._promised[level] / self._weights[level]

    def _wake(self, level: int) -> None:
        if self._is_idle[level] and not self._waiting[level] and not self._promised[level]:
            self._served[level] = max(self._served[level], self._stands_at)
