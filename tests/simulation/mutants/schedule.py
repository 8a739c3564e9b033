"""Jobs for later: marks that are set, taken and believed otherwise than they may be, and sweeps that do not sweep."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

from msgspec.structs import replace

from cqworker.errors import Unavailable
from cqworker.flow import claim as claim_module
from cqworker.flow import dead_letter_poller as dead_letters_module
from cqworker.flow.acknowledger import Delete, Disposition
from cqworker.flow.capacity import Slot
from cqworker.flow.claim import Claimed
from cqworker.flow.conclusion import Conclusion, Retrying
from cqworker.flow.journey import Journey
from cqworker.flow.settle import Settler
from cqworker.health.monitored_ports import MonitoredSchedule
from cqworker.jobs import hand_over as hand_over_module
from cqworker.jobs import messages as messages_module
from cqworker.jobs import operator_actions as operator_actions_module
from cqworker.jobs import submit as submit_module
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.messages import letter_of
from cqworker.jobs.waiting_jobs import require_waiting
from cqworker.model import claim_table
from cqworker.model.attempt_writes import Claim, Settle
from cqworker.model.envelope import Envelope
from cqworker.model.operator_writes import Forestall
from cqworker.model.record import JobRecord, envelope_of
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.ports.schedule import SweepLease
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.scheduling.sweeper import Sweeper
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import BESIDE_OLDER, Profile


def _timely(profile: Profile) -> bool:
    """Worlds in which jobs wait for longer than SQS delays a message."""
    return profile.timely


def _early(profile: Profile) -> bool:
    """The same with clocks so far apart that a copy comes early."""
    return profile.timely and profile.skew > 1500


def _changed_in_time(profile: Profile) -> bool:
    """The same with people who change their minds."""
    return profile.timely and profile.impatience is not None


def _buries(profile: Profile) -> bool:
    return profile.timely and profile.max_receives is not None


@mutant("an early copy of a job in the index is deleted", "frozen hand-over", where=_early)
def _early_copy_deleted(swap: Swap) -> None:
    def verdict_of(seen: JobRecord | None, envelope: Envelope, token: str, *when: int) -> claim_table.Verdict:
        judged = claim_table.verdict_of(seen, envelope, token, *when)
        is_early = isinstance(judged, claim_table.WaitUntil) and seen is not None and seen.is_marked
        return claim_table.Drop() if is_early else judged

    swap(claim_module, "verdict_of", verdict_of)


@mutant("any copy starts a job that is in the index", "late", where=_timely)
def _claimed_by_any(swap: Swap) -> None:
    honest = Claim.permits

    def permits(self: Claim, seen: JobRecord | None) -> bool:
        return honest(self, seen and replace(seen, due=None))

    swap(Claim, "permits", permits)


@mutant("a job leaves the index before its message is sent", where=_timely)
def _unmarked_first(swap: Swap) -> None:
    async def hand_over(self: HandOvers, record: JobRecord) -> None:
        await self._store.write(HandOver(seen=record))
        ahead = max(0, (record.scheduled_at or 0) - self._clock.now())
        await self._queues.named(record.queue, record.priority).send(letter_of(record, delay=-(-ahead // 1000)))

    swap(HandOvers, "hand_over", hand_over)


@mutant("a job leaves the index whatever time it waits for", "frozen hand-over", where=_timely)
def _unmarked_for_any_time(swap: Swap) -> None:
    def permits(self: HandOver, seen: JobRecord | None) -> bool:
        return seen is not None and seen.is_marked and (seen.status, seen.round) == (self.seen.status, self.seen.round)

    swap(HandOver, "permits", permits)


@mutant("a hand-over brings back what has ended or begun", where=_timely)
def _handed_over_anyway(swap: Swap) -> None:
    def permits(self: HandOver, seen: JobRecord | None) -> bool:
        return seen is not None and seen.round == self.seen.round

    swap(HandOver, "permits", permits)


@mutant("a long retry has a time and no place in the index", where=_timely)
def _retry_unmarked(swap: Swap) -> None:
    honest = Settle.after

    def after(self: Settle, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), due=None)

    swap(Settle, "after", after)


@mutant("the message goes before a long retry is written", where=_timely)
def _deleted_first(swap: Swap) -> None:
    carry_out, write = Journey._run_job, Settler.write
    journeys: ContextVar[Journey] = ContextVar("journeys of time")

    async def remembered(self: Journey, claimed: Claimed, slot: Slot) -> None:
        journeys.set(self)
        await carry_out(self, claimed, slot)

    async def late(self: Settler, claimed: Claimed, conclusion: Conclusion) -> Disposition:
        if isinstance(conclusion, Retrying) and conclusion.delay * 1000 > hand_over_module.HORIZON_MS:
            journeys.get().acknowledger.dispose(claimed.delivery, Delete(), claimed.envelope)
        return await write(self, claimed, conclusion)

    swap(Journey, "_run_job", remembered)
    swap(Settler, "write", late)


@mutant("a dead letter ends a job that is in the index", where=_buries)
def _lost_in_index(swap: Swap) -> None:
    swap(JobRecord, "waits_in_index", property(lambda _self: False))


@mutant("the copy that was sent for a job's time goes with the dead letters", where=_buries)
def _needed_dead_letter_dropped(swap: Swap) -> None:
    def verdict_of(seen: JobRecord | None, envelope: Envelope, *when: int) -> claim_table.DeadLetterVerdict:
        judged = claim_table.dead_letter_verdict_of(seen, envelope, *when)
        return claim_table.Drop() if seen is not None and seen.waits_in_index else judged

    swap(dead_letters_module, "dead_letter_verdict_of", verdict_of)


@mutant("a job is put off without a place in the index", where=_changed_in_time)
def _put_off_unmarked(swap: Swap) -> None:
    honest = Reschedule.after

    def after(self: Reschedule, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), due=None)

    swap(Reschedule, "after", after)


@mutant("a job is put off while it runs", where=_changed_in_time)
def _put_off_running(swap: Swap) -> None:
    def permits(self: Reschedule, seen: JobRecord | None) -> bool:
        return seen is not None and not seen.status.is_final and seen.round == self.seen.round

    swap(Reschedule, "permits", permits)


@mutant("a shard alone is a place in the index", *BESIDE_OLDER)
def _shard_is_mark(swap: Swap) -> None:
    swap(JobRecord, "is_marked", property(lambda self: self.due is not None))


@mutant("a job is put off although a cancel was asked for", where=lambda profile: profile.fickle)
def _put_off_cancelled(swap: Swap) -> None:
    honest, require = Reschedule.permits, require_waiting

    def permits(self: Reschedule, seen: JobRecord | None) -> bool:
        return honest(self, seen and replace(seen, cancel_requested_at=None))

    swap(Reschedule, "permits", permits)
    swap(
        operator_actions_module,
        "require_waiting",
        lambda record, what: require(replace(record, cancel_requested_at=None), what),
    )


@mutant("a start leaves its job in the index", where=_timely)
def _start_leaves_mark(swap: Swap) -> None:
    honest = Claim.after

    def after(self: Claim, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), due=seen and seen.due)

    swap(Claim, "after", after)


@mutant("a cancel leaves its job in the index", where=_changed_in_time)
def _cancel_leaves_mark(swap: Swap) -> None:
    honest = Forestall.after

    def after(self: Forestall, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), due=seen and seen.due, scheduled_at=seen and seen.scheduled_at)

    swap(Forestall, "after", after)


@mutant("a job for later is put without a place in the index", where=_timely)
def _put_unmarked(swap: Swap) -> None:
    swap(submit_module, "shard_of", lambda _job_id: None)


@mutant("a message does not say for which time it was sent", where=_timely)
def _sent_for_no_time(swap: Swap) -> None:
    def nameless(record: JobRecord, *, round_number: int | None = None) -> Envelope:
        return replace(envelope_of(record, round_number=round_number), at=None)

    swap(messages_module, "envelope_of", nameless)


@mutant("the sweep stops at the first job that cannot be sent", where=lambda profile: profile.unsendable)
def _sweep_stops(swap: Swap) -> None:
    async def send(self: Sweeper, records: Sequence[JobRecord]) -> int:
        for record in records:
            try:
                await self._hand_overs.hand_over(record)
            except Exception as error:
                raise Unavailable("sqs", str(error), "") from error
        return len(records)

    def anything(_self: Sweeper, _record: JobRecord) -> bool:
        return True

    swap(Sweeper, "_send", send)
    swap(Sweeper, "_may_be_sent", anything)


@mutant("a sweep lease is renewed by who swept nothing", where=lambda profile: profile.blind)
def _renewed_unswept(swap: Swap) -> None:
    honest = SweepLeases.look

    async def look(self: SweepLeases) -> None:
        for shard in self.shards:
            await self.renew(shard)
        await honest(self)

    swap(SweepLeases, "look", look)


@mutant("a dead sweeper is never followed", "crash", where=_timely)
def _never_followed(swap: Swap) -> None:
    honest = MonitoredSchedule.sweep_leases

    async def sweep_leases(self: MonitoredSchedule) -> Sequence[SweepLease]:
        return [replace(lease, until=lease.until + 10**12) for lease in await honest(self)]

    swap(MonitoredSchedule, "sweep_leases", sweep_leases)
