"""The bodies of answers, as pydantic models: they describe the API, and tests hold real answers against them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from cqworker.enums import Executor, UniqueScopeName
from cqworker.model import public_job
from cqworker.model.status import FailureKind
from cqworker.web.record_fields import take_fields

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
ARTIFACT_ID = "^[0-9a-f]{32}$"
LEFT_OUT = "Left out for callers who may not read."


class ResponseBody(BaseModel):
    """An answer's body."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@take_fields(public_job.JobProgress)
class ProgressView(ResponseBody):
    """How far the running attempt says it is."""


@take_fields(public_job.JobFailure, part="detail")
class FailureDetail(ResponseBody):
    """What the handler raised, where, and its traceback."""


@take_fields(public_job.JobFailure)
class FailureView(ResponseBody):
    """How the last attempt ended."""

    kind: FailureKind
    detail: FailureDetail


@take_fields(public_job.HistoryEntry)
class HistoryEntry(ResponseBody):
    """One thing that happened to the job."""


@take_fields(public_job.JobView, JobProgress=ProgressView, JobFailure=FailureView, HistoryEntry=HistoryEntry)
class JobView(ResponseBody):
    """A job, and what happened to it."""


@take_fields(public_job.FailureSummary)
class FailureSummaryView(ResponseBody):
    """How the last attempt ended, without where."""

    kind: FailureKind


@take_fields(public_job.JobSummary, FailureSummary=FailureSummaryView)
class JobSummaryView(ResponseBody):
    """A job as a list shows it."""


class JobListView(ResponseBody):
    """A page of a list."""

    jobs: list[JobSummaryView]
    next: str | None = Field(description="The `cursor` of the next page; null at the end of the list.")
    looked_at: int = Field(
        ge=0, description="Entries that were looked at for this page; for a token with a tenant, its own."
    )
    looked_back_to: Time = Field(description="All jobs to this time were looked at; of SCHEDULED ones all until then.")
    complete: bool = Field(description="Whether that was all; a page with few jobs, or none, may not be the last.")
    source: Literal["index", "workers"] = Field(
        description="workers: RUNNING jobs that the workers' heartbeats name, 32 each at most, the longest-running "
        "first, for there is no index of all jobs."
    )
    unnamed: int | None = Field(
        ge=0, description="Jobs that run and that no heartbeat names; null for an index, and for a tenant's token."
    )


class JobCountView(ResponseBody):
    """How many jobs there are, of those that could be counted at once."""

    count: int = Field(ge=0)
    next: str | None = Field(description="The `cursor` that counts the rest; null where all were counted.")
    counted_back_to: Time = Field(description="All jobs to this time were counted.")
    complete: bool = Field(description="Whether all were counted; else add what the rest has.")


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


class UniqueView(ResponseBody):
    """What the jobs of a type are unique by where their submissions do not say, and for how long."""

    by: str | list[str] | None = Field(description="Fields of the payload, or a text; null: the whole payload.")
    scope: UniqueScopeName
    window_seconds: int | None


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
    unique: UniqueView | None
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
