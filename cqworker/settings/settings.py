"""The settings: frozen, validated as a whole, made once and passed down.

Each field's description says what it is for in words that also stand in error messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from cqworker.enums import Scope
from cqworker.model.job_limits import MAX_ATTEMPTS, QUEUE_NAME
from cqworker.model.source_reference import overlap
from cqworker.model.tenants import DEFAULT, check_tenant
from cqworker.settings.log_settings import LogSettings
from cqworker.settings.rate_limits import AT_ONCE, PER_SECOND, Burst, PerSecond, RatesSettings
from cqworker.settings.resource_names import Name
from cqworker.settings.section import Section

MAX_TIMEOUT = 39_600
"""Eleven hours: SQS hides a message 12 h at most from its receipt (ChangeMessageVisibility)."""
MAX_CONNECTIONS = 1000
"""Connections to the HTTP server, where the limit of file descriptors allows so many."""
LEAST_RATE = 8192
"""Bytes a second: 32 MiB in an hour."""
MAX_RECEIVES = 1000
"""The largest maxReceiveCount of a redrive policy (SQS API, SetQueueAttributes)."""

Seconds = Annotated[float, Field(gt=0)]
Pause = Annotated[float, Field(gt=0, le=31_536_000)]
QueueName = Annotated[Name, Field(pattern=QUEUE_NAME)]
Source = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")]
Text = Annotated[str, Field(min_length=1, max_length=128)]
Tenant = Annotated[str, AfterValidator(check_tenant)]


class StoreSettings(Section):
    """`[store]`: where the records are and how long they stay."""

    table: Name = Field("cqworker-jobs", pattern=r"^[A-Za-z0-9_.-]{3,255}$", description="The DynamoDB table's name.")
    retention_days: int = Field(
        30,
        ge=15,
        le=3650,
        description="Days a record stays after its last change. SQS keeps a message for up to 14 days, "
        "and a copy that outlived its record would run a forgotten job again.",
    )


class ArtifactSettings(Section):
    """`[artifacts]`: where big things go, and what jobs may read."""

    bucket: Name = Field(
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
    sources: tuple[Source, ...] = Field(
        (),
        description="What jobs of all tenants may read besides uploads, each as s3://bucket/prefix; empty: nothing.",
    )
    inline_limit: int = Field(
        4096, ge=0, le=131_072, description="Bytes of a payload or result that stay in the record; more goes to S3."
    )

    @field_validator("sources")
    @classmethod
    def _sources_are_not_what_jobs_store(cls, sources: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not {"bucket", "prefix"} <= info.data.keys():
            return sources
        own = f"s3://{info.data['bucket']}/{info.data['prefix']}"
        shared = ", ".join(source for source in sources if overlap(source, own))
        if shared:
            raise ValueError(
                f"{shared} overlap {own}, where the jobs of all tenants keep what they store; name places beside it, "
                "or give artifacts a bucket or a prefix of its own"
            )
        return sources


class QueueSettings(Section):
    """`[[queues]]`: one queue to receive from; the first one takes the jobs that name none."""

    name: QueueName = Field(
        description="The SQS queue's name: 1 to 80 letters, digits, - and _ (a FIFO queue cannot delay one message)."
    )
    dead_letter_queue: QueueName | None = Field(
        None, description="The name of the queue where SQS puts what could not be received successfully."
    )
    visibility_timeout: int = Field(
        60,
        ge=3,
        le=43_200,
        description="Seconds a received message stays hidden; renewed at a third of it while its job runs.",
    )
    wait_time: int = Field(20, ge=0, le=20, description="Seconds that one long poll waits for a message.")
    max_receive_count: int | None = Field(
        None,
        ge=1,
        le=MAX_RECEIVES,
        description="Receives after which SQS moves a message to the dead-letter queue; "
        "not set: 3 times the largest max_attempts of all job types, plus 10.",
    )


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


class TokenSettings(Section):
    """`[[http.tokens]]`: a bearer token, of which only the SHA-256 is kept."""

    name: Text = Field(description="A name for the token, for the log.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description='The token\'s SHA-256 as 64 small hexadecimal digits: printf %s "$TOKEN" | sha256sum',
    )
    scopes: tuple[Scope, ...] = Field(("submit", "read"), description="What its bearer may do.")
    tenant: Tenant = Field(DEFAULT, description="Whose jobs its bearer sees.")
    rate: PerSecond | None = Field(None, description=f"{PER_SECOND}http.rates.token_rate.")
    burst: Burst | None = Field(None, description=f"{AT_ONCE}http.rates.token_burst.")


class HttpSettings(Section):
    """`[http]`: where the daemon listens and what it accepts."""

    host: str = Field(
        "127.0.0.1", min_length=1, description="The address to listen on; beyond loopback the api role needs a token."
    )
    port: int = Field(8080, ge=0, le=65_535, description="The port to listen on; 0: any free one.")
    max_body: int = Field(1_048_576, ge=1024, description="Bytes of the largest JSON body accepted.")
    max_upload: int = Field(
        33_554_432,
        ge=1024,
        description="Bytes of the largest artifact: accepted, written by a job, served; the same for api and workers.",
    )
    max_spool: int = Field(
        1_073_741_824,
        ge=1_048_576,
        description="Bytes of uploads and downloads that lie in temporary files (in TMPDIR) at once.",
    )
    max_connections: int = Field(
        MAX_CONNECTIONS,
        ge=16,
        le=100_000,
        description="Connections that are open at once, and at most half of the file descriptors the process may have; "
        "an eighth of them is kept for /healthz, /readyz and /metrics.",
    )
    least_rate: int = Field(
        LEAST_RATE,
        ge=1,
        description="Bytes a second that a client must send of a body after its first 20 seconds, and take of an "
        "answer after 30.",
    )
    tokens: tuple[TokenSettings, ...] = Field((), description="Who may call; empty: anybody who reaches the port.")
    rates: RatesSettings = RatesSettings()

    @field_validator("max_spool")
    @classmethod
    def _an_artifact_fits(cls, max_spool: int, info: ValidationInfo) -> int:
        if max_spool < info.data.get("max_upload", 0):
            raise ValueError(f"an artifact of max_upload ({info.data['max_upload']} bytes) has to fit in; give it more")
        return max_spool

    @field_validator("tokens")
    @classmethod
    def _tokens_are_distinct(cls, tokens: tuple[TokenSettings, ...]) -> tuple[TokenSettings, ...]:
        twice = _twice(token.name for token in tokens)
        if twice:
            raise ValueError(f"two tokens are called {twice}; give each a name of its own")
        if _twice(token.sha256 for token in tokens):
            raise ValueError("two tokens have the same sha256; make a token of its own for each bearer")
        return tokens

    @field_validator("rates")
    @classmethod
    def _tenants_have_tokens(cls, rates: RatesSettings, info: ValidationInfo) -> RatesSettings:
        known = {DEFAULT, *(token.tenant for token in info.data.get("tokens", ()))}
        for tenant in rates.tenants:
            if "tokens" in info.data and tenant not in known:
                raise ValueError(f'no token is of the tenant "{tenant}"; there are {", ".join(sorted(known))}')
        return rates


class BackoffSettings(Section):
    """`backoff`: the pause between attempts, exponential with full jitter."""

    first: Pause = Field(1.0, description="Seconds: the longest pause after the first attempt.")
    factor: float = Field(2.0, ge=1, description="How much longer the pause gets with each attempt.")
    cap: Pause = Field(900.0, description="Seconds: no pause is longer.")


class TypeSettings(Section):
    """`[handlers.types."a.type"]`: what you override for one job type; what is not set is as its author wrote it."""

    queue: QueueName | None = Field(None, description="The configured queue that its jobs go to; not set: the first.")
    timeout: float | None = Field(
        None,
        gt=0,
        le=MAX_TIMEOUT,
        description="Seconds an attempt may take: at most 11 h, for SQS hides a message no longer than 12 h.",
    )
    max_attempts: int | None = Field(None, ge=1, le=MAX_ATTEMPTS, description="Starts of a job before it has FAILED.")
    backoff: BackoffSettings | None = Field(None, description="The pause between its attempts.")
    concurrency: int | None = Field(None, ge=1, description="Jobs of this type that run at once in this process.")
    memory: int | None = Field(
        None,
        ge=1,
        le=1_048_576,
        description="MiB that a job of this type may take in a child process beyond what that holds (held on Linux).",
    )


class AwsSettings(Section):
    """`[aws]`: how AWS is spoken to; both ways of each switch keep the same promises, at another price."""

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


class HandlerSettings(Section):
    """`[handlers]`: which plugins are used, and how; names are job types."""

    enabled: tuple[str, ...] | None = Field(None, description="The only job types to use; not set: all installed.")
    disabled: tuple[str, ...] = Field((), description="Job types not to use.")
    types: dict[str, TypeSettings] = Field(default_factory=dict, description="Overrides for single job types.")


class Settings(Section):
    """Everything the daemon is told."""

    store: StoreSettings = StoreSettings()
    artifacts: ArtifactSettings = ArtifactSettings()
    queues: tuple[QueueSettings, ...] = Field(
        (QueueSettings(name="cqworker", dead_letter_queue="cqworker-dead"),), description="The queues to receive from."
    )
    worker: WorkerSettings = WorkerSettings()
    http: HttpSettings = HttpSettings()
    aws: AwsSettings = AwsSettings()
    handlers: HandlerSettings = HandlerSettings()
    log: LogSettings = LogSettings()

    @field_validator("queues")
    @classmethod
    def _queues_are_distinct(cls, queues: tuple[QueueSettings, ...]) -> tuple[QueueSettings, ...]:
        if not queues:
            raise ValueError("at least one queue is needed")
        twice = _twice(name for queue in queues for name in (queue.name, queue.dead_letter_queue) if name)
        if twice:
            raise ValueError(f"{twice} is named twice; every queue and every dead-letter queue needs one of its own")
        return queues

    @field_validator("handlers")
    @classmethod
    def _types_go_to_configured_queues(cls, handlers: HandlerSettings, info: ValidationInfo) -> HandlerSettings:
        names = {queue.name for queue in info.data["queues"]} if "queues" in info.data else None
        for type_, settings in handlers.types.items():
            if names is not None and settings.queue is not None and settings.queue not in names:
                known = ", ".join(sorted(names))
                raise ValueError(f'the queue "{settings.queue}" of {type_} is not configured; there is {known}')
        return handlers


def _twice(names: Iterable[str]) -> str:
    """The names that occur more than once, as text."""
    seen = list(names)
    return ", ".join(sorted({name for name in seen if seen.count(name) > 1}))
