"""The claim table and the dead letters' table, for every state of a record."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from cqworker.model.claim_table import (
    LOOK_AGAIN_MS,
    CancelInstead,
    CrashInstead,
    DeadLetterVerdict,
    Drop,
    ListAnew,
    MarkLost,
    Proceed,
    Start,
    StartRound,
    Verdict,
    WaitUntil,
    dead_letter_verdict_of,
    verdict_of,
)
from cqworker.model.history import Entry
from cqworker.model.operator_writes import Forestall, Lose
from cqworker.model.record import JobRecord
from cqworker.model.status import WAITING, Status
from tests.model.samples import LEASE, MAX_ATTEMPTS, NOW, OURS, PURGE, claim, message, record, reopen
from tests.model.states import SCHEDULED, State, every_state, verdict_in

CLAIM_TABLE = """
status                    round       lease   token cancel time      attempts index    verdict
*                         lower       *       *     *      *         *        *        drop
RUNNING                   same|higher *       ours  *      *         *        *        go-on
RUNNING                   same|higher alive   other *      *         *        *        hide-for-the-lease
RUNNING                   same        expired other asked  *         *        *        cancel-instead
RUNNING                   same        expired other no     *         *        other    drop
RUNNING                   same        expired other no     ahead     *        out|sent hide-for-the-schedule
RUNNING                   same        expired other no     near|come used     out|sent crash-instead
RUNNING                   same        expired other no     near|come left     out|sent start
RUNNING                   higher      expired other *      *         *        *        start-round
SCHEDULED|QUEUED|RETRYING same        *       *     asked  *         *        *        cancel-instead
SCHEDULED|QUEUED|RETRYING same        *       *     no     *         *        other    drop
SCHEDULED|QUEUED|RETRYING same        *       *     no     ahead     *        out|sent hide-for-the-schedule
SCHEDULED|QUEUED|RETRYING same        *       *     no     near|come used     out|sent crash-instead
SCHEDULED|QUEUED|RETRYING same        *       *     no     near|come left     out|sent start
SCHEDULED|QUEUED|RETRYING higher      *       *     *      *         *        *        start-round
SUCCEEDED|BLOCKED         same|higher *       *     *      *         *        *        drop
FAILED|CANCELLED          same        *       *     *      *         *        *        drop
FAILED|CANCELLED          higher      *       *     *      *         *        *        start-round
"""
BURIAL_TABLE = """
status            round       lease   token cancel time attempts index      verdict
*                 lower       *       *     *      *    *        *          drop
SUCCEEDED|BLOCKED same|higher *       *     *      *    *        *          drop
FAILED|CANCELLED  same        *       *     *      *    *        *          drop
FAILED|CANCELLED  higher      *       *     *      *    *        *          bury
RUNNING           same|higher alive   *     *      *    *        *          hide-for-the-lease
RUNNING           same|higher expired *     *      *    *        sent     look-again
RUNNING           same|higher expired *     *      *    *        other    drop
RUNNING           same|higher expired *     asked  *    *        out        cancel-instead
RUNNING           same|higher expired *     no     *    *        out        bury
SCHEDULED         same|higher *       *     *      *    *        sent       look-again
SCHEDULED         same|higher *       *     *      *    *        out|other  drop
QUEUED|RETRYING   same|higher *       *     *      *    *        sent       look-again
QUEUED|RETRYING   same|higher *       *     *      *    *        other      drop
QUEUED|RETRYING   same|higher *       *     asked  *    *        out        cancel-instead
QUEUED|RETRYING   same|higher *       *     no     *    *        out        bury
"""
VERDICTS: dict[str, Verdict | DeadLetterVerdict] = {
    "drop": Drop(),
    "go-on": Proceed(),
    "hide-for-the-lease": WaitUntil(LEASE),
    "look-again": WaitUntil(NOW + LOOK_AGAIN_MS),
    "hide-for-the-schedule": WaitUntil(SCHEDULED),
    "cancel-instead": CancelInstead(),
    "crash-instead": CrashInstead(),
    "start": Start(),
    "start-round": StartRound(),
    "bury": MarkLost(),
}


def test_every_verdict_is_that_of_some_row() -> None:
    rows = {
        words[-1] for table in (CLAIM_TABLE, BURIAL_TABLE) for words in map(str.split, table.strip().splitlines()[1:])
    }
    assert {type(VERDICTS[name]) for name in rows} | {ListAnew} == {*get_args(Verdict), *get_args(DeadLetterVerdict)}


def test_a_dead_letter_of_a_parked_job_has_it_listed_anew_and_loses_it_in_no_case() -> None:
    for state in every_state():
        seen = replace(state.record(), parked="type:t")
        verdict = dead_letter_verdict_of(seen, state.message(), NOW)
        plain = dead_letter_verdict_of(state.record(), state.message(), NOW)
        waits = seen.status in WAITING and verdict is not plain
        if waits and isinstance(plain, MarkLost):
            assert isinstance(verdict, ListAnew), state
        else:
            assert verdict == plain, state
        lose = Lose(envelope=state.message(), now=NOW, purge_at=PURGE)
        assert not (seen.is_parked and lose.permits(seen)), state


def judged(state: State) -> Verdict:
    return verdict_of(state.record(), state.message(), OURS, NOW)


def judged_dead(state: State) -> DeadLetterVerdict:
    return dead_letter_verdict_of(state.record(), state.message(), NOW)


def instead(seen: JobRecord) -> Forestall:
    return Forestall(seen=seen, status=Status.CANCELLED, now=NOW, purge_at=PURGE, entry=Entry(NOW, "cancelled"))


def test_every_state_of_a_record_has_the_verdict_of_its_row() -> None:
    for state in every_state():
        assert judged(state) == VERDICTS[verdict_in(CLAIM_TABLE, state)], state


def test_every_state_of_a_record_has_the_burial_of_its_row() -> None:
    for state in every_state():
        assert judged_dead(state) == VERDICTS[verdict_in(BURIAL_TABLE, state)], state


def test_a_job_without_a_record_is_started_from_its_message_and_buried_from_its_dead_letter() -> None:
    assert verdict_of(None, message(), OURS, NOW) == Start()
    assert dead_letter_verdict_of(None, message(), NOW) == MarkLost()
    assert claim().permits(None)
    assert Lose(envelope=message(), now=NOW, purge_at=PURGE).permits(None)
    assert not reopen().permits(None)


def test_a_claim_is_permitted_exactly_where_the_verdict_is_to_start() -> None:
    for state in every_state():
        if state["token"] == "other":
            seen, sent = state.record(), state.message()
            assert replace(claim(), envelope=sent).permits(seen) == (judged(state) == Start()), state
            assert replace(reopen(), envelope=sent).permits(seen) == (judged(state) == StartRound()), state


def test_a_token_that_was_used_once_starts_nothing_again() -> None:
    for state in every_state():
        if state["token"] == "ours":
            seen, sent = state.record(), state.message()
            assert not replace(claim(), envelope=sent).permits(seen), state
            assert not replace(reopen(), envelope=sent).permits(seen), state


def test_an_ending_in_place_of_a_start_is_permitted_wherever_a_verdict_asks_for_it() -> None:
    for state in every_state():
        if judged(state) in (CancelInstead(), CrashInstead()) or judged_dead(state) == CancelInstead():
            assert instead(state.record()).permits(state.record()), state


def test_a_loss_is_permitted_exactly_where_the_dead_letter_is_to_be_buried() -> None:
    for state in every_state():
        change = Lose(envelope=state.message(), now=NOW, purge_at=PURGE)
        assert change.permits(state.record()) == (judged_dead(state) == MarkLost()), state


def test_a_cancel_goes_before_used_up_attempts() -> None:
    both = record(Status.RETRYING, attempt=MAX_ATTEMPTS, cancel_requested_at=NOW - 1)
    assert verdict_of(both, message(), OURS, NOW) == CancelInstead()


def test_a_lease_ends_after_its_last_millisecond() -> None:
    at_its_end = record(Status.RUNNING, attempt=1, token="other.1", lease_expires_at=NOW)
    assert verdict_of(at_its_end, message(), OURS, NOW) == WaitUntil(NOW)
    assert verdict_of(at_its_end, message(), OURS, NOW + 1) == Start()


def test_a_schedule_has_come_two_seconds_before_its_time() -> None:
    ahead = record(Status.QUEUED, scheduled_at=NOW + 2001)
    assert verdict_of(ahead, message(), OURS, NOW) == WaitUntil(NOW + 2001)
    assert verdict_of(ahead, message(), OURS, NOW + 1) == Start()


def test_who_has_a_place_in_the_index_and_no_time_is_not_in_it_and_judged_so() -> None:
    """As the claims of versions before the index leave it: they remove the time and know nothing of the place."""
    for state in every_state():
        if state["index"] == "out" and state.scheduled_at is None:
            seen, sent = replace(state.record(), due="3"), state.message()
            assert verdict_of(seen, sent, OURS, NOW) == judged(state), state
            assert dead_letter_verdict_of(seen, sent, NOW) == judged_dead(state), state
