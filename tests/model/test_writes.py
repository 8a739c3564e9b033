"""The writes: what each one needs to find, what it leaves behind, and that a late copy of one revives nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cqworker.model.attempt_writes import HandBack, Renew, Settle
from cqworker.model.history import MAX_ENTRIES, Entry, trim_if_full
from cqworker.model.operator_writes import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.model.record import Failure, JobRecord, Progress
from cqworker.model.status import SETTLED, FailureKind, Status
from cqworker.model.writes import Change, LazyWritten, Written
from tests.model.samples import LEASE, NOW, OTHER, OURS, PURGE, claim, message, record, reopen, running

FAILURE = Failure(FailureKind.RAISED, "It broke.")
PROGRESS = Progress(1, 2, None, NOW)
ENDED = (Entry(NOW, "ended"),)


def settle(status: Status = Status.SUCCEEDED, token: str = OURS) -> Settle:
    scheduled_at = NOW + 5000 if status is Status.RETRYING else None
    return Settle(
        job_id="job-1",
        token=token,
        status=status,
        now=NOW,
        purge_at=PURGE,
        entry=ENDED[0],
        failure=None if status is Status.SUCCEEDED else FAILURE,
        scheduled_at=scheduled_at,
    )


def hand_back(token: str = OURS) -> HandBack:
    return HandBack(job_id="job-1", token=token, purge_at=PURGE, history=ENDED)


def cancelled(seen: JobRecord) -> Forestall:
    return Forestall(
        seen=seen, status=Status.CANCELLED, now=NOW, purge_at=PURGE, entry=Entry(NOW, "cancelled", seen.attempt)
    )


def renew(lease_expires_at: int, token: str = OURS, progress: Progress | None = None) -> Renew:
    return Renew(job_id="job-1", token=token, lease_expires_at=lease_expires_at, progress=progress)


def fenced(token: str) -> list[Change]:
    return [renew(LEASE + 1, token), hand_back(token), *(settle(status, token) for status in SETTLED)]


def test_a_claim_starts_the_next_attempt_under_its_token_and_clears_the_schedule() -> None:
    after = claim().after(record(Status.RETRYING, attempt=1, scheduled_at=NOW - 1, failure=FAILURE, token=OTHER))
    assert (after.status, after.attempt, after.token) == (Status.RUNNING, 2, OURS)
    assert (after.lease_expires_at, after.started_at, after.purge_at) == (LEASE, NOW, PURGE)
    assert (after.scheduled_at, after.failure) == (None, FAILURE)
    assert [entry.event for entry in after.history] == ["submitted", "claimed"]


def test_a_claim_makes_an_absent_record_from_the_message() -> None:
    after = claim(number=2).after(None)
    assert (after.status, after.attempt, after.round, after.payload) == (Status.RUNNING, 1, 2, '{"text":"hello"}')
    assert after.history[0] == Entry(NOW - 60_000, "submitted")


def test_a_new_round_by_its_message_begins_anew_and_says_why() -> None:
    old = record(
        Status.FAILED, attempt=3, token=OTHER, failure=FAILURE, finished_at=NOW, cancel_requested_at=NOW, result="1"
    )
    after = reopen().after(old)
    assert (after.status, after.round, after.attempt, after.token) == (Status.RUNNING, 2, 1, OURS)
    assert (after.failure, after.finished_at, after.cancel_requested_at, after.result) == (None, None, None, None)
    assert [entry.event for entry in after.history] == ["submitted", "retried", "claimed"]


@pytest.mark.parametrize("seen", [None, *(record(status, token=OURS) for status in Status), running(OTHER)])
def test_only_the_holder_of_a_running_attempt_may_write(seen: JobRecord | None) -> None:
    expected = seen is not None and seen.status is Status.RUNNING and seen.token == OURS
    assert {change.permits(seen) for change in fenced(OURS)} == {expected}


def test_the_holder_may_write_even_past_its_lease_while_nobody_took_over() -> None:
    assert all(change.permits(running(OURS, NOW - 1)) for change in fenced(OURS))


def test_a_renewal_moves_the_lease_and_keeps_progress_that_is_not_new() -> None:
    seen = running(OURS, progress=PROGRESS)
    assert renew(LEASE + 9).after(seen) == replace(seen, lease_expires_at=LEASE + 9)
    newer = Progress(2, 2, "done", NOW + 1)
    assert renew(LEASE, progress=newer).after(seen).progress == newer


@pytest.mark.parametrize("status", SETTLED)
def test_a_settle_ends_the_attempt_and_keeps_its_token(status: Status) -> None:
    after = settle(status).after(running(OURS))
    assert (after.status, after.token, after.lease_expires_at) == (status, OURS, None)
    assert after.history == (*running().history, *ENDED)
    assert after.finished_at == (NOW if status.is_final else None)
    assert after.scheduled_at == (None if status.is_final else NOW + 5000)
    assert settle(status).was_applied_to(after)


def test_retrying_is_refused_while_a_cancel_is_asked_for_and_gives_way_to_it() -> None:
    asked = running(OURS, cancel_requested_at=NOW)
    assert not settle(Status.RETRYING).permits(asked)
    assert settle(Status.RETRYING).gives_way_to_cancel(asked)
    assert settle(Status.SUCCEEDED).permits(asked)
    assert not settle(Status.RETRYING, OTHER).gives_way_to_cancel(asked)
    assert not settle(Status.RETRYING).gives_way_to_cancel(running(OURS))


def test_a_hand_back_refunds_the_attempt() -> None:
    after = hand_back().after(running(OURS, attempt=3))
    assert (after.status, after.attempt, after.lease_expires_at) == (Status.QUEUED, 2, None)
    assert hand_back().was_applied_to(after)
    assert not hand_back(OTHER).was_applied_to(after)


@pytest.mark.parametrize("marked", [True, False])
def test_a_hand_back_that_waits_is_refused_while_a_cancel_is_asked_for_and_gives_way_to_it(marked: bool) -> None:
    asked = running(OURS, cancel_requested_at=NOW)
    waiting = replace(hand_back(), scheduled_at=NOW + 5000, marked=marked)
    assert not waiting.permits(asked)
    assert waiting.gives_way_to_cancel(asked)
    assert waiting.permits(running(OURS))
    assert hand_back().permits(asked), "what is due at once is judged by its next claim"


def test_a_settle_of_a_full_history_puts_a_shortened_one_in_its_place() -> None:
    full = tuple(Entry(NOW, "handed_back", number) for number in range(MAX_ENTRIES))
    shorter = trim_if_full(full, ENDED[0])
    assert shorter == (*full[1:], *ENDED)
    assert replace(settle(), history=shorter).after(running(OURS, history=full)).history == shorter
    assert trim_if_full(full[1:], ENDED[0]) is None


def test_a_hand_back_of_an_unanswered_claim_leaves_its_history() -> None:
    seen = running(OURS)
    blind = HandBack(job_id="job-1", token=OURS, purge_at=PURGE)
    assert blind.after(seen).history == seen.history


def test_a_submission_writes_only_where_nothing_stands() -> None:
    enter = Enter(record=record())
    assert enter.permits(None)
    assert not any(enter.permits(record(status)) for status in Status)


def test_an_ending_in_place_of_a_start_needs_what_was_seen() -> None:
    seen = record(Status.RETRYING, attempt=2, token=OTHER)
    moved = [
        replace(seen, status=Status.QUEUED),
        replace(seen, round=2),
        replace(seen, attempt=1),
        replace(seen, token=OURS),
    ]
    assert cancelled(seen).permits(seen)
    assert not any(cancelled(seen).permits(other) for other in (None, *moved))


def test_an_ending_in_place_of_a_start_needs_a_lease_that_has_ended() -> None:
    expired = running(OTHER, NOW - 1)
    assert cancelled(expired).permits(expired)
    assert not cancelled(expired).permits(replace(expired, lease_expires_at=NOW))


def test_a_cancel_of_a_running_job_is_a_request_of_its_round_and_keeps_its_first_time() -> None:
    ask = AskCancel(job_id="job-1", round=1, now=NOW)
    assert ask.after(running()).cancel_requested_at == NOW
    assert ask.after(running(cancel_requested_at=NOW - 5)).cancel_requested_at == NOW - 5
    refused = [None, running(round=2), *(record(status) for status in Status if status is not Status.RUNNING)]
    assert not any(ask.permits(seen) for seen in refused)


def test_a_new_round_needs_the_status_and_the_round_that_were_read() -> None:
    seen = record(Status.FAILED, attempt=3, failure=FAILURE, token=OTHER)
    retry = NewRound(seen=seen, now=NOW, purge_at=PURGE)
    assert retry.permits(seen)
    assert not any(retry.permits(other) for other in (None, replace(seen, round=2), record(Status.CANCELLED)))
    after = retry.after(seen)
    assert (after.status, after.round, after.attempt, after.failure) == (Status.QUEUED, 2, 0, None)


def test_a_loss_ends_the_job_in_the_round_of_its_message() -> None:
    after = Lose(envelope=message(2), now=NOW, purge_at=PURGE).after(record(Status.CANCELLED))
    assert after.failure is not None
    assert (after.status, after.round, after.failure.kind) == (Status.FAILED, 2, FailureKind.LOST)
    made = Lose(envelope=message(), now=NOW, purge_at=PURGE).after(None)
    assert (made.status, made.payload, made.attempt) == (Status.FAILED, '{"text":"hello"}', 0)


LIVES: dict[str, list[Change]] = {
    "submitted, done": [Enter(record=record()), claim(), settle()],
    "handed back, done": [Enter(record=record()), claim(), hand_back(), claim("b"), settle(token="b")],
    "retried by itself": [claim(), settle(Status.RETRYING), claim("b", now=NOW + 5000), settle(token="b")],
    "lease lost": [claim(), claim("b", now=LEASE + 1), settle(token="b")],
    "cancelled while waiting": [Enter(record=record()), cancelled(record())],
    "lost": [Enter(record=record()), Lose(envelope=message(), now=NOW, purge_at=PURGE)],
    "a second round": [
        claim(),
        settle(Status.FAILED),
        NewRound(seen=settle(Status.FAILED).after(claim().after(None)), now=NOW, purge_at=PURGE),
        claim("b", number=2),
        settle(token="b"),
    ],
    "a second round by its message": [claim(), settle(Status.FAILED), reopen("b"), settle(token="b")],
}


@pytest.mark.parametrize("life", LIVES)
def test_a_late_copy_of_any_write_changes_nothing(life: str) -> None:
    seen: JobRecord | None = None
    done: list[Change] = []
    for change in LIVES[life]:
        assert change.permits(seen), change
        seen = change.after(seen)
        done.append(change)
        assert not any(copy.permits(seen) for copy in done)
    assert seen is not None
    assert seen.status.is_final


def test_a_late_cancel_reaches_no_later_round() -> None:
    ask = AskCancel(job_id="job-1", round=1, now=NOW)
    assert not ask.permits(reopen().after(record(Status.FAILED)))


def test_an_unread_answer_equals_the_read_one_and_reads_when_it_is_looked_at() -> None:
    looks: list[JobRecord] = []

    def read() -> JobRecord:
        looks.append(running())
        return looks[-1]

    unread = LazyWritten(read)
    assert looks == []
    assert unread == Written(running())
    assert unread != Written(record())
    assert len(looks) == 2
