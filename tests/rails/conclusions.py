"""Every conclusion that `conclude()` comes to: of each outcome, under each stop, in each kind of attempt."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any, get_args

from msgspec.structs import replace

from cqworker.errors import PayloadFault
from cqworker.execution.outcome import Ended, Hindered, Outcome, PayloadRefused, Raised, StopReason
from cqworker.execution.stop_outcomes import judge
from cqworker.flow.conclusion import Conclusion, Rules, conclude
from cqworker.flow.unknown_types import PATIENCE_MS
from cqworker.plugins.handler import Backoff
from tests.rails.jobs import RECORD
from tests.rails.samples import NOW, full

OUTCOMES: tuple[type[Any], ...] = get_args(Outcome)
RULES = Rules(Backoff(), NOW, lambda: 0.5)
MADE: dict[type[Any], Any] = {
    Hindered: Hindered("away", Raised("Unavailable", "away")),
    PayloadRefused: PayloadRefused((PayloadFault("/a", "is wrong"),)),
}
"""Outcomes that hold more than plain values."""


def outcome(kind: type[Any]) -> Any:
    """One of this kind."""
    return MADE.get(kind) or full(kind)


def judgements(kind: type[Any]) -> Iterator[Outcome]:
    """What an outcome of this kind counts as, whatever stop was told and seen."""
    made = outcome(kind)
    for told, seen in product((None, *StopReason), repeat=2):
        for end in (made, Ended(made, seen), Ended(made, seen, finished=True)):
            yield judge(end, told, draining=False, late=0.0)


def conclusions(judged: Outcome) -> Iterator[Conclusion]:
    """What it comes to in the first attempt and in the last, of a job that is new and of one that has waited long."""
    for attempt, created_at in product((1, RECORD.max_attempts), (NOW, NOW - PATIENCE_MS - 1)):
        yield conclude(replace(RECORD, attempt=attempt, created_at=created_at), judged, RULES)


@cache
def every_conclusion() -> tuple[Conclusion, ...]:
    """Those of all outcomes."""
    return tuple(found for kind in OUTCOMES for judged in judgements(kind) for found in conclusions(judged))
