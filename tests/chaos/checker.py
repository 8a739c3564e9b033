"""Joins the evidence and names every broken invariant: what was lost, doubled, written late or counted wrong."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cqworker.model.history import CLAIMED, MAX_ENTRIES, Entry
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.chaos.evidence import Evidence, Run

FINAL = frozenset(status.lower() for status in Status if status.is_final)
SETTLE = 2.0
"""Seconds after a handler's end in which the death of its process can still cost its settle."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: the invariant's number, the job, and what is wrong."""

    invariant: str
    job_id: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.job_id}: {self.what}"


def check(evidence: Evidence, *, may_lose_settles: bool = False) -> list[Violation]:
    """Every violation; `may_lose_settles` where faults outlast leases, so that work may be done again."""
    found = [*_lost(evidence), *_uninvited(evidence)]
    for job_id, record in evidence.records.items():
        runs = evidence.runs.get(job_id, [])
        found += _ended_twice(record)
        found += _started_late(evidence, record, runs)
        found += _wrong_result(evidence, record, runs)
        found += _miscounted(record, runs)
        found += _overlapping(evidence, record.job_id, runs)
        if not may_lose_settles:
            found += _unexplained(evidence, job_id, runs)
            found += _overcharged(evidence, record, runs)
    return found


def _lost(evidence: Evidence) -> Iterator[Violation]:
    """I1: every accepted job has a record, and every job has ended."""
    for job_id in evidence.accepted - evidence.records.keys():
        yield Violation("I1", job_id, "accepted, and there is no record")
    for job_id, record in evidence.records.items():
        if not record.status.is_final:
            yield Violation("I1", job_id, f"its queue is empty, and it is {record.status}")


def _uninvited(evidence: Evidence) -> Iterator[Violation]:
    """I1: no job that nobody handed in."""
    for job_id in evidence.records.keys() - evidence.accepted - evidence.may_run:
        yield Violation("I1", job_id, "nobody handed this job in")


def _ended_twice(record: JobRecord) -> Iterator[Violation]:
    """I2: one final entry in the history, the last one."""
    finals = [entry.event for entry in record.history if entry.event in FINAL]
    if record.status.is_final and (len(finals) != 1 or record.history[-1].event != finals[0]):
        yield Violation("I2", record.job_id, f"its history ends {finals}")


def _started_late(evidence: Evidence, record: JobRecord, runs: list[Run]) -> Iterator[Violation]:
    """I2: no start after the final status, but by a process that was frozen between its last look and the start."""
    for run in runs:
        if record.finished_at is not None and run.began_at > record.finished_at and not _thawed(evidence, run):
            yield Violation("I2", record.job_id, f"run {run.run} started {run.began_at - record.finished_at} ms late")


def _wrong_result(evidence: Evidence, record: JobRecord, runs: list[Run]) -> Iterator[Violation]:
    """I3: the result is that of the attempt that settled, whose effect was made, and no later attempt was started."""
    if record.status is not Status.SUCCEEDED or record.type not in ("chaos.work", "chaos.thread", "chaos.process"):
        return
    told = json.loads(evidence.results[record.job_id])
    settled = [run for run in runs if run.run == told["run"]]
    if not settled or not settled[0].effect or settled[0].how != "end":
        yield Violation("I3", record.job_id, f"its result is of run {told['run']}, which did not come to its end")
    if told["attempt"] != record.attempt:
        yield Violation("I3", record.job_id, f"attempt {record.attempt} settled a result of {told['attempt']}")
    if late := [run for run in runs if run.attempt > record.attempt]:
        yield Violation("I3", record.job_id, f"attempt {late[0].attempt} was started beside {record.attempt}")


def _miscounted(record: JobRecord, runs: list[Run]) -> Iterator[Violation]:
    """I4: no start without its attempt, refunds apart; a history that was trimmed cannot tell them."""
    refunds = sum(entry.event == "handed_back" for entry in record.history)
    if len(record.history) < MAX_ENTRIES and record.attempt < len(runs) - refunds:
        what = f"{len(runs)} starts, {refunds} refunds, attempt {record.attempt}"
        yield Violation("I4", record.job_id, what)


def _is_folded(entry: Entry) -> bool:
    """Whether it stands for several hand-backs in a row, of which only the first claim is told."""
    return entry.event == "handed_back" and re.search(r" x[0-9]+(:|$)", entry.reason) is not None


def _overcharged(evidence: Evidence, record: JobRecord, runs: list[Run]) -> Iterator[Violation]:
    """I4: an attempt without a start, and without its refund, only where the process that claimed was cut off."""
    if len(record.history) >= MAX_ENTRIES:
        return
    charged = Counter(_pid(entry) for entry in record.history if entry.event == CLAIMED)
    charged.subtract(_pid(entry) for entry in record.history if entry.event == "handed_back")
    charged.subtract(run.pid for run in runs)
    cut_off = {cut.pid for cut in evidence.interruptions}
    if any(_is_folded(entry) for entry in record.history):  # of several processes: in all, it comes out even
        unstarted, excused = charged.total(), _cut_before_a_start(record, runs, cut_off)
        if unstarted > excused:
            yield Violation(
                "I4", record.job_id, f"{unstarted} attempts were charged without a start, {excused} cut off"
            )
        return
    for pid, unstarted in charged.items():
        if unstarted > 0 and pid not in cut_off:
            yield Violation("I4", record.job_id, f"{unstarted} attempts of process {pid} were charged without a start")


def _cut_before_a_start(record: JobRecord, runs: list[Run], cut_off: set[int]) -> int:
    """Claims of processes that were cut off which came neither to an end nor to a start: those are never folded."""
    left = Counter(_pid(one) for one, after in pairwise(record.history) if one.event == after.event == CLAIMED)
    left.subtract(run.pid for run in runs if run.ended is None)
    return sum(max(0, left[pid]) for pid in cut_off)


def _pid(entry: Entry) -> int:
    return int(entry.worker.rpartition(":")[2] or 0)


def _overlapping(evidence: Evidence, job_id: str, runs: list[Run]) -> Iterator[Violation]:
    """I5: never two runs at once, but beside a frozen one, or one that was frozen just before its start."""
    for former, latter in pairwise(runs):
        death = evidence.death_of(former.pid)
        over = min(former.ended or float("inf"), death or float("inf"))
        is_excused = evidence.frozen_during(former) or _came_too_late(evidence, former, latter)
        if latter.began < over and not is_excused:
            beside = f"{latter.began - former.began:.3f} s after {former.run} began, which was not over"
            yield Violation("I5", job_id, f"run {latter.run} began {beside}")


def _unexplained(evidence: Evidence, job_id: str, runs: list[Run]) -> Iterator[Violation]:
    """I5: another start only after a retry, a stop, a fall, or a crash or freeze while the job was held."""
    for former, latter in pairwise(runs):
        if (
            former.how in ("raise", "stop", "fall")
            or _came_too_late(evidence, latter)
            or died_holding(evidence, former)
            or frozen_holding(evidence, former)
        ):
            continue
        yield Violation("I5", job_id, f"run {latter.run} began although {former.run} had ended well")


def died_holding(evidence: Evidence, run: Run) -> bool:
    """Its process died while the job was in hand: running, or at its end and not settled."""
    death = evidence.death_of(run.pid)
    if death is None or run.ended is None:
        return death is not None
    return death <= run.ended + SETTLE and run.run not in evidence.results.get(run.job_id, "")


def frozen_holding(evidence: Evidence, run: Run) -> bool:
    """Its process was frozen while the job was in hand."""
    if evidence.frozen_during(run):
        return True
    cuts = [cut for cut in evidence.interruptions if cut.pid == run.pid and not cut.is_death]
    return run.ended is not None and any(run.ended <= cut.began <= run.ended + SETTLE for cut in cuts)


def _came_too_late(evidence: Evidence, *runs: Run) -> bool:
    """One of them was begun by a process that was frozen between its last look and the start, and stopped at once."""
    return any(run.how == "stop" and _thawed(evidence, run) for run in runs)


def _thawed(evidence: Evidence, run: Run) -> bool:
    """Its process came back from a freeze less than a second before it began."""
    cuts = [cut for cut in evidence.interruptions if cut.pid == run.pid and cut.ended is not None]
    return any(0 <= run.began - (cut.ended or 0) < 1 for cut in cuts)
