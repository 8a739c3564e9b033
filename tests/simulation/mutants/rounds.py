"""Rounds, cancels, dead letters and ages that are mixed up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from cqworker.flow import dead_letter_poller as dead_letters_module
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.model import attempt_writes as attempts_module
from cqworker.model import claim_table
from cqworker.model import operator_writes as interventions_module
from cqworker.model.attempt_writes import Claim, HandBack, Reopen, Settle
from cqworker.model.envelope import Envelope
from cqworker.model.operator_writes import AskCancel, Forestall, Lose, NewRound
from cqworker.model.record import JobRecord, without_past
from tests.simulation.mutants.registry import Mutation, Swap, mutant
from tests.simulation.profile import Profile


def _impatient(profile: Profile) -> bool:
    """Worlds in which people cancel and retry what they see."""
    return profile.impatience is not None


def _buries(profile: Profile) -> bool:
    """Worlds in which messages go to the dead letters though nothing is wrong with them."""
    return profile.max_receives is not None


@mutant("a new round inherits the cancel of the last")
def _cancel_inherited(swap: Swap) -> None:
    def past(record: JobRecord) -> JobRecord:
        return replace(without_past(record), cancel_requested_at=record.cancel_requested_at)

    swap(attempts_module, "without_past", past)
    swap(interventions_module, "without_past", past)


@mutant("a new round inherits the result of the last")
def _ending_inherited(swap: Swap) -> None:
    def past(record: JobRecord) -> JobRecord:
        return replace(without_past(record), failure=record.failure)

    swap(attempts_module, "without_past", past)
    swap(interventions_module, "without_past", past)


@mutant("a retry is done as often as it is asked for", where=_impatient)
def _retried_again(swap: Swap) -> None:
    honest = OperatorActions.retry

    async def retry(
        self: OperatorActions, job_id: str, tenant: str | None, _round_number: int | None = None
    ) -> JobRecord:
        return await honest(self, job_id, tenant, None)

    swap(OperatorActions, "retry", retry)


@mutant("a dead letter of an older round ends the newer one", "back after delete", where=_buries)
def _buried_by_the_past(swap: Swap) -> None:
    def permits(self: Lose, seen: JobRecord | None) -> bool:
        if seen is None:
            return True
        return not seen.status.is_final and seen.is_free(self.now) and seen.cancel_requested_at is None

    swap(Lose, "permits", permits)


@mutant("a dead letter is deleted while its job is held", "crash", where=_buries)
def _held_dead_letter_dropped(swap: Swap) -> None:
    def verdict_of(seen: JobRecord | None, envelope: Envelope, *when: int) -> claim_table.DeadLetterVerdict:
        judged = claim_table.dead_letter_verdict_of(seen, envelope, *when)
        return claim_table.Drop() if isinstance(judged, claim_table.WaitUntil) else judged

    swap(dead_letters_module, "dead_letter_verdict_of", verdict_of)


@mutant("a cancelled job that was lost is FAILED", where=_buries)
def _cancel_lost(swap: Swap) -> None:
    honest = Lose.permits

    def permits(self: Lose, seen: JobRecord | None) -> bool:
        return honest(self, seen and replace(seen, cancel_requested_at=None))

    swap(Lose, "permits", permits)


@mutant("a cancel ends a job under its live lease")
def _cancelled_alive(swap: Swap) -> None:
    def permits(self: Forestall, seen: JobRecord | None) -> bool:
        return seen is not None and (seen.round, seen.token) == (self.seen.round, self.seen.token)

    honest = OperatorActions._cancel_write

    def cancellation(self: OperatorActions, record: JobRecord) -> Forestall | AskCancel:
        return honest(self, replace(record, lease_expires_at=0))

    swap(Forestall, "permits", permits)
    swap(OperatorActions, "_cancel_write", cancellation)


AGEING: dict[str, type[Any]] = {
    "a retry": NewRound,
    "a start": Claim,
    "a start of a new round": Reopen,
    "an ending": Settle,
    "a hand-back": HandBack,
    "a cancel": Forestall,
    "a loss": Lose,
}


def _ageless(change: type[Any]) -> Mutation:
    """The change leaves `purge_at` as it was."""

    def mutate(swap: Swap) -> None:
        honest: Callable[[Any, JobRecord | None], JobRecord] = change.after

        def after(self: Any, seen: JobRecord | None) -> JobRecord:
            written = honest(self, seen)
            return written if seen is None else replace(written, purge_at=seen.purge_at)

        swap(change, "after", after)

    return mutate


for _act, _change in AGEING.items():
    mutant(f"{_act} does not move the record's end on")(_ageless(_change))
