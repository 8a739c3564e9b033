"""One claim's life as the witness sees it from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cqworker.clock import Clock
from cqworker.events import JobRef
from cqworker.flow.lease import Lease, LeaseState
from tests.simulation.network import Link, Trouble

BEFORE = 1.0
LONG = 1.0
VANISHED = "vanished"
"""How an attempt ended that wrote no ending: its job was taken from it."""
PATIENCE = 35.0
"""Seconds in which a process that lives has surely repeated a request: a pause, and a try that hung."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that befell a process as a whole, from when to when (virtual seconds)."""

    kind: str
    began: float
    ended: float


class Suspect(Protocol):
    """A process as the witness needs it."""

    name: str
    link: Link
    is_dead: bool
    disturbances: list[Disturbance]
    leaving: asyncio.Event | None

    @property
    def clock(self) -> Clock: ...

    def leases(self) -> Iterator[Lease]: ...

    def would_not_stop(self, job: JobRef) -> bool: ...


@dataclass(slots=True)
class Attempt:
    """A claim that was applied, and what became of it; `ended` is None while nobody wrote how, `ended_at` when.

    `deaf`: when it was abandoned its handler did not, or could not, hear that it shall stop.
    `outlived`: its lease was over when a renewal was granted.
    """

    token: str
    job_id: str
    round: int
    number: int
    by: Suspect
    asked_at: float
    claimed_at: float
    started: bool = False
    running: bool = False
    lost: bool = False
    abandoned: bool = False
    deaf: bool = False
    ghost: bool = False
    ended: str | None = None
    ended_at: float | None = None
    lease: Lease | None = None
    returned: object = None
    outlived: bool = False

    def __str__(self) -> str:
        return f"{self.job_id} round {self.round} attempt {self.number} of {self.by.name} ({self.token})"

    @property
    def about(self) -> str:
        return f"{self.job_id} {self.token}"

    def shares_key(self, other: Attempt) -> bool:
        """Whether it was handed back before the other one, and so had the same number and the same objects."""
        same = (self.job_id, self.round, self.number) == (other.job_id, other.round, other.number)
        return same and self.ended == "handed back"

    def end(self, how: str, at: float) -> None:
        """Its record left it, by its own write or by another's."""
        self.ended, self.ended_at = how, at

    def ended_late(self) -> bool:
        """It wrote its ending itself, but the request wandered long after its process had given it up."""
        if self.ended in (None, VANISHED):
            return False
        late = (trouble for trouble in self.by.link.troubles if trouble.kind == "late")
        return any(one.call.name in ("Settle", "HandBack") and one.call.about == self.about for one in late)

    def believes(self) -> bool:
        """Whether its process, alive, trusts its lease now."""
        if self.by.is_dead or self.ended is not None or self.lost:
            return False
        lease = self.lease or next((lease for lease in self.by.leases() if lease.token == self.token), None)
        if lease is None or lease.state is LeaseState.GONE:
            return False
        return self.by.clock.monotonic() < min(lease.record_until, lease.receipt_until)

    def was_suspended(self) -> bool:
        """Whether its process was, machine and all, since it asked for the job."""
        return disturbed(self.by, self.asked_at, float("inf"), "suspend") is not None

    def was_haunted(self) -> bool:
        """A delayed copy of one of its own writes may have shortened its lease."""
        troubles = self.by.link.troubles
        haunting = (
            trouble for trouble in troubles if trouble.kind in ("late", "ghost") and trouble.call.name == "Renew"
        )
        return any(trouble.call.about == self.about for trouble in haunting)

    def excuse(self, now: float) -> str | None:
        """Why it may have ended without a word."""
        if self.lost or self.abandoned or self.ghost or self.was_haunted():
            return "lost, abandoned or a delayed copy"
        unanswered = self.by.link.unanswered.get(self.about)
        if unanswered is not None and (self._is_recent(unanswered, now) or self._waits_for_its_store(now)):
            return "its last request was not answered"
        if (kind := disturbed(self.by, self.claimed_at - BEFORE, now)) is not None:
            return kind
        return next((trouble.kind for trouble in self.by.link.troubles if self._suffers(trouble, now)), None)

    def _suffers(self, trouble: Trouble, now: float) -> bool:
        """Whether this trouble of its process may have cost it its lease."""
        call = trouble.call
        if call.name == "change_visibility":
            return self.lease is not None and f"{self.lease.delivery.receipt}=" in call.about
        if call.about != self.about:
            return False
        if trouble.kind in ("late", "ghost") and call.name in ("Claim", "Reopen") and not self.started:
            return True
        return trouble.ended - trouble.began > LONG and self._is_recent(trouble.ended, now)

    def _waits_for_its_store(self, now: float) -> bool:
        """Who has nobody to hand back to asks again when a check was answered."""
        troubles = self.by.link.troubles
        return any(one.call.service == "dynamodb" and now - one.ended < PATIENCE for one in troubles)

    def _is_recent(self, when: float, now: float) -> bool:
        """Who never started must go on trying to hand back; who did may give up with its lease."""
        return self.started or now - when < PATIENCE


def disturbed(process: Suspect, since: float, until: float, *kinds: str) -> str | None:
    """What befell the process between the two times; any kind where none is named."""
    for disturbance in process.disturbances:
        if disturbance.began <= until and disturbance.ended >= since and (not kinds or disturbance.kind in kinds):
            return disturbance.kind
    return None


def troubled(process: Suspect, since: float, until: float) -> str | None:
    """What went wrong with any of its calls between the two times."""
    for trouble in process.link.troubles:
        if trouble.began <= until and trouble.ended >= since:
            return trouble.kind
    return None
