"""The bodies of requests and answers about the fleet: its workers, and how its queues stand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cqworker.jobs.submission_fields import AnySpelling
from cqworker.jobs.submission_models import RequestBody
from cqworker.web.response_models import ResponseBody, Time
from cqworker.web.worker_models import SlotsView

MAX_SECONDS = 86_400
"""24 h: a pause that nobody lifts is an outage."""


def ms_of(moment: str) -> int:
    """Epoch ms of a time as RFC 3339 writes it. Raises ValueError for one without its zone, too."""
    time = datetime.fromisoformat(moment)
    if time.tzinfo is None:
        raise ValueError("give the zone, as in 2026-12-01T06:00:00Z")
    return round(time.timestamp() * 1000)


def _check_time(moment: str) -> str:
    try:
        ms_of(moment)
    except (ValueError, OverflowError):
        raise ValueError("give a time with its zone, as in 2026-12-01T06:00:00Z") from None
    return moment


Moment = Annotated[str, AfterValidator(_check_time), Field(json_schema_extra={"format": "date-time"})]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS), AnySpelling]


class QueueAsk(RequestBody):
    """Until when a queue stands otherwise, at most 24 hours ahead: a time, or a number of seconds from now."""

    until: Moment | None = Field(default=None, description="The end, as RFC 3339 writes it.")
    lasts: Seconds | None = Field(default=None, alias="for", description="Seconds from now until the end.")
    reason: str = Field(default="", max_length=200, description="Why, for whoever looks.")


class ResumeAsk(RequestBody):
    """A queue runs as usual again."""

    reason: str = Field(default="", max_length=200, description="Why, for the log.")


class RunningJobView(ResponseBody):
    """A job that a worker runs."""

    job_id: str
    type: str
    since: Time


class WorkerView(ResponseBody):
    """A worker as it last told of itself."""

    worker: str = Field(description="The name that history calls it by.")
    state: Literal["running", "quiet", "draining", "stopped"]
    is_silent: bool = Field(description="It was not heard for three heartbeats: it may be dead, or cut off.")
    seen: Time = Field(description="When it last told of itself, by its own clock.")
    started_at: Time
    version: str
    release: str
    host: str
    roles: list[str]
    queues: list[str]
    slots: SlotsView
    oldest: list[RunningJobView] = Field(description="What it has run for longest, the oldest first; at most 32.")
    counts: dict[str, dict[str, int]] = Field(description="What happened since its start, by type.")
    leases: int = Field(ge=0)
    loop_lag: float = Field(ge=0, description="Seconds that its handlers' loop was late.")
    memory: int = Field(ge=0, description="Bytes in memory.")
    write_units: int = Field(ge=0, description="Write units since its start.")
    read_units: int = Field(ge=0, description="Read units since its start.")
    command: Literal["quiet", "resume", "drain"] | None = Field(description="What it was last asked to do.")
    is_acknowledged: bool = Field(description="It does what it was asked to do.")


class WorkersView(ResponseBody):
    """The workers of the fleet; those that left are shown for an hour."""

    workers: list[WorkerView]


class FleetCountsView(ResponseBody):
    """How many jobs of each type ended how, and run, as the workers tell: about right, and without any scan."""

    since: Time | None = Field(description="The earliest start of the workers that `by_type` sums up.")
    by_type: dict[str, dict[str, int]] = Field(
        description="What the workers of the registry counted, each since its start, by type and outcome."
    )
    removed: dict[str, dict[str, dict[str, int]]] = Field(
        description="What workers counted that left the registry, by the day (UTC) on which they were last heard."
    )
    running: dict[str, int] = Field(description="Jobs that heartbeats name as running, by type: 32 a worker at most.")
    unnamed: int = Field(ge=0, description="Jobs that run and that no heartbeat names.")


class LevelView(ResponseBody):
    """A level of a queue."""

    priority: str = Field(description="highest, high, medium, low or lowest.")
    queue: str = Field(description="Its SQS queue.")
    messages: dict[str, int] = Field(description="visible, in_flight and delayed, as last counted by this worker.")
    oldest: int = Field(ge=0, description="Seconds: the age of the oldest message that a last receive of it brought.")
    starts: int = Field(ge=0, description="Its messages that live workers gave a slot since their start.")
    share: float | None = Field(ge=0, le=1, description="Its part of the starts of all levels; null before the first.")


class QueueView(ResponseBody):
    """How a queue stands."""

    queue: str
    state: Literal["running", "paused", "draining"]
    until: Time | None = Field(description="When it runs again by itself.")
    since: Time | None = Field(description="Since when it has not been running.")
    by: str | None = Field(description="Who asked for it.")
    reason: str | None
    workers: list[str] = Field(description="The live workers that receive from it.")
    messages: dict[str, int] = Field(
        description="visible, in_flight and delayed, as last counted by this worker, of all its levels."
    )
    levels: list[LevelView] = Field(description="Its levels of priority, the most urgent first; empty without any.")


class QueuesView(ResponseBody):
    """The queues that are configured here, polled by a live worker, or stand otherwise."""

    queues: list[QueueView]
