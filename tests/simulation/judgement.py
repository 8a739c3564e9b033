"""What must hold when all is over: every promise, looked up in what is left of the run."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

from cqworker.model.record import JobRecord
from cqworker.model.status import FailureKind, Status
from tests.simulation.clients import Ledger
from tests.simulation.debts import is_marked
from tests.simulation.fleet import Fleet
from tests.simulation.payloads import is_forgotten
from tests.simulation.process import Process
from tests.simulation.site import Site
from tests.simulation.store_service import shown


def is_quiet(site: Site) -> bool:
    """Whether nothing is left to do for anybody."""
    if any(site.ours(queue) for queue in site.services):
        return False
    site.store.expire()
    ended = {job_id for job_id, record in site.store.records.items() if record.status.is_final}
    known = {job_id for jobs in site.asked.values() for job_id in jobs} | site.store.records.keys()
    if not site.slots.is_quiet:
        return False
    if any(map(site.debts.waits, site.store.records.values())):
        return False
    return known <= ended | _bygone(site)


def _bygone(site: Site) -> set[str]:
    """Whose record was kept for its whole time after it had ended, or whose message SQS has kept for its 14 days.

    A job that nobody sent for as long as its record is kept after its time is gone as well.
    """
    ended = {job_id for job_id, record in site.store.expired.items() if record.status.is_final or is_marked(record)}
    records = site.store.records.values()
    past = {record.job_id for record in records if is_marked(record) and site.debts.is_past(record)}
    return ended | past | site.outlived | site.debts.excused


def judge(site: Site, ledger: Ledger, fleet: Fleet) -> None:
    """Tells the witness of everything that is not as it was promised."""
    _accepted_jobs_have_ended(site, ledger)
    _keys_made_one_job(site, ledger)
    _retries_opened_one_round_each(site, ledger)
    _records_add_up(site)
    _queues_are_empty(site)
    site.slots.judge()
    for process in fleet.alive:
        _process_is_idle(site, process)


def judge_exits(site: Site, left: list[Process]) -> None:
    """After the last drain, in peace: nothing of a process is left."""
    for process in left:
        if process.leaks:
            site.witness.accuse(process.name, "left tasks behind:", *process.leaks)


def _accepted_jobs_have_ended(site: Site, ledger: Ledger) -> None:
    promised = {job for jobs in ledger.accepted.values() for job in jobs} | ledger.met
    everybody = promised | {job for jobs in site.asked.values() for job in jobs}
    for job_id in sorted(everybody - _bygone(site)):
        record = site.store.records.get(job_id)
        if record is None or not record.status.is_final:
            site.witness.accuse("a job was lost:", job_id, shown(record))
        elif record.round < ledger.rounds.get(job_id, 0):
            site.witness.accuse("a retry was lost:", job_id, f"round {ledger.rounds[job_id]} of", shown(record))
    for job_id, record in site.store.records.items():
        if not record.status.is_final and job_id not in _bygone(site):
            site.witness.accuse("a record is stuck:", job_id, shown(record))
        if site.debts.waits(record):
            site.witness.accuse("a record is left in the index:", job_id, shown(record))
    for asked in sorted(ledger.refused):
        if site.asked.get(asked):
            site.witness.accuse("nothing was accepted, it was said, but it was sent:", asked)


def _keys_made_one_job(site: Site, ledger: Ledger) -> None:
    """As long as its key is honoured a request is one job."""
    for asked, jobs in site.asked.items():
        if (request := site.letters.asked.get(asked)) is not None and request.replaces:
            continue  # one whose copy of another's job came too late makes its own: see payloads.py
        times = sorted(jobs.values())
        if not all(is_forgotten(earlier, later) for earlier, later in pairwise(times)):
            site.witness.accuse("one request made several jobs:", asked, *jobs)
    for asked, accepted in ledger.accepted.items():
        if unsent := accepted - site.asked.get(asked, {}).keys():
            site.witness.accuse("a job was accepted, and no message sent:", asked, *unsent)


def _retries_opened_one_round_each(site: Site, ledger: Ledger) -> None:
    """A retry of a round opens the next one, however often it is asked for; one that names no round, one more."""
    for job_id, record in site.store.records.items():
        opened = set(range(1, record.round)) - ledger.retried_rounds[job_id]
        if len(opened) > ledger.retries[job_id]:
            site.witness.accuse("nobody asked for so many rounds:", shown(record), ledger.retries[job_id])


def _records_add_up(site: Site) -> None:
    charged = Counter(
        (attempt.job_id, attempt.round) for attempt in site.witness.history if attempt.ended != "handed back"
    )
    for record in site.store.records.values():
        if record.job_id in site.store.expired:
            continue
        count = charged[record.job_id, record.round]
        unstarted = not count and record.failure is not None and record.failure.kind is FailureKind.LOST
        if record.attempt != count and not unstarted:  # a round that was lost before its start keeps the last one's
            site.witness.accuse("attempts do not add up:", count, "of", record.job_id, shown(record))
        if record.status is Status.SUCCEEDED:
            _result_stands(site, record)
        calm = not (site.profile.rates or site.profile.strikes)
        if record.failure is not None and record.failure.kind is FailureKind.LOST and calm:
            site.witness.accuse("lost, and nobody is to blame:", record.job_id)


def _result_stands(site: Site, record: JobRecord) -> None:
    """Result and output are those of the attempt that settled.

    Or of one that was handed back before it, and so had the same number and wrote to the same key: it had stopped,
    but a request of its may have wandered through the network and arrived last.
    """
    attempt = site.witness.attempts[record.token or ""]
    result = site.witness.result_of(record)
    makers = [result]
    if isinstance(result, dict) and "output" in result:
        found = site.objects.get(result["output"])
        makers.append(json.loads(found.data) if found is not None else None)
    for made in makers:
        maker = site.witness.runs.get(made["serial"]) if isinstance(made, dict) else None
        if maker is not attempt and not (maker is not None and maker.shares_key(attempt)):
            site.witness.accuse("what is left is not of the attempt that settled:", attempt, made)


def _queues_are_empty(site: Site) -> None:
    for queue in site.services:
        if left := site.ours(queue):
            site.witness.accuse("messages are left in", queue.name, *left)


def _process_is_idle(site: Site, process: Process) -> None:
    worker = process.worker
    busy = {
        "slots": worker.capacity.taken,
        "runs": len(worker.executor.runs),
        "stragglers": len(worker.executor.stragglers),
        "leases": sum(len(queue_worker.leases) for queue_worker in worker.queue_workers),
        "journeys": sum(len(queue_worker.poller.journeys) for queue_worker in worker.queue_workers),
        "reasons to be restarted": len(worker.liveness()),
    }
    if left := {what: count for what, count in busy.items() if count}:
        site.witness.accuse(process.name, "is not idle at the end:", left)
