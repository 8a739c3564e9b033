"""A job to submit, and a job as it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cqworker.field_docs import document_fields
from cqworker.model.status import Status
from cqworker.suggestions.call_errors import explain_misuse_of_init
from cqworker.suggestions.submission_terms import NEW_JOB

View = Mapping[str, Any]
"""A job as the API shows it."""


@explain_misuse_of_init(NEW_JOB)
@document_fields(
    type="The job type: the name of its handler's entry point.",
    payload="What its handler is given: plain data, a pydantic model or a dataclass.",
    key="An Idempotency-Key, 1 to 128 printable ASCII characters: for 24 hours the same key gives the same job.",
    queue="The queue it goes to; None: the type's, else the first that is configured.",
    delay="Seconds before it may start, 0 to 900, or a timedelta, of which a begun second counts as one.",
    metadata="Texts by name that stay with the job: 16 at most, of 1 KB in all.",
    tags="Up to 10 texts that stay with the job.",
    max_attempts="Starts before it has FAILED, the first one too; None: as the type's author or the operator set it.",
)
@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to submit."""

    type: str
    payload: object
    _: dataclasses.KW_ONLY
    key: str | None = None
    queue: str | None = None
    delay: float | timedelta = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    max_attempts: int | None = None


@document_fields(
    done="How much is done.",
    total="Of how much; None where the handler does not say.",
    note="What the handler says of it, or None.",
    at="When it said so (UTC).",
)
@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far the running attempt says it is."""

    done: float
    total: float | None
    note: str | None
    at: datetime


@document_fields(
    kind="Why, in one word of those that docs/http.md lists, such as exhausted, rejected or timeout.",
    message="What was wrong, in a sentence.",
    error="The exception's type; None where there was none.",
    stage="Where it happened, such as payload, handler or result; None where that says nothing.",
    traceback="The end of the exception's traceback, or None.",
)
@dataclass(frozen=True, slots=True)
class JobFailure:
    """How the last attempt ended."""

    kind: str
    message: str
    error: str | None
    stage: str | None
    traceback: str | None


@document_fields(
    at="When it happened (UTC).",
    event="What happened, in one word such as submitted, claimed or succeeded.",
    attempt="The attempt that it concerns, or None.",
    worker="The worker that did it, or None.",
    reason="Why, or None.",
)
@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to the job."""

    at: datetime
    event: str
    attempt: int | None
    worker: str | None
    reason: str | None


@document_fields(
    job_id="The job's id.",
    type="The job type: the name of its handler's entry point.",
    queue="The queue its messages go to.",
    tenant="Whose job it is.",
    status="A word of cqworker.client.Status; SUCCEEDED, FAILED and CANCELLED are final.",
    payload="As submitted, as JSON; None where it is kept at `payload_ref`.",
    metadata="As submitted.",
    tags="As submitted.",
    round="1, and one more with each retry by hand.",
    attempt="Starts in this round so far, refunded ones left out.",
    max_attempts="Starts that a round may have.",
    progress="How far the running attempt says it is, or None.",
    result="What the handler returned, as JSON; None until it has, and where it is kept at `result_ref`.",
    failure="How the last attempt ended where that was no success, or None.",
    history="The last 20 things that happened to it, oldest first.",
    created_at="When it was submitted (UTC).",
    updated_at="When it last changed (UTC).",
    scheduled_at="Not to start before (UTC): its delay, or the pause before the next attempt; or None.",
    started_at="When the last attempt started (UTC), or None.",
    finished_at="When it became final (UTC), or None.",
    cancel_requested_at="When somebody asked to cancel it (UTC), or None.",
    trace_id="The trace id of its submitter's W3C trace context, else one made from its id.",
    payload_ref="Where a payload is kept that was too big for the record (s3://…), or None.",
    result_ref="Where a result is kept that was too big for the record (s3://…), or None; Client.result() fetches it.",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as it stood when it was asked for."""

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


def job_from(view: View) -> JobView:
    """The record of a view; what a newer daemon says beyond it is left out. Raises ValueError, KeyError, TypeError.

    What only a newer daemon says has its default.
    """
    fields = dataclasses.fields(JobView)
    known: dict[str, Any] = {
        field.name: view[field.name] for field in fields if field.name in view or field.default is dataclasses.MISSING
    }
    known |= {name: _time(known[name]) for name in known if name.endswith("_at")}
    known["status"] = Status(view["status"])
    known["tags"] = tuple(view["tags"])
    known["progress"] = _progress(view["progress"])
    known["failure"] = _failure(view["failure"])
    known["history"] = tuple(_entry(entry) for entry in view["history"])
    return JobView(**known)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _progress(shown: View | None) -> JobProgress | None:
    if shown is None:
        return None
    return JobProgress(shown["done"], shown["total"], shown["note"], datetime.fromisoformat(shown["at"]))


def _failure(shown: View | None) -> JobFailure | None:
    if shown is None:
        return None
    detail = shown["detail"]
    return JobFailure(shown["kind"], shown["message"], detail["error"], detail["stage"], detail["traceback"])


def _entry(shown: View) -> HistoryEntry:
    at = datetime.fromisoformat(shown["at"])
    return HistoryEntry(at, shown["event"], shown["attempt"], shown["worker"], shown["reason"])
