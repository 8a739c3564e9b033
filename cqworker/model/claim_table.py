"""The claim table: what a worker does with a message, given the record that refused its claim."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.model.attempt_writes import SOON_MS
from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord
from cqworker.model.status import Stage, Status

LOOK_AGAIN_MS = 5_000
"""Milliseconds that a copy is hidden whose fate is decided elsewhere.

Short, because the holder may hand the job back at any moment, and then this copy may be the only one that starts it.
"""


@dataclass(frozen=True, slots=True)
class Start:
    """The record is absent or free, its time has come: claim it."""


@dataclass(frozen=True, slots=True)
class StartRound:
    """The message opens a later round than the record's: reopen it."""


@dataclass(frozen=True, slots=True)
class Proceed:
    """A claim of ours was written and its answer lost: the record is already ours, so go on with the attempt."""


@dataclass(frozen=True, slots=True)
class CancelInstead:
    """A cancel was asked for before this start: write CANCELLED."""


@dataclass(frozen=True, slots=True)
class CrashInstead:
    """Every attempt was started and none settled: write FAILED `crashed`."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Not this copy, or not yet: hide the message, for there is nothing to do before `until` (epoch ms)."""

    until: int


@dataclass(frozen=True, slots=True)
class Drop:
    """The message starts nothing any more, now or later: delete it."""


@dataclass(frozen=True, slots=True)
class ListAnew:
    """It waits for a slot of a limit: put it on the waiting list of that (again), then delete the message."""


Verdict = Start | StartRound | Proceed | CancelInstead | CrashInstead | WaitUntil | ListAnew | Drop


def verdict_of(seen: JobRecord | None, envelope: Envelope, token: str, now: int, grace: int = 0) -> Verdict:
    """What to do with a message: the row of the claim table that fits.

    `seen` is the record that refused the claim with this `token`, at `now` (epoch ms); None where there is none.
    A lease counts as over `grace` ms after its end.
    """
    if seen is None:
        return Start()
    if envelope.round < seen.round:
        return Drop()
    if seen.status is Status.RUNNING and seen.token == token:
        return Proceed()
    is_later = envelope.round > seen.round
    match seen.status.stage:
        case Stage.HELD if not seen.has_expired(now - grace):
            return _hide_until_over(seen, now, grace)
        case Stage.HELD | Stage.WAITING:
            return StartRound() if is_later else _judge_free(seen, envelope, now)
        case Stage.SPENT:
            return StartRound() if is_later else Drop()
        case Stage.DONE | Stage.RESERVED:
            return Drop()


def _hide_until_over(seen: JobRecord, now: int, grace: int) -> WaitUntil:
    """Until the lease ends; one that has ended is looked at again soon, for its grace may be over any moment."""
    end = seen.lease_expires_at or now
    return WaitUntil(now + min(grace, LOOK_AGAIN_MS) if seen.has_expired(now) else end)


def _judge_free(seen: JobRecord, envelope: Envelope, now: int) -> Verdict:
    """The rows for a record of the message's own round that nobody holds; a cancel goes before used-up attempts.

    A record that the index of due jobs has waits for the copy that is sent for its time, one that is parked for the
    copy that ends that: any other starts nothing.
    """
    if seen.cancel_requested_at is not None:
        return CancelInstead()
    if seen.is_parked_otherwise(envelope):
        return ListAnew()
    if seen.is_marked and not _is_sent_for_its_time(seen, envelope):
        return Drop()
    if seen.scheduled_at is not None and seen.scheduled_at > now + SOON_MS:
        return WaitUntil(seen.scheduled_at)
    if seen.attempt >= seen.max_attempts:
        return CrashInstead()
    return Start()


def _is_sent_for_its_time(seen: JobRecord, envelope: Envelope) -> bool:
    return seen.is_marked and seen.scheduled_at == envelope.at


@dataclass(frozen=True, slots=True)
class MarkLost:
    """Write FAILED `lost`, then delete the dead letter."""


DeadLetterVerdict = MarkLost | CancelInstead | WaitUntil | ListAnew | Drop


def dead_letter_verdict_of(seen: JobRecord | None, envelope: Envelope, now: int, grace: int = 0) -> DeadLetterVerdict:
    """What to do with a message of ours from the dead-letter queue, given the record as seen at `now` (epoch ms).

    A job that the index of due jobs has, or that waits for others, needs no message: another one is sent to it. Only
    the copy that was sent for its time is kept until the job has left the index: whoever sent it may be about to take
    the job out, and then it is all that there is.
    A lease counts as over `grace` ms after its end.
    """
    if seen is None:
        return MarkLost()
    if seen.round > envelope.round:
        return Drop()
    match seen.status.stage:
        case Stage.HELD if not seen.has_expired(now - grace):
            return _hide_until_over(seen, now, grace)
        case Stage.HELD | Stage.WAITING if seen.waits_in_index:
            return WaitUntil(now + LOOK_AGAIN_MS) if _is_sent_for_its_time(seen, envelope) else Drop()
        case Stage.WAITING if seen.is_parked and seen.cancel_requested_at is None:
            return ListAnew()
        case Stage.HELD | Stage.WAITING:
            return MarkLost() if seen.cancel_requested_at is None else CancelInstead()
        case Stage.SPENT:
            return MarkLost() if seen.round < envelope.round else Drop()
        case Stage.DONE | Stage.RESERVED:
            return Drop()
