"""An outage charges no attempt and costs no finished work: who was only kept from the services comes first again."""

from __future__ import annotations

from tests.simulation.attempt import BEFORE, Attempt, Suspect, disturbed
from tests.simulation.network import Trouble

STANDING = ("freeze", "suspend")
REMEMBERED = 25.0
"""Seconds after its last failure in which a process surely respects the leases of others: 30, less the way there."""


def is_charged_for_outage(attempt: Attempt, taker: Suspect, now: float) -> bool:
    """Whether a job is taken from a process that nothing befell but outages, by one that met them, too, just now.

    One that stood still when the outage began counts its grace from when it moved again.
    """
    if disturbed(taker, attempt.claimed_at, now, *STANDING) is not None:
        return False
    if not _met(taker, now - REMEMBERED, now) or not _met(attempt.by, attempt.claimed_at - BEFORE, now):
        return False
    return _was_well(attempt, now) and not _was_abandoned(attempt)


def is_undone_by_outage(attempt: Attempt, now: float) -> bool:
    """Whether an attempt is handed back although its handler had returned before anybody told it to stop."""
    told = attempt.lease is not None and attempt.lease.stop_reason is not None
    if attempt.returned is None or told or attempt.by.leaving is not None:
        return False
    return _was_well(attempt, now) and not any(trouble.call.service == "s3" for trouble in attempt.by.link.troubles)


def _was_well(attempt: Attempt, now: float) -> bool:
    """Its process lived and was disturbed by nothing but outages."""
    process = attempt.by
    if process.is_dead or attempt.ghost or disturbed(process, attempt.claimed_at - BEFORE, now) is not None:
        return False
    return all(trouble.outage for trouble in _troubles(process, attempt.claimed_at - BEFORE, now))


def _was_abandoned(attempt: Attempt) -> bool:
    """Its handler could not, or would not, stop: what still runs is never handed back."""
    return attempt.abandoned or (attempt.lease is not None and attempt.by.would_not_stop(attempt.lease.job))


def _met(process: Suspect, since: float, until: float) -> bool:
    return any(trouble.outage for trouble in _troubles(process, since, until))


def _troubles(process: Suspect, since: float, until: float) -> list[Trouble]:
    return [trouble for trouble in process.link.troubles if trouble.began <= until and trouble.ended >= since]
