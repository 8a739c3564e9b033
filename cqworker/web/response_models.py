"""The bodies of answers, as pydantic models: they describe the API, and tests hold real answers against them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from cqworker.enums import Executor
from cqworker.model.ids import MAX_JOB_ID
from cqworker.model.status import FailureKind, Status

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
ARTIFACT_ID = "^[0-9a-f]{32}$"
LEFT_OUT = "Left out for callers who may not read."


class ResponseBody(BaseModel):
    """An answer's body."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class ProgressView(ResponseBody):
    """How far the running attempt says it is."""

    done: float
    total: float | None
    note: str | None
    at: Time


class FailureDetail(ResponseBody):
    """What the handler raised, where, and its traceback."""

    error: str | None
    stage: str | None
    traceback: str | None


class FailureView(ResponseBody):
    """How the last attempt ended."""

    kind: FailureKind
    message: str
    detail: FailureDetail


class HistoryEntry(ResponseBody):
    """One thing that happened to the job."""

    at: Time
    event: str
    attempt: int | None
    worker: str | None
    reason: str | None


class JobView(ResponseBody):
    """A job, and what happened to it."""

    job_id: str = Field(min_length=1, max_length=MAX_JOB_ID)
    type: str
    queue: str
    tenant: str
    status: Status
    payload: Any = Field(description="As it was sent; null where it was too big for the record.")
    metadata: dict[str, str]
    tags: list[str]
    round: int = Field(ge=1)
    attempt: int = Field(ge=0, description="Of this round; 0 before the first.")
    max_attempts: int = Field(ge=1)
    progress: ProgressView | None
    result: Any = Field(description="What the handler returned; null before, and where it was too big for the record.")
    failure: FailureView | None
    history: list[HistoryEntry] = Field(description="The last 20 entries, the oldest first.")
    created_at: Time
    updated_at: Time
    scheduled_at: Time | None
    started_at: Time | None
    finished_at: Time | None
    cancel_requested_at: Time | None
    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    payload_ref: str = Field(
        default="", min_length=1, description="Where the payload is; left out unless it was too big for the record."
    )
    result_ref: str = Field(
        default="", min_length=1, description="Where the result is; left out unless it was too big for the record."
    )


class ArtifactView(ResponseBody):
    """An uploaded artifact."""

    artifact_id: str = Field(pattern=ARTIFACT_ID)
    bytes: int = Field(ge=1, json_schema_extra={"format": "int64"})
    content_type: str
    source: str = Field(description="What a payload says to refer to it.")


class BackoffView(ResponseBody):
    """Exponential backoff with full jitter, in seconds."""

    first: float
    factor: float
    cap: float


class HandlerView(ResponseBody):
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


class BrokenView(ResponseBody):
    """A plugin that cannot be used."""

    type: str
    origin: str
    distribution: str
    cause: str
    remedy: str


class HandlersView(ResponseBody):
    """The job types that can be submitted, and the plugins that are broken."""

    handlers: list[HandlerView]
    broken: list[BrokenView]


class HealthView(ResponseBody):
    """Whether this process is alive."""

    status: Literal["healthy", "unhealthy"]
    reasons: list[str] = Field(default_factory=list, description=LEFT_OUT)


class TroubleView(ResponseBody):
    """A service that keeps the worker from being ready, and what mends it."""

    service: str
    cause: str
    remedy: str


class ReadinessView(ResponseBody):
    """Whether this process can do its work now."""

    status: Literal["ready", "unready"]
    troubles: list[TroubleView] = Field(default_factory=list, description=LEFT_OUT)


class FaultView(ResponseBody):
    """One field that does not fit."""

    pointer: str = Field(description="A JSON pointer (RFC 6901) into the request's body.")
    detail: str


class ProblemView(BaseModel):
    """An error (RFC 9457): `type` says which, whatever the sentences are. There may be further members."""

    type: str = Field(json_schema_extra={"format": "uri"})
    title: str
    status: int = Field(ge=400, le=599, description="The answer's status.")
    detail: str = Field(description="What was wrong this time, and what mends it.")
    errors: list[FaultView] = Field(default_factory=list, description="The fields that do not fit.")
    job_id: str = Field(default="", description="The job that it is about.")
    service: str = Field(default="", description="The service that did not do its part.")
    retry_after: int = Field(default=0, ge=0, description="Seconds after which the same request has room again.")
    incident: str = Field(default="", description="What to look for in the worker's log.")


class BatchEntryView(ResponseBody):
    """What became of one job of a batch: the job, or the problem with it."""

    status: int = Field(ge=200, le=599, description="What POST /jobs would have answered.")
    job: JobView | SkipJsonSchema[None] = Field(default=None, description="The job, where the status is 200 or 202.")
    problem: ProblemView | SkipJsonSchema[None] = Field(default=None, description="Why it was refused.")


class BatchView(ResponseBody):
    """What became of each job of a batch, in their order."""

    jobs: list[BatchEntryView]
