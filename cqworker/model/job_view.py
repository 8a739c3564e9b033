"""A record in the public shape (model/public_job.py), as the API answers and the command line prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.json import decode

from cqworker.model.history import Entry, with_attempt_numbers
from cqworker.model.limits import hashed_key, named_key, shown_key
from cqworker.model.priorities import MEDIUM
from cqworker.model.record import Failure, JobRecord, Progress
from cqworker.model.timestamps import rfc3339
from cqworker.model.trace import derived_trace_id
from cqworker.model.unique_hold import scope_and_key


def _parse_json(text: str) -> Any:
    """Every digit of a whole number is kept: orjson would round those beyond 64 bits."""
    return decode(text)


def job_view(record: JobRecord, parse: Callable[[str], Any] = _parse_json) -> dict[str, object]:
    """The job as JSON-able data: every key is there, null, [] or {} where there is nothing to say.

    `parse` makes of the JSON text of payload and of result what shall stand for it. Times are RFC 3339. `payload_ref`
    and `result_ref` are there only where the thing was too big for the record, `unique_scope` only where it has a
    unique key.
    """
    view: dict[str, object] = {
        "job_id": record.job_id,
        "type": record.type,
        "queue": record.queue,
        "tenant": record.tenant,
        "status": record.status.value,
        "payload": None if record.payload is None else parse(record.payload),
        "metadata": dict(record.metadata),
        "tags": list(record.tags),
        "round": record.round,
        "attempt": record.attempt,
        "max_attempts": record.max_attempts,
        "progress": _progress(record.progress),
        "result": None if record.result is None else parse(record.result),
        "failure": _failure(record.failure),
        "history": [_entry(record, entry) for entry in with_attempt_numbers(record.history, record.attempt)],
        **_times(record),
        "trace_id": record.trace_id or derived_trace_id(record.job_id),
        "priority": record.priority or MEDIUM,
        "limit_key": record.limit_key,
    }
    scope = record.unique and scope_and_key(record.unique)[0].value
    seldom = {"payload_ref": record.payload_ref, "result_ref": record.result_ref, "unique_scope": scope}
    return view | {name: value for name, value in seldom.items() if value}


def job_summary(record: JobRecord) -> dict[str, object]:
    """The job as a list shows it, as JSON-able data: every key is there, null where there is nothing to say."""
    failure, times = record.failure, _times(record)
    del times["cancel_requested_at"]
    return {
        "job_id": record.job_id,
        "type": record.type,
        "queue": record.queue,
        "tenant": record.tenant,
        "status": record.status.value,
        "tags": list(record.tags),
        "round": record.round,
        "attempt": record.attempt,
        "max_attempts": record.max_attempts,
        "failure": failure
        and {
            "kind": failure.kind.value,
            "message": failure.message,
            "error": failure.error,
            "fingerprint": failure.fingerprint,
        },
        "worker": worker_of(record),
        "release": (record.listing.release or None) if record.listing else None,
        **times,
    }


def worker_of(record: JobRecord) -> str | None:
    """Who ended the job, where it is listed; else who had it last; None: nobody yet."""
    if record.listing is not None:
        return record.listing.worker or None
    return next((entry.worker for entry in reversed(record.history) if entry.worker), None)


def _times(record: JobRecord) -> dict[str, object]:
    updated_at = record.history[-1].at if record.history else record.created_at
    return {
        "created_at": rfc3339(record.created_at),
        "updated_at": rfc3339(updated_at),
        "scheduled_at": _time(record.scheduled_at),
        "started_at": _time(record.started_at),
        "finished_at": _time(record.finished_at),
        "cancel_requested_at": _time(record.cancel_requested_at),
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(ms)


def _progress(progress: Progress | None) -> dict[str, object] | None:
    if progress is None:
        return None
    return {"done": progress.done, "total": progress.total, "note": progress.note, "at": rfc3339(progress.at)}


def _failure(failure: Failure | None) -> dict[str, object] | None:
    if failure is None:
        return None
    detail = {"error": failure.error, "stage": failure.stage, "traceback": failure.traceback}
    said = {"kind": failure.kind.value, "message": failure.message, "fingerprint": failure.fingerprint}
    return said | {"detail": detail}


def reason_of(record: JobRecord, reason: str) -> str:
    """The reason of an entry, with a limit of keys by its name: what is stored has the hash of it."""
    if record.limit_key is None or "key:" not in reason:
        return reason
    key = hashed_key(record.tenant, record.limit_key)
    return reason.replace(shown_key(key), named_key(key, record.limit_key))


def _entry(record: JobRecord, entry: Entry) -> dict[str, object]:
    return {
        "at": rfc3339(entry.at),
        "event": entry.event,
        "attempt": entry.attempt or None,
        "worker": entry.worker or None,
        "reason": reason_of(record, entry.reason) or None,
    }
