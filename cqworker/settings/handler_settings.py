"""The settings of the plugins: which handlers are used, and what is overridden of their authors' options."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_PAUSE, MAX_TIMEOUT
from cqworker.settings.resource_names import QueueName
from cqworker.settings.section import Section

PauseSeconds = Annotated[float, Field(gt=0, le=MAX_PAUSE)]
"""A pause, 366 days at most: a longer one is a mistake, such as a time of day."""


class BackoffSettings(Section):
    """`backoff`: the pause between attempts, exponential with full jitter."""

    first: PauseSeconds = Field(1.0, description="Seconds: the longest pause after the first attempt.")
    factor: float = Field(2.0, ge=1, description="How much longer the pause gets with each attempt.")
    cap: PauseSeconds = Field(
        900.0, description="Seconds: no pause is longer. Those over 900 s wait in the index of due jobs."
    )


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


class HandlerSettings(Section):
    """`[handlers]`: which plugins are used, and how; names are job types."""

    enabled: tuple[str, ...] | None = Field(None, description="The only job types to use; not set: all installed.")
    disabled: tuple[str, ...] = Field((), description="Job types not to use.")
    types: dict[str, TypeSettings] = Field(default_factory=dict, description="Overrides for single job types.")
