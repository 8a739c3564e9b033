"""Sees every write and every start, and knows by rules of its own which of them must not be."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations

from cqworker.events import BackgroundFailed, CopyRefreshed, Event, HandlerAbandoned, JobRef, JobStarted, LeaseLost
from cqworker.model.attempt_writes import Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.operator_writes import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.status import Status
from cqworker.ports import StoredObject
from cqworker.settings import WorkerSettings
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.attempt import BEFORE, PATIENCE, VANISHED, Attempt, Suspect, disturbed, troubled
from tests.simulation.debts import is_marked
from tests.simulation.network import Call
from tests.simulation.outages import is_charged_for_outage, is_undone_by_outage
from tests.simulation.profile import Profile
from tests.simulation.store_service import Applied, ObjectService, StoreService, shown
from tests.simulation.trace import Trace

DRAIN = WorkerSettings().drain_timeout
PROBE_PAUSE = 15.0
"""Seconds for which a process that waits for its store asks it nothing: MAX_RETRY_SECONDS of health/probes.py."""
SLACK = 2.0
"""Seconds that a drain may take beyond its time."""
BUG = "has a bug in its"
"""What is said of a process one of whose loops raised what it should not."""


class Witness:
    """Keeps the accounts of all attempts, and the list of what was wrong."""

    def __init__(self, profile: Profile, trace: Trace, objects: ObjectService) -> None:
        self.violations: list[str] = []
        self.attempts: dict[str, Attempt] = {}
        self.history: list[Attempt] = []
        self.runs: dict[int, Attempt] = {}
        self.endings: dict[tuple[str, int], Status] = {}
        self.sent: set[tuple[str, int]] = set()
        self.accused: Callable[[], None] = lambda: None
        self.starts = 0
        self.suspects: dict[str, Suspect] = {}
        self.store: StoreService
        self._last: dict[str, Attempt] = {}
        self._replaced: dict[str | None, float] = {}
        self._profile = profile
        self._trace = trace
        self._objects = objects
        self._longest_exit = DRAIN + SLACK

    def accuse(self, *what: object) -> None:
        """Something that must never happen has happened."""
        self.violations.append(" ".join(map(str, what)))
        self._trace.note("WITNESS", "VIOLATION", *what)
        self.accused()

    def applied(self, write: Applied) -> None:
        """A change of a record, just made."""
        change, before, after = write.change, write.before, write.after
        self._trace.note("store", write)
        if before is not None and before.status.is_final and after.round <= before.round:
            self.accuse("a final status was left:", write)
        match change:
            case Claim():
                self._claimed(write, change)
            case Renew() | Settle() | HandBack():
                self._fenced(write, change)
            case Forestall() | Lose():
                self._taken(write, change)
            case NewRound() | Enter():
                if (after.job_id, after.round) not in self.sent and not is_marked(after):
                    self.accuse("a record waits for a message that nobody sent:", write)
            case AskCancel() | HandOver() | Reschedule() | Reprioritise():
                pass
        if after.status.is_final:
            self._ended(write)

    def event(self, process: Suspect, event: Event, now: float) -> None:
        """Something that a live process told."""
        match event:
            case JobStarted(job=job):
                self._started(process, job, now)
            case LeaseLost(job=job, reason=reason):
                self._lost(process, job, reason, now)
            case HandlerAbandoned(job=job):
                if (attempt := self._of(process, job)) is not None:
                    attempt.abandoned, attempt.deaf = True, process.would_not_stop(job)
            case CopyRefreshed(job=job):
                self.replaced(job.job_id, now)
            case BackgroundFailed(loop=loop, traceback=lines):
                self.accuse(process.name, BUG, loop, lines)
            case _:
                pass

    def _claimed(self, write: Applied, change: Claim) -> None:
        before, after = write.before, write.after
        if before is not None and before.token == change.token:
            self.accuse("one claim was counted twice:", write)
        first = isinstance(change, Reopen) or before is None
        expected = 1 if first else before.attempt + 1 if before else 0
        if after.attempt != expected or after.attempt > after.max_attempts or after.round != change.envelope.round:
            self.accuse("an attempt was counted wrongly:", write)
        if before is not None and before.cancel_requested_at is not None and not isinstance(change, Reopen):
            self.accuse("a start although a cancel was asked for:", write)
        self._leave_behind(write)
        by = self.suspects[write.process]
        asked_at = (change.now - EPOCH_MS - self._profile.skew) / 1000
        attempt = Attempt(change.token, after.job_id, after.round, after.attempt, by, asked_at, write.at)
        attempt.ghost = change.token in self.attempts
        self.attempts[change.token] = self._last[after.job_id] = attempt
        self.history.append(attempt)

    def _fenced(self, write: Applied, change: Renew | Settle | HandBack) -> None:
        before, after = write.before, write.after
        attempt = self._last.get(after.job_id)
        if attempt is None or attempt.token != change.token or before is None or before.status is not Status.RUNNING:
            self.accuse("somebody wrote who is not the job's one writer:", write)
            return
        match change:
            case Settle():
                attempt.end(change.status.lower(), write.at)
                self._settled(write, change, attempt, before)
            case HandBack():
                if is_undone_by_outage(attempt, write.at):
                    self.accuse("an outage undid finished work:", attempt, "by", write)
                attempt.end("handed back", write.at)
                if attempt.running and not attempt.by.is_dead:
                    self.accuse("handed back while its handler runs:", write)
                if before.cancel_requested_at is not None and change.scheduled_at is not None:
                    self.accuse("put off although a cancel was asked for:", write)
                if after.attempt != before.attempt - 1:
                    self.accuse("an attempt was not refunded:", write)
            case Renew():
                attempt.outlived = attempt.outlived or before.has_expired(EPOCH_MS + round(write.at * 1000))

    def _settled(self, write: Applied, change: Settle, attempt: Attempt, before: JobRecord) -> None:
        asked = before.cancel_requested_at is not None
        if change.status is Status.RETRYING and asked:
            self.accuse("another attempt although a cancel was asked for:", write)
        if change.status is Status.CANCELLED and not asked:
            self.accuse("cancelled although nobody asked for it:", write)
        if change.status is Status.SUCCEEDED and self.result_of(write.after) != attempt.returned:
            self.accuse("the result is not that of the attempt that settled:", write)

    def _taken(self, write: Applied, change: Forestall | Lose) -> None:
        before, after = write.before, write.after
        if before is None:
            return
        self._leave_behind(write)
        failed, asked = after.status is Status.FAILED, before.cancel_requested_at is not None
        if failed and asked and before.round == after.round:
            self.accuse("failed although a cancel was asked for:", write)
        if failed and isinstance(change, Forestall) and before.attempt < before.max_attempts:
            self.accuse("given up although attempts are left:", write)

    def _leave_behind(self, write: Applied) -> None:
        """The attempt before this write: nobody may believe in its lease, and its end must have a reason."""
        before, attempt = write.before, self._last.get(write.after.job_id)
        if before is None or attempt is None or attempt.ended is not None:
            return
        if attempt.believes() and not self._beguiled(attempt, write.at) and not attempt.was_haunted():
            self.accuse("a job was taken from a live lease:", attempt, "by", write)
        taken = write.after.status is not Status.CANCELLED and not self._profile.wild
        if taken and is_charged_for_outage(attempt, self.suspects[write.process], write.at):
            self.accuse("an outage charged an attempt:", attempt, "by", write)
        attempt.end(VANISHED, write.at)
        if attempt.excuse(write.at) is None and not self._profile.wild:
            self.accuse("an attempt ended without a word:", attempt, "started" if attempt.started else "never started")

    def _ended(self, write: Applied) -> None:
        key = (write.after.job_id, write.after.round)
        if key in self.endings:
            self.accuse("a second final status in one round:", write)
        self.endings[key] = write.after.status

    def _started(self, process: Suspect, job: JobRef, now: float) -> None:
        self.starts += 1
        lease = next((lease for lease in process.leases() if lease.job is job), None)
        attempt = self.attempts.get(lease.token) if lease is not None else None
        if lease is None or attempt is None:
            self.accuse(process.name, "starts", job.job_id, "without a lease")
            return
        if attempt.started:
            self.accuse("started twice:", attempt)
        attempt.started, attempt.lease = True, lease
        record = self.store.records[job.job_id]
        owned = record.status is Status.RUNNING and record.token == lease.token and record.round == job.round
        fresh = (record.lease_expires_at or 0) > process.clock.now()
        if not (owned and fresh) and not self._beguiled(attempt, now) and not attempt.was_haunted():
            self.accuse("a start without a right to it:", attempt, "while the record says", shown(record))

    def _lost(self, process: Suspect, job: JobRef, reason: str, now: float) -> None:
        """The cause lies in the lease before its record moved on, not in the one before its process hears of it.

        The protocol has an unanswered ending repeated "until it is, whatever our clock says of the lease", and its
        store's return waited for: meanwhile another attempt may come and go. Who lives hears of it soon afterwards.
        """
        attempt, moved, lease = self._of(process, job), now, 1.3 * self._profile.visibility + 1
        if attempt is not None:
            attempt.lost = True
            moved = now if attempt.ended_at is None else attempt.ended_at
        if self._profile.wild or self._replaced.get(job.job_id, -1.0) >= now - lease:
            return
        caused = self._suffered(process, moved - max(lease, PROBE_PAUSE), moved) or (
            attempt is not None and attempt.ended_late()
        )
        if caused and self._suffered(process, now - max(PATIENCE, lease), now):
            return
        self.accuse(process.name, "lost its lease without cause:", job.job_id, reason)

    def _suffered(self, process: Suspect, since: float, until: float) -> bool:
        return bool(disturbed(process, since, until) or troubled(process, since, until))

    def began(self, token: str) -> int:
        """The serial number of a handler's run, which its result will carry."""
        serial = len(self.runs) + 1
        self.runs[serial] = attempt = self.attempts[token]
        attempt.running = True
        return serial

    def overwritten(self, reference: str, there: StoredObject, found: StoredObject) -> None:
        """An object was replaced by another one."""
        makers = [self._maker_of(one) for one in (there, found)]
        if not any(one and other and one.shares_key(other) for one, other in permutations(makers)):
            self.accuse("an object was overwritten:", reference, *makers)

    def _maker_of(self, found: StoredObject) -> Attempt | None:
        made = json.loads(found.data)
        return self.runs.get(made["serial"]) if isinstance(made, dict) and "serial" in made else None

    def replaced(self, job_id: str | None, now: float) -> None:
        """A worn-out message went, to the dead letters or for a fresh copy, whoever else may hold it."""
        self._replaced[job_id] = now

    def swallowed(self, process: Suspect, call: Call, now: float) -> None:
        """Messages were handed out to a process that does not wait for them any more."""
        if disturbed(process, now - call.deadline - BEFORE, now) or troubled(
            process, now - call.deadline - BEFORE, now
        ):
            return
        self.accuse(process.name, "gave up a receive that brought messages:", call)

    def exited(self, process: Suspect, runs: list[JobRef], took: float, now: float) -> None:
        """A process left; `runs` are those whose handlers could not be stopped."""
        for job in runs:
            if (attempt := self._of(process, job)) is not None:
                attempt.abandoned = attempt.deaf = True
        if took > self._longest_exit and not disturbed(process, now - took, now):
            self.accuse(process.name, f"took {took:.1f} s to leave")

    def _beguiled(self, attempt: Attempt, now: float) -> bool:
        """Whether its clocks deceived the attempt's process: only the fence can help then."""
        return self._profile.wild or disturbed(attempt.by, attempt.asked_at, now, "suspend") is not None

    def last_of(self, process: Suspect, job_id: str | None) -> Attempt | None:
        """The latest claim of this job by this process."""
        return next((one for one in reversed(self.history) if one.by is process and one.job_id == job_id), None)

    def _of(self, process: Suspect, job: JobRef) -> Attempt | None:
        for attempt in reversed(self.history):
            if (attempt.by, attempt.job_id, attempt.round, attempt.number) == (
                process,
                job.job_id,
                job.round,
                job.attempt,
            ):
                return attempt
        return None

    def result_of(self, record: JobRecord) -> object:
        """The result as a reader gets it."""
        if record.result_ref is None:
            return json.loads(record.result or "null")
        found = self._objects.get(record.result_ref)
        return json.loads(found.data) if found else None
