"""Replacements that are done twice, or not, or under a wrong condition."""

from __future__ import annotations

from msgspec.structs import replace

from cqworker.flow.acknowledger import Disposition
from cqworker.flow.claim import Claimed, Claimer
from cqworker.jobs import unique_submissions
from cqworker.jobs.replacements import Replacements
from cqworker.jobs.request_keys import RequestKey
from cqworker.jobs.submission import Accepted, Submission
from cqworker.jobs.unique_submissions import UniqueSubmissions
from cqworker.model.attempt_writes import Claim
from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import Reschedule
from cqworker.ports import Delivery, KeyItem
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _revised(profile: Profile) -> bool:
    """Worlds in which some replace what others have handed in."""
    return profile.revised


@mutant("an idempotency key says which job was replaced once that was done", where=_revised)
def _said_afterwards(swap: Swap) -> None:
    honest = UniqueSubmissions._replace

    async def begin(_self: RequestKey, _record: JobRecord) -> None:
        return

    async def replaced(
        self: UniqueSubmissions, submission: Submission, record: JobRecord, key: RequestKey
    ) -> Accepted | KeyItem | None:
        answer = await honest(self, submission, record, RequestKey(self._unique_keys, None))
        other = await key.decide(record.job_id) if isinstance(answer, Accepted) else None
        return other or answer

    swap(RequestKey, "begin", begin)
    swap(UniqueSubmissions, "_replace", replaced)


@mutant("a request that replaces is repeated whatever became of it", where=_revised)
def _never_done(swap: Swap) -> None:
    swap(unique_submissions, "is_done", lambda *_: False)


@mutant("a request that replaces counts as done where its job is there", where=_revised)
def _always_done(swap: Swap) -> None:
    swap(unique_submissions, "is_done", lambda *_: True)


@mutant("a replacement is written whoever replaced the payload since", where=_revised)
def _uncounted(swap: Swap) -> None:
    honest = Reschedule.permits

    def permits(self: Reschedule, seen: JobRecord | None) -> bool:
        return honest(replace(self, payload=None), seen)

    swap(Reschedule, "permits", permits)


@mutant("a replacement that was refused counts as done", where=_revised)
def _refused_is_done(swap: Swap) -> None:
    honest = Replacements.replace

    async def replaced(self: Replacements, record: JobRecord, submission: Submission, *, once: bool) -> JobRecord:
        return await honest(self, record, submission, once=once) or record

    swap(Replacements, "replace", replaced)


@mutant("a job that another one had sent keeps its payload", where=_revised)
def _keeps_payload(swap: Swap) -> None:
    swap(unique_submissions, "has_payload_of", lambda *_: True)


@mutant("a replacement puts its job off and leaves the payload", where=_revised)
def _time_alone(swap: Swap) -> None:
    honest = Reschedule.after

    def after(self: Reschedule, seen: JobRecord | None) -> JobRecord:
        left = honest(self, seen)
        return left if seen is None or self.payload is None else replace(left, payload=seen.payload)

    swap(Reschedule, "after", after)


@mutant("what a job may wait for at most counts from its last submission", where=_revised)
def _bounded_anew(swap: Swap) -> None:
    honest = Submission.starts_again_at

    def starts_again_at(self: Submission, record: JobRecord, now: int) -> int:
        return honest(self, replace(record, created_at=now), now)

    swap(Submission, "starts_again_at", starts_again_at)


@mutant("a replacement leaves the time of a job that waits for the last one", where=_revised)
def _time_stays(swap: Swap) -> None:
    def starts_again_at(_self: Submission, record: JobRecord, _now: int) -> int:
        return record.created_at if record.scheduled_at is None else record.scheduled_at

    swap(Submission, "starts_again_at", starts_again_at)


@mutant("a job may be replaced once it has started", where=_revised)
def _started_is_replaced(swap: Swap) -> None:
    honest = Reschedule.permits

    def permits(self: Reschedule, seen: JobRecord | None) -> bool:
        if self.payload is None or seen is None or seen.status.is_final:
            return honest(self, seen)
        return seen.replacements == self.seen.replacements

    swap(Reschedule, "permits", permits)


@mutant("a handler is given the payload of its message", where=_revised)
def _of_the_message(swap: Swap) -> None:
    honest = Claimer._begin_lease

    async def begin_lease(
        self: Claimer, record: JobRecord, envelope: Envelope, change: Claim, delivery: Delivery, sent: float
    ) -> Claimed | Disposition:
        payload = record.payload if envelope.payload is None else envelope.payload
        return await honest(self, replace(record, payload=payload), envelope, change, delivery, sent)

    swap(Claimer, "_begin_lease", begin_lease)
