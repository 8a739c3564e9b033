"""A job to submit, and a job as it stands."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cqworker.errors import SubmissionRefused
from cqworker.model.status import Status
from cqworker.web.strict_json import NotStrictJson, read_object

View = Mapping[str, Any]
"""A job as the API shows it."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to submit. `payload` is plain data, a pydantic model or a dataclass, `delay` is in seconds (0 to 900).

    `key` is an Idempotency-Key: for 24 hours the same key gives the same job, and a repeated submission is harmless.
    What is None is as the type's author or the operator set it.
    """

    type: str
    payload: object
    _: dataclasses.KW_ONLY
    key: str | None = None
    queue: str | None = None
    delay: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    max_attempts: int | None = None


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far the running attempt says it is."""

    done: float
    total: float | None
    note: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class JobFailure:
    """How the last attempt ended: `kind` as docs/http.md lists them, `error` the exception's type."""

    kind: str
    message: str
    error: str | None
    stage: str | None
    traceback: str | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to the job."""

    at: datetime
    event: str
    attempt: int | None
    worker: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as it stood when it was asked for. Times are UTC; `history` holds the last 20 entries, oldest first."""

    job_id: str
    type: str
    queue: str
    tenant: str
    status: Status
    payload: Any
    metadata: Mapping[str, str]
    tags: tuple[str, ...]
    round: int
    attempt: int
    max_attempts: int
    progress: JobProgress | None
    result: Any
    failure: JobFailure | None
    history: tuple[HistoryEntry, ...]
    created_at: datetime
    updated_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    trace_id: str
    payload_ref: str | None = None
    result_ref: str | None = None


def body_of(job: NewJob, *, with_key: bool = False) -> bytes:
    """The job as POST /jobs takes it, or with its key as a batch does. Raises SubmissionRefused for what is no JSON."""
    asked = {
        "queue": job.queue,
        "delay_seconds": job.delay or None,
        "metadata": dict(job.metadata) or None,
        "tags": list(job.tags) or None,
        "max_attempts": job.max_attempts,
        "idempotency_key": job.key if with_key else None,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        body = _compact({"type": job.type, "payload": job.payload, **given})
        read_object(body)
    except (NotStrictJson, TypeError, ValueError, RecursionError) as error:
        raise SubmissionRefused(f"The job of type {job.type!r} cannot be written as JSON: {error}") from error
    return body


def job_from(view: View) -> JobView:
    """The record of a view; what a newer daemon says beyond it is left out. Raises ValueError, KeyError, TypeError."""
    known: dict[str, Any] = {name: view.get(name) for name in ("payload_ref", "result_ref")}
    known |= {field.name: view[field.name] for field in dataclasses.fields(JobView) if field.name not in known}
    known |= {name: _time(known[name]) for name in known if name.endswith("_at")}
    known["status"] = Status(view["status"])
    known["tags"] = tuple(view["tags"])
    known["progress"] = _progress(view["progress"])
    known["failure"] = _failure(view["failure"])
    known["history"] = tuple(_entry(entry) for entry in view["history"])
    return JobView(**known)


def _compact(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_opened).encode()


def _opened(value: object) -> object:
    """What json does not know by itself: pydantic models and dataclasses."""
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} is no JSON; give plain data, a pydantic model or a dataclass")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _progress(said: View | None) -> JobProgress | None:
    if said is None:
        return None
    return JobProgress(said["done"], said["total"], said["note"], datetime.fromisoformat(said["at"]))


def _failure(said: View | None) -> JobFailure | None:
    if said is None:
        return None
    detail = said["detail"]
    return JobFailure(said["kind"], said["message"], detail["error"], detail["stage"], detail["traceback"])


def _entry(said: View) -> HistoryEntry:
    at = datetime.fromisoformat(said["at"])
    return HistoryEntry(at, said["event"], said["attempt"], said["worker"], said["reason"])
