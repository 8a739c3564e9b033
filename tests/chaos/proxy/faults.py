"""The faults there are, and the plan that says which request meets which: one seed, one sequence of choices."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cqworker.aws import operations


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
    operation.name
    for operation in vars(operations).values()
    if isinstance(operation, operations.Operation) and operation.writes and operation is not operations.RECEIVE
)
"""The daemon's operations that have an effect; a receive has one, too, and is named where it is meant."""
UPDATES = frozenset({"PutItem", "UpdateItem", "BatchExecuteStatement"})
"""Writes of records."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests meet the fault: those of these operations (None: all), each with this chance."""

    fault: Fault
    operations: frozenset[str] | None = None
    chance: float = 1.0


class Plan:
    """Decides for every request, and counts what it did to them: by fault, and which operations `met` one."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.injected: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self._rules: list[Rule] = []

    def choose(self, operation: str) -> Fault | None:
        """The first rule that hits."""
        for rule in self._rules:
            if (rule.operations is None or operation in rule.operations) and self.random.random() < rule.chance:
                self.injected[_named(rule.fault)] += 1
                self.met[operation] += 1
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
