"""What two sides that ran in turns say of each other: a ratio, and how sure it is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

BLOCK = 5
"""Turns that are added up before they are divided: in a single one a batch left by the turn before weighs too much."""
CONFIDENCE_95 = 1.96
"""Standard deviations on each side of the mean that hold 95 % of a normal distribution."""


class Turn(NamedTuple):
    """What one side did while it ran: seconds on a CPU, and jobs that ended."""

    cpu: float
    jobs: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """The cost of a job after the change by that before it.

    `median` is that of the blocks; `spread` is half of the interval in which the true median lies 95 times of 100,
    read from the order of the blocks, which no outlier moves (Conover, Practical Nonparametric Statistics, 3.2).
    """

    median: float
    spread: float
    base_ms: float
    head_ms: float

    def exceeds(self, limit: float) -> bool:
        """Whether a job costs more than so many percent on top, beyond what the spread explains."""
        return self.median - 1 > limit / 100 + self.spread


def ratio(base: Sequence[Turn], head: Sequence[Turn]) -> Ratio:
    """Of turns that were taken in pairs. Raises ValueError where too few jobs ended to tell."""
    pairs = list(zip(_blocks(base), _blocks(head), strict=True))
    found = sorted(_cost(after) / _cost(before) for before, after in pairs if before.jobs and after.jobs)
    if len(found) < 2:
        raise ValueError(f"jobs ended in {len(found)} of {len(pairs)} blocks of turns: take more rounds")
    low, high = _ranks(len(found))
    return Ratio(
        median=statistics.median(found),
        spread=(found[high] - found[low]) / 2,
        base_ms=_cost(_sum(base)) * 1000,
        head_ms=_cost(_sum(head)) * 1000,
    )


def _ranks(count: int) -> tuple[int, int]:
    """The places of the interval's ends in a sorted list: the binomial distribution, as a normal one."""
    half = CONFIDENCE_95 * math.sqrt(count) / 2
    low = max(0, math.floor(count / 2 - half))
    return low, count - 1 - low


def _blocks(turns: Sequence[Turn]) -> list[Turn]:
    return [_sum(turns[begin : begin + BLOCK]) for begin in range(0, len(turns), BLOCK)]


def _sum(turns: Sequence[Turn]) -> Turn:
    return Turn(sum(turn.cpu for turn in turns), sum(turn.jobs for turn in turns))


def _cost(turn: Turn) -> float:
    return turn.cpu / turn.jobs if turn.jobs else math.nan
