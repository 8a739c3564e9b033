"""Every state a record can be in as a claim looks at it, and tables that name a verdict for each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.model.samples import LEASE, MAX_ATTEMPTS, NOW, OTHER, OURS, message, record

STATUSES = tuple(status.value for status in Status)
AXES: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "round": ("lower", "same", "higher"),
    "lease": ("alive", "expired"),
    "token": ("ours", "other"),
    "cancel": ("asked", "no"),
    "time": ("ahead", "near", "come"),
    "attempts": ("left", "used"),
    "index": ("out", "sent", "other"),
}
"""`round` is the message's against the record's; `time` where `scheduled_at` lies: beyond 2 s, within, or in the past.

`index`: the index of due jobs has not got the record; it has, and the message was sent for its time; it has, and the
message was sent for none, or for another.
"""
SCHEDULED = NOW + 30_000
RECORD_ROUND = 2
MESSAGE_ROUND = {"lower": 1, "same": 2, "higher": 3}


@dataclass(frozen=True, slots=True)
class State:
    """One point of the cross product, by the words of the axes."""

    words: tuple[str, ...]

    def __getitem__(self, axis: str) -> str:
        return self.words[list(AXES).index(axis)]

    @property
    def message_round(self) -> int:
        return MESSAGE_ROUND[self["round"]]

    @property
    def scheduled_at(self) -> int | None:
        come = None if self["index"] == "out" else NOW - 1
        return {"ahead": SCHEDULED, "near": NOW + 2000, "come": come}[self["time"]]

    def message(self) -> Envelope:
        """A message that meets it."""
        return message(self.message_round, at=self.scheduled_at if self["index"] == "sent" else None)

    def record(self) -> JobRecord:
        """A record in this state."""
        return record(
            Status(self["status"]),
            round=RECORD_ROUND,
            token=OURS if self["token"] == "ours" else OTHER,
            lease_expires_at=LEASE if self["lease"] == "alive" else NOW - 1,
            cancel_requested_at=NOW - 10_000 if self["cancel"] == "asked" else None,
            scheduled_at=self.scheduled_at,
            due=None if self["index"] == "out" else "3",
            attempt=MAX_ATTEMPTS if self["attempts"] == "used" else 1,
        )


def every_state() -> Iterator[State]:
    return map(State, itertools.product(*AXES.values()))


def verdict_in(table: str, state: State) -> str:
    """The verdict of the one row that fits; a table with no row or two for a state is wrong."""
    found = [verdict for pattern, verdict in _rows(table) if _fits(pattern, state)]
    assert len(found) == 1, f"{state}: {found}"
    return found[0]


def _rows(table: str) -> Iterator[tuple[list[str], str]]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    assert head == [*AXES, "verdict"]
    return ((row[:-1], row[-1]) for row in rows)


def _fits(pattern: list[str], state: State) -> bool:
    return all(wanted == "*" or word in wanted.split("|") for wanted, word in zip(pattern, state.words, strict=True))
