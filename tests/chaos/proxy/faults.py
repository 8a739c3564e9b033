"""The faults there are, and the plan that says which request meets which: one seed, one sequence of choices."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DropBefore:
    """The connection is closed and the service never hears of the request."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """The service does it, then the connection is closed: the answer is lost."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The request reaches the service so many seconds late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """The service says no and does nothing: a status and its error code."""

    status: int = 503
    code: str = "ServiceUnavailable"


Fault = DropBefore | DropAfter | Delay | Refuse

WRITES = frozenset(
    "SendMessage PutItem UpdateItem BatchExecuteStatement DeleteMessage DeleteMessageBatch ChangeMessageVisibility "
    "ChangeMessageVisibilityBatch PutObject".split()
)
"""Operations that have an effect; a receive has one, too, and is named where it is meant."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests meet the fault: those of these operations (None: all), each with this chance."""

    fault: Fault
    operations: frozenset[str] | None = None
    chance: float = 1.0


class Plan:
    """Decides for every request, and counts what it did to them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.injected: Counter[str] = Counter()
        self._rules: list[Rule] = []

    def choose(self, operation: str) -> Fault | None:
        """The first rule that hits."""
        for rule in self._rules:
            if (rule.operations is None or operation in rule.operations) and self.random.random() < rule.chance:
                self.injected[_named(rule.fault)] += 1
                return rule.fault
        return None

    @contextmanager
    def during(self, *rules: Rule) -> Iterator[None]:
        """These rules hold while the block lasts."""
        self._rules.extend(rules)
        try:
            yield
        finally:
            for rule in rules:
                self._rules.remove(rule)


def _named(fault: Fault) -> str:
    return f"{fault.status} {fault.code}" if isinstance(fault, Refuse) else type(fault).__name__
