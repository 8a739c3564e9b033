"""Cases where one thing decides: a record that permits a change, and the same with one thing otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from msgspec.structs import replace

from cqworker.model.attempt_writes import SOON_MS, Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.history import Entry
from cqworker.model.operator_writes import AskCancel, Forestall, Lose, NewRound
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import JobRecord, envelope_of
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.status import Status
from cqworker.model.writes import Change
from tests.contract.cases import FAILURE, PURGE, TOKENS, Case, record, start
from tests.contract.clock import NOW

OURS, THEIRS = TOKENS
FREE: dict[str, Any] = {
    "lease_expires_at": NOW - 1,
    "token": THEIRS,
    "attempt": 2,
    "scheduled_at": NOW + SOON_MS,
    "cancel_requested_at": None,
}
OTHERWISE: tuple[dict[str, Any], ...] = (
    {},
    {"lease_expires_at": None},
    {"lease_expires_at": NOW},
    {"token": None},
    {"token": OURS},
    {"attempt": 3},
    {"scheduled_at": None},
    {"scheduled_at": NOW + SOON_MS + 1},
    {"cancel_requested_at": NOW - 20_000},
)


READ_BEFORE: tuple[dict[str, Any], ...] = (
    {"attempt": 1},
    {"attempt": 3},
    {"round": 9},
    {"round": 1},
    {"token": None},
    {"token": OURS},
    {"status": Status.QUEUED},
    {"status": Status.RETRYING},
    {"status": Status.RUNNING},
    {"status": Status.FAILED},
)


IN_TIME: tuple[dict[str, Any], ...] = (
    {},
    {"due": None},
    {"scheduled_at": None},
    {"due": None, "scheduled_at": None},
    {"scheduled_at": NOW + 10**9},
    {"token": None},
    {"cancel_requested_at": NOW - 1},
)
OTHER_TIMES: tuple[dict[str, Any], ...] = (
    {"scheduled_at": None},
    {"scheduled_at": NOW},
    {"replacements": None},
    {"replacements": 1},
    {"replacements": 2},
)


def edges(seed: int) -> Iterator[Case]:
    """Every change of a job, across everything about the record or about what was known of it that may decide it."""
    rng = Random(seed)
    yield from _decided_by_the_record(rng)
    yield from _decided_by_what_was_known(rng)
    yield from _decided_by_the_time(rng)


def _decided_by_the_record(rng: Random) -> Iterator[Case]:
    plain = [(status, OTHERWISE[0]) for status in Status]
    changed = [(status, otherwise) for status in (Status.QUEUED, Status.RUNNING) for otherwise in OTHERWISE[1:]]
    for status, otherwise in plain + changed:
        for change_of in (_claimed, _reopened, _lost_in_its_round, _lost_in_a_later_round, _forestalled):
            seen = replace(record(rng), status=status, **FREE | otherwise)
            yield Case(seen, change_of(seen))
    fences = [(status, OURS) for status in Status] + [(Status.RUNNING, THEIRS), (Status.RUNNING, None)]
    for status, token in fences:
        for change_of in (
            _renewed,
            _succeeded,
            _retrying,
            _handed_back,
            _handed_back_for_a_while,
            _handed_back_for_long,
            _cancel_asked,
            _retried,
        ):
            for cancel in (None, NOW - 1) if status is Status.RUNNING else (None,):
                seen = replace(record(rng), status=status, token=token, cancel_requested_at=cancel)
                yield Case(seen, change_of(seen))


def _decided_by_what_was_known(rng: Random) -> Iterator[Case]:
    for status in (Status.QUEUED, Status.FAILED):
        for before in READ_BEFORE:
            for change_of in (_claimed, _reopened, _lost_in_its_round, _forestalled, _retried, _cancel_asked):
                seen = replace(record(rng), status=status, round=2, **FREE)
                yield Case(seen, change_of(replace(seen, **before)))
    for status in (Status.QUEUED, Status.SCHEDULED):
        for before in (*READ_BEFORE, *OTHER_TIMES):
            for change_of in (_handed_over, _replaced, _rescheduled, _reprioritised):
                seen = replace(record(rng), status=status, round=2, **FREE | {"due": "1"})
                yield Case(seen, change_of(replace(seen, **before)))


def _decided_by_the_time(rng: Random) -> Iterator[Case]:
    """Who starts, puts off or hands over a job that the index of due jobs may have."""
    changes = (
        _claimed_for_its_time,
        _claimed_for_no_time,
        _lost_in_its_round,
        _handed_over,
        _rescheduled,
        _reprioritised,
    )
    for status in (Status.SCHEDULED, Status.QUEUED, Status.RETRYING, Status.RUNNING, Status.BLOCKED):
        for otherwise in IN_TIME:
            for change_of in changes:
                seen = replace(record(rng), status=status, **FREE | {"due": "1"} | otherwise)
                yield Case(seen, change_of(seen))


def _claimed(seen: JobRecord) -> Change:
    return start(Claim, envelope_of(seen), OURS, seen.trace_id)


def _reopened(seen: JobRecord) -> Change:
    return start(Reopen, envelope_of(seen, round_number=seen.round + 1), OURS, seen.trace_id)


def _lost_in_its_round(seen: JobRecord) -> Change:
    return Lose(envelope=envelope_of(seen), now=NOW, purge_at=PURGE, trace_id=seen.trace_id)


def _lost_in_a_later_round(seen: JobRecord) -> Change:
    envelope = envelope_of(seen, round_number=seen.round + 1)
    return Lose(envelope=envelope, now=NOW, purge_at=PURGE, trace_id=seen.trace_id)


def _forestalled(seen: JobRecord) -> Change:
    entry = Entry(NOW, "failed", 0, "", "crashed")
    return Forestall(seen=seen, status=Status.FAILED, now=NOW, purge_at=PURGE, entry=entry, failure=FAILURE)


def _renewed(seen: JobRecord) -> Change:
    return Renew(job_id=seen.job_id, token=OURS, lease_expires_at=NOW + 60_000)


def _succeeded(seen: JobRecord) -> Change:
    return _settled(seen, Status.SUCCEEDED)


def _retrying(seen: JobRecord) -> Change:
    return _settled(seen, Status.RETRYING)


def _settled(seen: JobRecord, status: Status) -> Change:
    return Settle(job_id=seen.job_id, token=OURS, status=status, now=NOW, purge_at=PURGE, entry=Entry(NOW, "ended"))


def _handed_back(seen: JobRecord) -> Change:
    return HandBack(job_id=seen.job_id, token=OURS, purge_at=PURGE)


def _handed_back_for_a_while(seen: JobRecord) -> Change:
    return HandBack(job_id=seen.job_id, token=OURS, purge_at=PURGE, scheduled_at=NOW + 10_000)


def _handed_back_for_long(seen: JobRecord) -> Change:
    return HandBack(job_id=seen.job_id, token=OURS, purge_at=PURGE, scheduled_at=NOW + 10**9, marked=True)


def _handed_over(seen: JobRecord) -> Change:
    return HandOver(seen=seen)


def _rescheduled(seen: JobRecord) -> Change:
    return Reschedule(seen=seen, scheduled_at=NOW + 10**9, purge_at=PURGE, entry=Entry(NOW, "rescheduled"))


def _reprioritised(seen: JobRecord) -> Change:
    return Reprioritise(seen=seen, priority="high", purge_at=PURGE, entry=Entry(NOW, "reprioritised"))


def _replaced(seen: JobRecord) -> Change:
    entry = Entry(NOW, "replaced")
    return Reschedule(seen=seen, scheduled_at=NOW + 10**9, purge_at=PURGE, entry=entry, payload='{"text":"new"}')


def _claimed_for_its_time(seen: JobRecord) -> Change:
    return start(Claim, replace(envelope_of(seen), at=seen.scheduled_at), OURS, seen.trace_id)


def _claimed_for_no_time(seen: JobRecord) -> Change:
    return start(Claim, replace(envelope_of(seen), at=None), OURS, seen.trace_id)


def _cancel_asked(seen: JobRecord) -> Change:
    return AskCancel(job_id=seen.job_id, round=seen.round, now=NOW)


def _retried(seen: JobRecord) -> Change:
    return NewRound(seen=seen, now=NOW, purge_at=PURGE)
