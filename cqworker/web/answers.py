"""The bodies that are answered, as pydantic models: they describe, and a test holds real answers against them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cqworker.closed_sets import Executor
from cqworker.model.status import FailureKind, Status

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
LEFT_OUT = "Left out for callers who may not read."


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid")


class ProgressView(Answer):
    """How far the running attempt says it is."""

    done: float
    total: float | None
    note: str | None
    at: Time


class FailureDetail(Answer):
    """What the handler raised, where, and its traceback."""

    error: str | None
    stage: str | None
    traceback: str | None


class FailureView(Answer):
    """How the last attempt ended."""

    kind: FailureKind
    message: str
    detail: FailureDetail


class HistoryEntry(Answer):
    """One thing that happened to the job."""

    at: Time
    event: str
    attempt: int | None
    worker: str | None
    reason: str | None


class JobView(Answer):
    """A job, and what happened to it."""

    job_id: str
    type: str
    queue: str
    tenant: str
    status: Status
    payload: Any
    metadata: dict[str, str]
    tags: list[str]
    round: int
    attempt: int
    max_attempts: int
    progress: ProgressView | None
    result: Any
    failure: FailureView | None
    history: list[HistoryEntry] = Field(description="The last 20 entries, the oldest first.")
    created_at: Time
    updated_at: Time
    scheduled_at: Time | None
    started_at: Time | None
    finished_at: Time | None
    cancel_requested_at: Time | None
    trace_id: str
    payload_ref: str = Field(default="", description="Where the payload is when it was too big for the record.")
    result_ref: str = Field(default="", description="Where the result is when it was too big for the record.")


class ArtifactView(Answer):
    """An uploaded artifact."""

    artifact_id: str
    bytes: int
    content_type: str
    source: str = Field(description="What a payload says to refer to it.")


class BackoffView(Answer):
    """Exponential backoff with full jitter, in seconds."""

    first: float
    factor: float
    cap: float


class HandlerView(Answer):
    """A job type."""

    type: str
    description: str | None
    payload_schema: dict[str, Any]
    result_schema: dict[str, Any]
    timeout: float
    max_attempts: int
    backoff: BackoffView
    concurrency: int | None
    queue: str | None
    executor: Executor
    memory: int | None
    origin: str
    distribution: str
    version: str


class BrokenView(Answer):
    """A plugin that cannot be used."""

    type: str
    origin: str
    distribution: str
    cause: str
    remedy: str


class HandlersView(Answer):
    """The job types that can be submitted, and the plugins that are broken."""

    handlers: list[HandlerView]
    broken: list[BrokenView]


class HealthView(Answer):
    """Whether this process is alive."""

    status: Literal["healthy", "unhealthy"]
    reasons: list[str] = Field(default_factory=list, description=LEFT_OUT)


class TroubleView(Answer):
    """A service that keeps the worker from being ready, and what mends it."""

    service: str
    cause: str
    remedy: str


class ReadinessView(Answer):
    """Whether this process can do its work now."""

    status: Literal["ready", "unready"]
    troubles: list[TroubleView] = Field(default_factory=list, description=LEFT_OUT)


class FaultView(Answer):
    """One field that does not fit."""

    pointer: str = Field(description="A JSON pointer (RFC 6901) into the request's body.")
    detail: str


class ProblemView(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultView] = Field(default_factory=list)
    job_id: str = ""


class BatchEntryView(Answer):
    """What became of one job of a batch: the job, or the problem with it."""

    status: int = Field(description="What POST /jobs would have answered.")
    job: JobView | None = None
    problem: ProblemView | None = None


class BatchView(Answer):
    """What became of each job of a batch, in their order."""

    jobs: list[BatchEntryView]
