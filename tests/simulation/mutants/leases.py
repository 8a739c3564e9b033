"""Leases that are trusted, renewed or given up otherwise than they may be."""

from __future__ import annotations

from msgspec.structs import replace

from cqworker.execution.outcome import StopReason
from cqworker.flow.acknowledger import Acknowledger
from cqworker.flow.lease import Lease
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.model.attempt_writes import Claim, HandBack, Renew
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports import MAX_VISIBILITY, Delivery
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _short_days(profile: Profile) -> bool:
    """Worlds in which jobs come near the longest time that SQS hides a message."""
    return profile.longest_hold < MAX_VISIBILITY


def _wild(profile: Profile) -> bool:
    """Worlds in which a job is taken from somebody who believes in a lease."""
    return profile.wild


@mutant("a running job is never told of its cancel", where=lambda profile: not profile.closed)
def _cancel_unheard(swap: Swap) -> None:
    honest = Lease.stop

    def stop(self: Lease, reason: StopReason) -> None:
        if reason is not StopReason.CANCEL:
            honest(self, reason)

    swap(Lease, "stop", stop)


@mutant("a renewal counts from its answer", "slow")
def _from_the_answer(swap: Swap) -> None:
    renew = LeaseKeeper._renew_record

    async def renewed(self: LeaseKeeper, lease: Lease, sent: float) -> None:
        before = lease.record_until
        await renew(self, lease, sent)
        if lease.record_until > before:
            lease.extend_record(self._clock.monotonic())

    swap(LeaseKeeper, "_renew_record", renewed)


@mutant("a claim's lease counts from its answer", "slow")
def _claim_from_the_answer(swap: Swap) -> None:
    honest = Lease.__init__

    def begin(self: Lease, delivery: Delivery, job: object, token: str, period: float, claimed_at: float) -> None:
        honest(self, delivery, job, token, period, claimed_at)  # type: ignore[arg-type]  # as it came
        self.record_until += 0.9 * period / 6

    swap(Lease, "__init__", begin)


@mutant("a refused renewal stops nobody", where=_wild)
def _refusal_unheard(swap: Swap) -> None:
    lose = LeaseKeeper._lose

    def lost(self: LeaseKeeper, lease: Lease, reason: str, *others: object) -> None:
        if "record" not in reason:
            lose(self, lease, reason, *others)

    swap(LeaseKeeper, "_lose", lost)


@mutant("the record's lease ends before the process believes it does")
def _short_lease(swap: Swap) -> None:
    honest = Renew.after

    def after(self: Renew, seen: JobRecord | None) -> JobRecord:
        renewed = honest(self, seen)
        began = renewed.started_at or 0
        return replace(renewed, lease_expires_at=max(began, (renewed.lease_expires_at or 0) - 5000))

    swap(Renew, "after", after)


@mutant("a receipt is renewed past SQS's longest time", where=_short_days)
def _renewed_too_long(swap: Swap) -> None:
    def seconds_left(self: LeaseKeeper, _lease: Lease, _now: float) -> int:
        return int(self.period)

    swap(LeaseKeeper, "_seconds_left", seconds_left)


@mutant("a message is put off past SQS's longest time", where=_short_days)
def _hidden_too_long(swap: Swap) -> None:
    def hide(self: Acknowledger, delivery: Delivery, seconds: float) -> None:
        self._hides.add((delivery.receipt, int(seconds) + 1))

    swap(Acknowledger, "hide", hide)


@mutant("a hand-back may be carried out twice", "ghost")
def _handed_back_twice(swap: Swap) -> None:
    def permits(self: HandBack, seen: JobRecord | None) -> bool:
        return seen is not None and seen.token == self.token and seen.status in (Status.RUNNING, Status.QUEUED)

    swap(HandBack, "permits", permits)


@mutant("a copy of a handed-back job starts before its time", "delivered twice")
def _schedule_forgotten(swap: Swap) -> None:
    honest = Claim.permits

    def permits(self: Claim, seen: JobRecord | None) -> bool:
        return honest(self, seen and replace(seen, scheduled_at=None))

    swap(Claim, "permits", permits)
