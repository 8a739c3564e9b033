"""The settings: frozen, validated as a whole, made once and passed down.

Each field's description says what it is for in words that also stand in error messages.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from cqworker.model.retention import Retention
from cqworker.model.source_reference import places_overlap
from cqworker.model.status import Status
from cqworker.settings.handler_settings import HandlerSettings
from cqworker.settings.http_settings import HttpSettings
from cqworker.settings.limit_settings import LimitSettings, check_limits
from cqworker.settings.log_settings import LogSettings
from cqworker.settings.queue_settings import QueueSettings, queues_named_twice
from cqworker.settings.resource_names import ResourceName
from cqworker.settings.section import Section, duplicates_of

SourcePrefix = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")]
"""A place in S3 below which jobs may read: `s3://bucket` or `s3://bucket/prefix`."""


ListedStatus = Literal[Status.FAILED, Status.CANCELLED]
"""A status whose jobs the listing index can have: SUCCEEDED would cost every ordinary job a write."""


class StoreSettings(Section):
    """`[store]`: where the records are and how long they stay."""

    table: ResourceName = Field(
        "cqworker-jobs", pattern=r"^[A-Za-z0-9_.-]{3,255}$", description="The DynamoDB table's name."
    )
    retention_days: int = Field(
        30,
        ge=15,
        le=3650,
        description="Days a record stays after its last change. SQS keeps a message for up to 14 days, "
        "and a copy that outlived its record would run a forgotten job again.",
    )
    listed: tuple[ListedStatus, ...] = Field(
        (Status.FAILED,),
        description="The statuses whose jobs the listing index has: FAILED, CANCELLED, or both. Each job that ends so "
        "costs one write unit more.",
    )
    list_all: bool = Field(
        False,
        description="true: jobs are listed in every status, by an index of all jobs that costs one write unit more "
        "for each job; `cqworker provision` makes it. false: those that failed and those that are due later.",
    )

    @field_validator("listed")
    @classmethod
    def _refuse_statuses_named_twice(cls, listed: tuple[ListedStatus, ...]) -> tuple[ListedStatus, ...]:
        if twice := duplicates_of(listed):
            raise ValueError(f"{twice} is named twice")
        return listed

    @property
    def retention(self) -> Retention:
        """`retention_days` as what computes when a record may be deleted."""
        return Retention(days=self.retention_days)


class ArtifactSettings(Section):
    """`[artifacts]`: where big things go, and what jobs may read."""

    bucket: ResourceName = Field(
        "cqworker-artifacts", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="The S3 bucket's name."
    )
    bucket_owner: str | None = Field(
        None,
        pattern=r"^[0-9]{12}$",
        description="The AWS account that must own every bucket; S3 refuses calls to a bucket of any other.",
    )
    prefix: str = Field(
        "cqworker/", pattern=r"^([^/]+/)*$", description='Every key begins with it; it ends with "/" or is empty.'
    )
    sources: tuple[SourcePrefix, ...] = Field(
        (),
        description="What jobs of all tenants may read besides uploads, each as s3://bucket/prefix; empty: nothing.",
    )
    inline_limit: int = Field(
        4096, ge=0, le=131_072, description="Bytes of a payload or result that stay in the record; more goes to S3."
    )

    @field_validator("sources")
    @classmethod
    def _refuse_sources_among_artifacts(cls, sources: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not {"bucket", "prefix"} <= info.data.keys():
            return sources
        own = f"s3://{info.data['bucket']}/{info.data['prefix']}"
        shared = ", ".join(source for source in sources if places_overlap(source, own))
        if shared:
            raise ValueError(
                f"{shared} overlap {own}, where the jobs of all tenants keep what they store; name places beside it, "
                "or give artifacts a bucket or a prefix of its own"
            )
        return sources


class WorkerSettings(Section):
    """`[worker]`: how much runs at once, and how it stops."""

    concurrency: int = Field(32, ge=1, le=10_000, description="Jobs that run at the same time in this process.")
    drain_timeout: float = Field(
        25,
        ge=0,
        le=3600,
        description="Seconds that running jobs are given to finish after SIGTERM; two seconds later at the latest the "
        "worker is gone. ECS and Kubernetes kill after 30.",
    )
    max_abandoned_handlers: int = Field(
        8,
        ge=1,
        description="Handlers that would not stop and may go on beside the others; with one more the worker drains and"
        " exits with code 70.",
    )
    release: str | None = Field(
        None,
        pattern=r"^[!-~]{1,64}$",
        description="What is deployed here, such as a version or a commit: 1 to 64 printable ASCII characters without "
        "a space, by which failures can be listed; not set: cqworker's version.",
    )


class FleetSettings(Section):
    """`[fleet]`: how often daemons tell of themselves, and how soon a backlog is to be gone."""

    heartbeat: int = Field(
        60,
        ge=10,
        le=60,
        description="Seconds between two heartbeats of a daemon while nobody looks: so late a command is heard at "
        "most. Each is a write unit.",
    )
    drain_target: int = Field(
        300,
        ge=10,
        le=86_400,
        description="Seconds in which a backlog is to be gone: what the number of desired workers is computed with.",
    )


class AwsSettings(Section):
    """`[aws]`: how calls to AWS are made; both positions of each switch keep the same promises, at different costs."""

    lean: bool = Field(
        True,
        description="true: the calls that a job needs go past the AWS SDK, for a fifth of its CPU time; "
        "false: everything goes through the SDK.",
    )
    batch_writes: bool = Field(
        True,
        description="true: records that change at the same time are written in one request "
        "(BatchExecuteStatement; the role needs dynamodb:PartiQLUpdate); false: one request each. "
        "An emulator of DynamoDB that ignores the conditions of such statements, as moto does, needs false.",
    )


class Settings(Section):
    """All settings of a daemon."""

    store: StoreSettings = StoreSettings()
    artifacts: ArtifactSettings = ArtifactSettings()
    queues: tuple[QueueSettings, ...] = Field(
        (QueueSettings(name="cqworker", dead_letter_queue="cqworker-dead"),), description="The queues to receive from."
    )
    worker: WorkerSettings = WorkerSettings()
    fleet: FleetSettings = FleetSettings()
    http: HttpSettings = HttpSettings()
    aws: AwsSettings = AwsSettings()
    handlers: HandlerSettings = HandlerSettings()
    limits: dict[str, LimitSettings] = Field(
        default_factory=dict, description='What holds for all workers together, by "type:…", "queue:…" or "tenant:…".'
    )
    log: LogSettings = LogSettings()

    @field_validator("queues")
    @classmethod
    def _refuse_queues_named_twice(cls, queues: tuple[QueueSettings, ...]) -> tuple[QueueSettings, ...]:
        if not queues:
            raise ValueError("at least one queue is needed")
        if twice := queues_named_twice(queues):
            raise ValueError(f"{twice} is named twice; every queue and every dead-letter queue needs one of its own")
        return queues

    @field_validator("limits")
    @classmethod
    def _check_limits(cls, limits: dict[str, LimitSettings], info: ValidationInfo) -> dict[str, LimitSettings]:
        queues = info.data.get("queues")
        check_limits(limits, None if queues is None else frozenset(queue.name for queue in queues))
        return limits

    @field_validator("worker")
    @classmethod
    def _refuse_reserves_of_all_slots(cls, worker: WorkerSettings, info: ValidationInfo) -> WorkerSettings:
        for queue in info.data.get("queues", ()):
            if queue.priorities and queue.reserve >= worker.concurrency:
                raise ValueError(
                    f'the queue "{queue.name}" reserves {queue.reserve} of {worker.concurrency} slots; give it a '
                    f"reserve of {worker.concurrency - 1}, or the worker more concurrency"
                )
        return worker

    @field_validator("handlers")
    @classmethod
    def _refuse_unknown_queues(cls, handlers: HandlerSettings, info: ValidationInfo) -> HandlerSettings:
        names = {queue.name for queue in info.data["queues"]} if "queues" in info.data else None
        for type_, settings in handlers.types.items():
            if names is not None and settings.queue is not None and settings.queue not in names:
                known = ", ".join(sorted(names))
                raise ValueError(f'the queue "{settings.queue}" of {type_} is not configured; there is {known}')
        return handlers
