"""The bodies of answers about the worker and the API itself, as pydantic models."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from cqworker.model.status import FailureKind, Status
from cqworker.web.response_models import ResponseBody, Time


class BuildView(ResponseBody):
    """What runs: versions of cqworker and Python."""

    version: str
    python: str


class SlotsView(ResponseBody):
    """Jobs that run, and that can run at once."""

    taken: int = Field(ge=0)
    total: int = Field(ge=0)


class TypesView(ResponseBody):
    """Job types that can be submitted, and those whose plugin is broken."""

    usable: list[str]
    broken: list[str]


class LastFailureView(ResponseBody):
    """An attempt that failed lately."""

    at: Time
    job_id: str
    type: str
    attempt: int
    status: Status
    kind: FailureKind | None
    message: str


class CountsView(ResponseBody):
    """What happened since the start, in all and by job type."""

    started_at: Time
    uptime_seconds: float
    jobs: dict[str, int]
    by_type: dict[str, dict[str, int]]
    last_failures: list[LastFailureView] = Field(default_factory=list, description="The last of them first.")


class FleetView(ResponseBody):
    """What the fleet has and what its work asks for."""

    workers: int = Field(ge=0, description="Daemons that are alive.")
    silent: int = Field(ge=0, description="Daemons that were not heard for three heartbeats.")
    slots: SlotsView
    utilization: float = Field(ge=0, description="Share of the live workers' slots that is taken.")
    backlog: int = Field(ge=0, description="Messages that wait in the queues configured here.")
    backlog_per_slot: float = Field(ge=0)
    desired_workers: int = Field(ge=0, description="Workers of the size of those that there are.")
    oldest_age: float = Field(ge=0, description="The longest wait of late, in seconds.")


class StatusView(ResponseBody):
    """What the worker is doing; what only a worker has is left out by a process that serves the API alone."""

    build: BuildView
    worker: str = Field(description="The name that history calls it by.")
    phase: Literal["ready", "unready", "draining"]
    queues: list[str]
    slots: SlotsView | SkipJsonSchema[None] = None
    leases: dict[str, int] = Field(default_factory=dict, description="Messages in hand, by queue.")
    abandoned_handlers: int | SkipJsonSchema[None] = Field(default=None, description="Handlers that would not stop.")
    fleet: FleetView | SkipJsonSchema[None] = Field(
        default=None, description="The fleet, where this is the daemon that measures it."
    )
    handlers: TypesView
    counts: CountsView


class CallView(ResponseBody):
    """A call of this API."""

    method: Literal["GET", "POST"]
    path: str
    summary: str


class IndexView(ResponseBody):
    """What is served."""

    name: Literal["cqworker"]
    calls: list[CallView]


class DocumentView(BaseModel):
    """A description of the API (OpenAPI 3.1)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
