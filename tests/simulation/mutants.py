"""Protocols that are wrong on purpose, in one place each: the simulation must tell them from the right one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from cqworker.flow import claim as claim_module
from cqworker.flow import dead_letters as dead_letters_module
from cqworker.flow.claim import Claimed, Claims
from cqworker.flow.desk import Desk
from cqworker.flow.journey import Journey
from cqworker.flow.keeper import LeaseKeeper
from cqworker.flow.lease import Lease
from cqworker.flow.letting_go import Delete, Hide, LettingGo
from cqworker.flow.poller import Poller
from cqworker.flow.receipts import Receipts
from cqworker.flow.settle import Settling
from cqworker.flow.slots import Slot
from cqworker.flow.subject import subject_of_message
from cqworker.flow.submit import Submission, Submitter
from cqworker.model import verdict
from cqworker.model.attempts import Claim, HandBack, Settle
from cqworker.model.changes import Refused
from cqworker.model.envelope import Envelope
from cqworker.model.interventions import Lose
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports import KeyItem
from tests.simulation import process as process_module

Mutation = Callable[[ExitStack], None]
MUTANTS: dict[str, Mutation] = {}


def mutant(name: str) -> Callable[[Mutation], Mutation]:
    """Registers a mutation under a name that says what is wrong."""

    def register(mutate: Mutation) -> Mutation:
        MUTANTS[name] = mutate
        return mutate

    return register


def swap(stack: ExitStack, owner: Any, name: str, other: Any) -> None:
    stack.enter_context(patch.object(owner, name, other))


def exists(_change: Any, seen: JobRecord | None) -> bool:
    """A condition that holds for every record."""
    return seen is not None


@mutant("no fence in settle")
def _no_fence(stack: ExitStack) -> None:
    swap(stack, Settle, "permits", exists)


@mutant("delete before settle")
def _delete_first(stack: ExitStack) -> None:
    honest = Settling.conclude
    travel = Journey.travel

    async def carry_out(self: Journey, claimed: Claimed, slot: Slot) -> LettingGo:
        self._leases.hold(claimed.lease)
        try:
            outcome = await self._execution.run(claimed, slot)
            conclusion = await honest(self._settling, claimed, outcome)
        finally:
            await self._leases.release(claimed.lease)
        subject = subject_of_message(claimed.envelope, claimed.delivery.traceparent)
        self._receipts.let_go(claimed.delivery, Delete(), subject)
        return await self._settling.write(claimed, conclusion)

    swap(stack, Journey, "_carry_out", carry_out)
    swap(stack, Journey, "travel", travel)


@mutant("claim without own-token check")
def _no_own_token(stack: ExitStack) -> None:
    def judge(seen: JobRecord | None, envelope: Envelope, token: str, now: int) -> Any:
        return verdict.judge(seen, envelope, "", now)

    swap(stack, claim_module, "judge", judge)


@mutant("a claim may be counted twice")
def _claim_counts_twice(stack: ExitStack) -> None:
    honest = Claim.permits

    def permits(self: Claim, seen: JobRecord | None) -> bool:
        return honest(self, seen and replace(seen, token=None))

    swap(stack, Claim, "permits", permits)


@mutant("renewal on the handlers' loop")
def _one_loop(stack: ExitStack) -> None:
    def loop(main: Any, there: Any) -> Any:
        return process_module.HandlersGuest(main, there)

    swap(stack, process_module, "ONE_LOOP", True)


@mutant("hand-back unconditional")
def _hand_back_anyway(stack: ExitStack) -> None:
    swap(stack, HandBack, "permits", exists)


@mutant("attempt counted from the receive count")
def _attempt_from_receives(stack: ExitStack) -> None:
    counts: dict[str, int] = {}
    make, after = Claims._change, Claim.after

    def change(self: Claims, delivery: Any, envelope: Envelope, *, reopening: bool) -> Claim:
        made = make(self, delivery, envelope, reopening=reopening)
        counts[made.token] = delivery.receive_count
        return made

    def counted(self: Claim, seen: JobRecord | None) -> JobRecord:
        return replace(after(self, seen), attempt=counts[self.token])

    swap(stack, Claims, "_change", change)
    swap(stack, Claim, "after", counted)


@mutant("idempotency through an index that lags")
def _lagging_index(stack: ExitStack) -> None:
    honest = Submitter._reserve

    async def reserve(self: Submitter, submission: Submission, job_id: str) -> KeyItem | None:
        held = await honest(self, submission, job_id)
        age = self._clock.now() - (held.expires_at - 86_400_000) if held is not None else 0
        return held if age > 1000 else None

    swap(stack, Submitter, "_reserve", reserve)


@mutant("drain that cancels the long poll")
def _cancelled_poll(stack: ExitStack) -> None:
    honest = Poller.quiet

    def quiet(self: Poller) -> None:
        honest(self)
        for loop in self._loops:
            loop.cancel()

    swap(stack, Poller, "quiet", quiet)


@mutant("no local deadline")
def _no_deadline(stack: ExitStack) -> None:
    swap(stack, Lease, "is_alive", lambda self, monotonic: True)
    swap(stack, Lease, "deadline", property(lambda self: float("inf")))


@mutant("a hidden copy is deleted")
def _copy_deleted(stack: ExitStack) -> None:
    swap(stack, Claims, "_hide", lambda self, until, delivery, envelope: Delete())


@mutant("retry without a new round")
def _same_round(stack: ExitStack) -> None:
    honest = Desk._send

    async def send(self: Desk, record: JobRecord, round_number: int) -> None:
        await honest(self, record, record.round)

    swap(stack, Desk, "_send", send)


@mutant("a RETRYING wins over a cancel")
def _retrying_over_cancel(stack: ExitStack) -> None:
    def permits(self: Settle, seen: JobRecord | None) -> bool:
        return seen is not None and seen.status is Status.RUNNING and seen.token == self.token

    swap(stack, Settle, "permits", permits)


@mutant("a hand-back that refunds nothing")
def _no_refund(stack: ExitStack) -> None:
    honest = HandBack.after

    def after(self: HandBack, seen: JobRecord | None) -> JobRecord:
        back = honest(self, seen)
        return replace(back, attempt=back.attempt + 1)

    swap(stack, HandBack, "after", after)


@mutant("an unanswered claim is not handed back")
def _no_claim_refund(stack: ExitStack) -> None:
    async def refund(self: Claims, change: Claim) -> None:
        return None

    swap(stack, Claims, "_refund", refund)


@mutant("dead letters are lost under a live lease")
def _buried_alive(stack: ExitStack) -> None:
    swap(stack, Lose, "permits", lambda self, seen: seen is None or not seen.status.is_final)


@mutant("the record is put before the message")
def _record_first(stack: ExitStack) -> None:
    send, enter = Submitter._send, Submitter._enter

    async def send_after(self: Submitter, submission: Submission, envelope: Envelope) -> None:
        await enter(self, submission, envelope)
        await send(self, submission, envelope)

    swap(stack, Submitter, "_send", send_after)


@mutant("a worn-out message is deleted without a copy")
def _no_copy(stack: ExitStack) -> None:
    async def refresh(self: Receipts, delivery: Any, seconds: float, job: Any) -> None:
        self._deletes.add(delivery.receipt)

    swap(stack, Receipts, "_refresh", refresh)


@mutant("no renewal of the record")
def _no_renewal(stack: ExitStack) -> None:
    async def renew(self: LeaseKeeper, lease: Lease, sent: float) -> None:
        lease.record_renewed(sent)

    swap(stack, LeaseKeeper, "_renew_record", renew)


UNUSED = (asyncio, dead_letters_module, Hide, Refused)
