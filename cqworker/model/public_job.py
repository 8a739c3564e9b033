"""The public shape of a job: what everybody who shows or reads one knows of its fields is written here, and only here.

`job_view()` fills it from a record, the client reads it back, and the API's description is made of it: there `metadata`
is what pydantic's `Field` takes, but for the keys of MARKS. As JSON a time is RFC 3339 text. A default is what a field
has where an older daemon does not know of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cqworker.field_docs import document_fields
from cqworker.model.job_limits import MAX_JOB_ID
from cqworker.model.limits import MAX_LIMIT_KEY
from cqworker.model.priorities import MEDIUM
from cqworker.model.status import Status

PART = "part"
"""The mark of the part of a record that a field stands in as JSON: `detail` for `failure.detail.error`."""
LEFT_OUT = "left_out"
"""The mark of a field that as JSON is left out where there is none, and never null."""
MARKS = frozenset({PART, LEFT_OUT})
IN_DETAIL = {PART: "detail"}


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
    fingerprint="The same eight characters for failures that are alike; None where an older version wrote it.",
)
@dataclass(frozen=True, slots=True)
class JobFailure:
    """How the last attempt ended."""

    kind: str
    message: str
    error: str | None = field(metadata=IN_DETAIL)
    stage: str | None = field(metadata=IN_DETAIL)
    traceback: str | None = field(metadata=IN_DETAIL)
    fingerprint: str | None = field(
        default=None,
        metadata={"description": "The same for failures that are alike; null where an older version wrote it."},
    )


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
    priority="Its level of the queue: highest, high, medium, low or lowest.",
    limit_key="What limits of key:* count it by, or None.",
    trace_id="The trace id of its submitter's W3C trace context, else one made from its id.",
    payload_ref="Where a payload is kept that was too big for the record (s3://…), or None.",
    result_ref="Where a result is kept that was too big for the record (s3://…), or None; Client.result() fetches it.",
    unique_scope="How long it keeps others with its unique key from being made, as docs/unique-jobs.md says, or None.",
    unique="True in the answer to a submission that met this job, which has its unique key; else None.",
    explanation="Which limit it waits for, since when and behind how many, in words; or None.",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as it stood when it was asked for."""

    job_id: str = field(metadata={"min_length": 1, "max_length": MAX_JOB_ID})
    type: str
    queue: str
    tenant: str
    status: Status
    payload: Any = field(metadata={"description": "As it was sent; null where it was too big for the record."})
    metadata: Mapping[str, str]
    tags: tuple[str, ...]
    round: int = field(metadata={"ge": 1})
    attempt: int = field(metadata={"ge": 0, "description": "Of this round; 0 before the first."})
    max_attempts: int = field(metadata={"ge": 1})
    progress: JobProgress | None
    result: Any = field(
        metadata={"description": "What the handler returned; null before, and where it was too big for the record."}
    )
    failure: JobFailure | None
    history: tuple[HistoryEntry, ...] = field(metadata={"description": "The last 20 entries, the oldest first."})
    created_at: datetime
    updated_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    trace_id: str = field(metadata={"pattern": "^[0-9a-f]{32}$"})
    priority: str = field(default=MEDIUM, metadata={"description": "Its level of the queue."})
    limit_key: str | None = field(
        default=None, metadata={"max_length": MAX_LIMIT_KEY, "description": "What limits of `key:*` count it by."}
    )
    payload_ref: str | None = field(
        default=None,
        metadata={
            LEFT_OUT: True,
            "min_length": 1,
            "description": "Where the payload is; left out unless it was too big for the record.",
        },
    )
    result_ref: str | None = field(
        default=None,
        metadata={
            LEFT_OUT: True,
            "min_length": 1,
            "description": "Where the result is; left out unless it was too big for the record.",
        },
    )
    unique_scope: str | None = field(
        default=None,
        metadata={
            LEFT_OUT: True,
            "min_length": 1,
            "description": "How long it keeps others with its unique key from being made; left out where it has none.",
        },
    )
    unique: bool | None = field(
        default=None,
        metadata={
            LEFT_OUT: True,
            "description": "True in the answer to a submission that met this job, which has its unique key; else left "
            "out.",
        },
    )
    explanation: str | None = field(
        default=None,
        metadata={
            LEFT_OUT: True,
            "min_length": 1,
            "description": "Which limit it waits for, since when, behind how many, in words; left out unless it does.",
        },
    )


@document_fields(
    kind="Why, in one word of those that docs/http.md lists, such as exhausted, rejected or timeout.",
    message="What was wrong, in a sentence.",
    error="The exception's type; None where there was none.",
    fingerprint="The same eight characters for failures that are alike; None where an older version wrote it.",
)
@dataclass(frozen=True, slots=True)
class FailureSummary:
    """How the last attempt ended, without where."""

    kind: str
    message: str
    error: str | None
    fingerprint: str | None


@document_fields(
    job_id="The job's id.",
    type="The job type.",
    queue="The queue its messages go to.",
    tenant="Whose job it is.",
    status="A word of cqworker.client.Status.",
    tags="As submitted.",
    round="1, and one more with each retry by hand.",
    attempt="Starts in this round so far, refunded ones left out.",
    max_attempts="Starts that a round may have.",
    failure="How the last attempt ended where that was no success, or None.",
    worker="Who ended it, where it is listed; else who had it last; or None.",
    release="The release of the code that ended it, where it is listed; or None.",
    created_at="When it was submitted (UTC).",
    updated_at="When it last changed (UTC).",
    scheduled_at="Not to start before (UTC), or None.",
    started_at="When the last attempt started (UTC), or None.",
    finished_at="When it became final (UTC), or None.",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """A job as a list shows it."""

    job_id: str = field(metadata={"min_length": 1, "max_length": MAX_JOB_ID})
    type: str
    queue: str
    tenant: str
    status: Status
    tags: tuple[str, ...]
    round: int = field(metadata={"ge": 1})
    attempt: int = field(metadata={"ge": 0, "description": "Of this round; 0 before the first."})
    max_attempts: int = field(metadata={"ge": 1})
    failure: FailureSummary | None
    worker: str | None = field(metadata={"description": "Who ended it, where it is listed; else who had it last."})
    release: str | None = field(metadata={"description": "Of the code that ended it, where it is listed."})
    created_at: datetime
    updated_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
