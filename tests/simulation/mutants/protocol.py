"""One writer, one ending, one message: protocols that break the core of it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from msgspec.structs import replace

from cqworker.flow import claim as claim_module
from cqworker.flow.acknowledger import Acknowledger, Delete, Disposition
from cqworker.flow.capacity import Slot
from cqworker.flow.claim import Claimed, Claimer
from cqworker.flow.conclusion import Conclusion
from cqworker.flow.journey import Journey
from cqworker.flow.lease import Lease
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.poller import Poller
from cqworker.flow.settle import Settler
from cqworker.jobs.request_keys import KEY_LIFE_MS, RequestKeys
from cqworker.jobs.rounds import Rounds
from cqworker.jobs.submission import CheckedSubmission, Submission
from cqworker.jobs.submit import Submitter
from cqworker.model import claim_table
from cqworker.model.attempt_writes import Claim, HandBack, Settle
from cqworker.model.envelope import Envelope
from cqworker.model.operator_writes import Lose
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports import Delivery, KeyItem
from tests.simulation import machine
from tests.simulation.kernel import Guest, Kernel
from tests.simulation.mutants.registry import Swap, mutant

INDEX_LAG_MS = 1000


def _exists(_change: object, seen: JobRecord | None) -> bool:
    """A condition that holds for every record."""
    return seen is not None


@mutant("no fence in settle")
def _no_fence(swap: Swap) -> None:
    swap(Settle, "permits", _exists)


@mutant("delete before settle")
def _delete_first(swap: Swap) -> None:
    carry_out, write = Journey._run_job, Settler.write
    journeys: ContextVar[Journey] = ContextVar("journeys")

    async def remembered(self: Journey, claimed: Claimed, slot: Slot) -> None:
        journeys.set(self)
        await carry_out(self, claimed, slot)

    async def late(self: Settler, claimed: Claimed, conclusion: Conclusion) -> Disposition:
        journeys.get().acknowledger.dispose(claimed.delivery, Delete(), claimed.envelope)
        return await write(self, claimed, conclusion)

    swap(Journey, "_run_job", remembered)
    swap(Settler, "write", late)


@mutant("claim without own-token check")
def _no_own_token(swap: Swap) -> None:
    def verdict_of(seen: JobRecord | None, envelope: Envelope, _token: str, *when: int) -> claim_table.Verdict:
        return claim_table.verdict_of(seen, envelope, "nobody's", *when)

    swap(claim_module, "verdict_of", verdict_of)


@mutant("a claim may be counted twice", "ghost")
def _claim_counts_twice(swap: Swap) -> None:
    honest = Claim.permits

    def permits(self: Claim, seen: JobRecord | None) -> bool:
        return honest(self, seen and replace(seen, token=None))

    swap(Claim, "permits", permits)


@mutant("renewal on the handlers' loop")
def _one_loop(swap: Swap) -> None:
    def same(_kernel: Kernel, main: Guest) -> Guest:
        return main

    swap(machine, "guest_for_handlers", same)


@mutant("hand-back unconditional")
def _hand_back_anyway(swap: Swap) -> None:
    swap(HandBack, "permits", _exists)


@mutant("attempt counted from the receive count")
def _attempt_from_receives(swap: Swap) -> None:
    counts: dict[str, int] = {}
    change, after = Claimer._build_claim, Claim.after

    def noted(self: Claimer, delivery: Delivery, envelope: Envelope, *, reopening: bool) -> Claim:
        made = change(self, delivery, envelope, reopening=reopening)
        counts[made.token] = delivery.receive_count
        return made

    def counted(self: Claim, seen: JobRecord | None) -> JobRecord:
        return replace(after(self, seen), attempt=counts[self.token])

    swap(Claimer, "_build_claim", noted)
    swap(Claim, "after", counted)


@mutant("idempotency through an index that lags")
def _lagging_index(swap: Swap) -> None:
    honest = RequestKeys.reserve

    async def reserve(
        self: RequestKeys, fit: CheckedSubmission, job_id: str, now: int
    ) -> tuple[KeyItem | None, KeyItem | None]:
        key, held = await honest(self, fit, job_id, now)
        age = self._clock.now() - held.expires_at + KEY_LIFE_MS if held is not None else 0
        return key, held if age > INDEX_LAG_MS else None

    swap(RequestKeys, "reserve", reserve)


@mutant("drain that cancels the long poll", "drain")
def _cancelled_poll(swap: Swap) -> None:
    honest = Poller.stop_receiving

    def stop_receiving(self: Poller) -> None:
        honest(self)
        for loop in self._loops:
            loop.cancel()

    swap(Poller, "stop_receiving", stop_receiving)


@mutant("drain that gives nothing back", "drain", excusable=True)
def _nothing_given_back(swap: Swap) -> None:
    honest = Acknowledger.hide

    def hide(self: Acknowledger, delivery: Delivery, seconds: float) -> None:
        if seconds:
            honest(self, delivery, seconds)

    swap(Acknowledger, "hide", hide)


@mutant("no local deadline")
def _no_deadline(swap: Swap) -> None:
    def is_alive(_self: Lease, _monotonic: float) -> bool:
        return True

    def go_on(_self: LeaseKeeper, lease: Lease) -> None:
        lease.is_silent = True

    swap(Lease, "is_alive", is_alive)
    swap(LeaseKeeper, "_go_silent", go_on)


@mutant("a hidden copy is deleted")
def _copy_deleted(swap: Swap) -> None:
    async def hide(_self: Claimer, _until: int, _delivery: Delivery, _envelope: Envelope) -> Disposition:
        return Delete()

    swap(Claimer, "_hide", hide)


@mutant("retry without a new round")
def _same_round(swap: Swap) -> None:
    honest = Rounds.send

    async def send(self: Rounds, record: JobRecord, _round_number: int, later: int = 0) -> None:
        await honest(self, record, record.round, later)

    swap(Rounds, "send", send)


@mutant("a RETRYING wins over a cancel")
def _retrying_over_cancel(swap: Swap) -> None:
    def permits(self: Settle, seen: JobRecord | None) -> bool:
        return seen is not None and seen.status is Status.RUNNING and seen.token == self.token

    swap(Settle, "permits", permits)


@mutant("a hand-back that refunds nothing")
def _no_refund(swap: Swap) -> None:
    honest = HandBack.after

    def after(self: HandBack, seen: JobRecord | None) -> JobRecord:
        back = honest(self, seen)
        return replace(back, attempt=back.attempt + 1)

    swap(HandBack, "after", after)


@mutant("an unanswered claim is not handed back")
def _no_claim_refund(swap: Swap) -> None:
    async def refund(_self: Claimer, _change: Claim) -> None:
        return None

    swap(Claimer, "_refund", refund)


@mutant("dead letters are lost under a live lease", "viewed by others")
def _buried_alive(swap: Swap) -> None:
    def permits(_self: Lose, seen: JobRecord | None) -> bool:
        return seen is None or not seen.status.is_final

    swap(Lose, "permits", permits)


@mutant("the record is put before the message")
def _record_first(swap: Swap) -> None:
    send = Submitter._send

    async def send_after(self: Submitter, submission: Submission, envelope: Envelope, starts_at: int) -> None:
        await self._put_record(submission, envelope, starts_at)
        await send(self, submission, envelope, starts_at)

    swap(Submitter, "_send", send_after)


@mutant("a worn-out message goes without a fresh copy", "delivered twice")
def _no_copy(swap: Swap) -> None:
    async def replace_message(self: Acknowledger, delivery: Delivery, _seconds: float, _job: Any) -> None:
        self._deletes.add(delivery.receipt)

    swap(Acknowledger, "_replace", replace_message)


@mutant("only the receipt is renewed")
def _no_renewal(swap: Swap) -> None:
    async def renew(_self: LeaseKeeper, lease: Lease, sent: float) -> None:
        lease.extend_record(sent)

    swap(LeaseKeeper, "_renew_record", renew)


@mutant("a message is hidden twice in one request")
def _twice_hidden(swap: Swap) -> None:
    hide = Acknowledger.hide

    def twice(self: Acknowledger, delivery: Delivery, seconds: float) -> None:
        hide(self, delivery, seconds)
        hide(self, delivery, seconds)

    swap(Acknowledger, "hide", twice)
