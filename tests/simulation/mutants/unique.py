"""Unique jobs whose keys are taken, judged or kept in a wrong way."""

from __future__ import annotations

from msgspec.structs import replace

from cqworker.jobs.request_keys import RequestKey
from cqworker.jobs.submission import Accepted, CheckedSubmission
from cqworker.jobs.unique_jobs import Taken, UniqueJobs, Unsent
from cqworker.jobs.unique_submissions import Make, UniqueSubmissions
from cqworker.model import attempt_writes as attempts_module
from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord, record_from
from cqworker.model.unique import Unique
from cqworker.model.unique_hold import Standing, UniqueHold
from cqworker.ports import KeyItem
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile
from tests.simulation.store_service import StoreService


def _contested(profile: Profile) -> bool:
    """Worlds in which some hand in jobs that are unique."""
    return profile.rivals


@mutant("a retry takes its unique key without its round", where=_contested)
def _key_without_round(swap: Swap) -> None:
    honest = UniqueHold.standing

    def standing(self: UniqueHold, record: JobRecord | None, now: int) -> Standing:
        return honest(replace(self, round=1), record, now)

    swap(UniqueHold, "standing", standing)


@mutant("a retry takes no unique key", where=_contested)
def _retry_without_key(swap: Swap) -> None:
    async def take_round(_self: UniqueJobs, _record: JobRecord) -> None:
        return

    swap(UniqueJobs, "take_round", take_round)


@mutant("a retry takes its unique key from a live job", where=_contested)
def _retry_from_live(swap: Swap) -> None:
    async def require_free(_self: UniqueJobs, _held: UniqueHold, _record: JobRecord) -> None:
        return

    swap(UniqueJobs, "_require_free", require_free)


@mutant("a unique key is taken over whoever took it since", where=_contested)
def _unconditional_take(swap: Swap) -> None:
    honest = StoreService.take

    def take(self: StoreService, hold: UniqueHold) -> UniqueHold | None:
        if hold.rev > 1:
            self.unique.pop(hold.key, None)
        return honest(self, hold)

    swap(StoreService, "take", take)


@mutant("a job is sent before its unique key is taken", where=_contested)
def _sent_before_key(swap: Swap) -> None:
    honest = UniqueSubmissions.submit

    async def submit(
        self: UniqueSubmissions, fit: CheckedSubmission, unique: Unique, job_id: str, key: RequestKey, make: Make
    ) -> Accepted | KeyItem:
        made = await make(self._hold_of(fit, unique, job_id))

        async def nothing(_hold: UniqueHold) -> JobRecord:
            return made

        return await honest(self, fit, unique, job_id, key, nothing)

    swap(UniqueSubmissions, "submit", submit)


@mutant("a unique key whose job was never seen is free", where=_contested)
def _unsent_is_free(swap: Swap) -> None:
    honest = UniqueHold.standing

    def standing(self: UniqueHold, record: JobRecord | None, now: int) -> Standing:
        found = honest(self, record, now)
        return Standing.FREE if found is Standing.UNSENT else found

    swap(UniqueHold, "standing", standing)


@mutant("a unique key whose job was never seen is sent again under an id of its own", where=_contested)
def _unsent_anew(swap: Swap) -> None:
    honest = UniqueJobs.take

    async def take(self: UniqueJobs, wanted: UniqueHold) -> object:
        met = await honest(self, wanted)
        return Taken() if isinstance(met, Unsent) and met.record is None else met

    swap(UniqueJobs, "take", take)


@mutant("a unique key binds whatever became of its job", where=_contested)
def _binds_for_ever(swap: Swap) -> None:
    honest = UniqueHold.standing

    def standing(self: UniqueHold, record: JobRecord | None, now: int) -> Standing:
        found = honest(self, record, now)
        return Standing.BINDS if found is Standing.FREE and record is not None else found

    swap(UniqueHold, "standing", standing)


@mutant("a unique key is free while its job is tried again", where=_contested)
def _free_while_waiting(swap: Swap) -> None:
    honest = UniqueHold.standing

    def standing(self: UniqueHold, record: JobRecord | None, now: int) -> Standing:
        found = honest(self, record, now)
        return Standing.FREE if found is Standing.BINDS and record is not None and record.attempt else found

    swap(UniqueHold, "standing", standing)


@mutant("a claim makes a record without its unique key", where=_contested)
def _record_without_key(swap: Swap) -> None:
    def made(envelope: Envelope, purge_at: int, trace_id: str | None) -> JobRecord:
        return record_from(replace(envelope, unique=None), purge_at, trace_id)

    swap(attempts_module, "record_from", made)


@mutant("an idempotency key names the job that was never made for it", where=_contested)
def _key_of_nobody(swap: Swap) -> None:
    async def decide(_self: RequestKey, _job_id: str) -> None:
        return

    swap(RequestKey, "decide", decide)


@mutant("an idempotency key is decided where another try did so before", where=_contested)
def _undecided_key(swap: Swap) -> None:
    honest = RequestKey.decide

    async def decide(self: RequestKey, job_id: str) -> None:
        if self.item is not None and self.item.job_id != job_id:
            await honest(self, job_id)

    swap(RequestKey, "decide", decide)
