"""Somebody owes every job its start: a message, or the index of due jobs. And nobody starts it before its time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import lru_cache

from cqworker.model.attempt_writes import SOON_MS, Claim, Reopen
from cqworker.model.envelope import read_envelope
from cqworker.model.envelope_fields import NewerEnvelope, NotAnEnvelope
from cqworker.model.operator_writes import Lose
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import Reschedule
from cqworker.model.status import WAITING, Status
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.profile import Profile
from tests.simulation.store_service import Applied, StoreService, shown

NOWHERE = "nowhere"
"""The name of a queue that does not exist."""
IN_FLIGHT = 90.0
"""Seconds for which a delete may be under way that somebody decided on before another started the job."""
OVERDUE = 600.0
"""Seconds after its time, in peace, by which a job is surely sent: a dead sweeper's shards are taken over within 150,
and a queue that took nothing is let be for 300."""


class Debts:
    """The accounts of every job's messages and marks; `ancient` are the processes from before the index.

    `excused` are the jobs that a rule of today could not protect: SQS forgot their message, or a worker from before
    the index started a marked one from a copy that was not sent for its time while another deleted that copy.
    """

    def __init__(
        self,
        accuse: Callable[..., None],
        now: Callable[[], float],
        store: StoreService,
        profile: Profile,
        is_listed: Callable[[JobRecord], bool],
    ) -> None:
        self.excused: set[str] = set()
        self.ancient: set[str] = set()
        self._unsent_starts: dict[str, float] = {}
        self._accuse = accuse
        self._now = now
        self._store = store
        self._is_listed = is_listed
        self._skew = profile.skew
        self._retention = profile.retention
        self._where: dict[tuple[str, str], tuple[str, int]] = {}
        self._copies: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def kept(self, queue: str, message_id: str, body: str) -> None:
        """A message came into a queue."""
        job_id, number, _ = job_of(body)
        if job_id is not None:
            self._where[queue, message_id] = job_id, number
            self._copies[job_id][number] += 1

    def gone(self, queue: str, message_id: str) -> None:
        """A message left its queue."""
        about = self._where.pop((queue, message_id), None)
        if about is not None:
            job_id, number = about
            self._copies[job_id][number] -= 1
            self.look_at(job_id, "its message is gone")

    def look_at(self, job_id: str, cause: object) -> None:
        """What owed a job its start is gone; something else has to."""
        self._judge_owed(self._store.records.get(job_id), cause)

    def applied(self, write: Applied) -> None:
        """A change of a record, just made."""
        ancient = write.process in self.ancient
        if ancient and _starts_unsent(write):
            self._unsent_starts[write.after.job_id] = self._now()
        self._judge_time(write)
        if not ancient:
            self._judge_mark(write)
        self._judge_owed(write.after, write)

    def overdue(self) -> list[JobRecord]:
        """Who is in the index long after its time."""
        latest = EPOCH_MS + (self._now() - OVERDUE) * 1000
        records = self._store.records.values()
        late = [record for record in records if is_marked(record) and (record.scheduled_at or 0) < latest]
        return [record for record in late if not self.is_past(record) and record.queue != NOWHERE]

    def waits(self, record: JobRecord) -> bool:
        """Whether it is in the index, and its record is kept."""
        return is_marked(record) and not self.is_past(record)

    def is_past(self, record: JobRecord) -> bool:
        """Whether a record that waits was kept until long after its time: it counts as deleted, whenever TTL comes."""
        return record.purge_at <= EPOCH_MS / 1000 + self._now()

    def _judge_owed(self, record: JobRecord | None, cause: object) -> None:
        if record is None or record.status.is_final or is_marked(record) or record.job_id in self.excused:
            return
        copies = self._copies.get(record.job_id, Counter())
        if any(count for number, count in copies.items() if number >= record.round):
            return
        if self._is_listed(record):
            return
        if self._now() - self._unsent_starts.get(record.job_id, -IN_FLIGHT) < IN_FLIGHT:
            self.excused.add(record.job_id)
        else:
            self._accuse("nobody owes this job its start:", shown(record), "|", cause)

    def _judge_time(self, write: Applied) -> None:
        """A start more than two seconds early, by the true clock and what the starter's may be off."""
        before = write.before
        if isinstance(write.change, Reopen) or not isinstance(write.change, Claim) or before is None:
            return
        ahead = (before.scheduled_at or 0) - EPOCH_MS - write.at * 1000
        if ahead > SOON_MS + self._skew:
            self._accuse(f"a start {ahead / 1000:.1f} s before its time:", write)

    def _judge_mark(self, write: Applied) -> None:
        """Who may be in the index: a job that waits, and that nobody asked to cancel."""
        before, after = write.before, write.after
        if after.status is Status.SCHEDULED and not is_marked(after):
            self._accuse("SCHEDULED, and not in the index:", write)
        if is_marked(after) and after.status not in WAITING and (before is None or before.status is not after.status):
            self._accuse("in the index without waiting:", write)
        if is_marked(after) and after.cancel_requested_at is not None and not (before and is_marked(before)):
            self._accuse("put off although a cancel was asked for:", write)
        if is_marked(after) and after.purge_at < (after.scheduled_at or 0) // 1000 + self._retention:
            self._accuse("a job that waits is not kept until long after its time:", write, after.purge_at)
        if isinstance(write.change, Claim) and after.due is not None:
            self._accuse("a start left its job in the index:", write)
        if isinstance(write.change, Lose) and before is not None and is_marked(before):
            self._accuse("lost although the index has it:", write)
        if isinstance(write.change, Reschedule) and (before is None or before.status not in WAITING):
            self._accuse("put off although it does not wait:", write)
        self._judge_level(write)

    def _judge_level(self, write: Applied) -> None:
        """Who may have another level of its queue: a job that waits, and by being given one alone."""
        before, is_given = write.before, isinstance(write.change, Reprioritise)
        if is_given and (before is None or before.status not in WAITING or before.cancel_requested_at is not None):
            self._accuse("given another level although it does not wait:", write)
        if before is not None and not is_given and write.after.priority != before.priority:
            self._accuse("another level that nobody asked for:", write)


def is_marked(record: JobRecord) -> bool:
    """Whether the index has it: by both its attributes, as DynamoDB sees it."""
    return record.due is not None and record.scheduled_at is not None


def _starts_unsent(write: Applied) -> bool:
    before, change = write.before, write.change
    is_start = isinstance(change, Claim) and before is not None and is_marked(before)
    return is_start and before is not None and before.scheduled_at != change.envelope.at  # type: ignore[union-attr]


@lru_cache(maxsize=4096)
def job_of(body: str) -> tuple[str | None, int, str]:
    """Which job and round a message is about, and which client asked for it."""
    try:
        envelope = read_envelope(body)
    except (NotAnEnvelope, NewerEnvelope):
        return None, 0, ""
    return envelope.job_id, envelope.round, envelope.metadata.get("asked", "")
