"""The bodies of answers about operations on many jobs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cqworker.web.response_models import JobSummaryView, ResponseBody, Time


class OperationView(ResponseBody):
    """An operation, as it was asked for and how far it is."""

    operation_id: str = Field(description="Its id, which is that of the job behind it.")
    act: Literal["retry", "cancel"]
    state: Literal["waiting", "running", "finished", "stopped", "cancelled", "failed"] = Field(
        description="stopped: by itself, because most of what it retried failed again."
    )
    tenant: str = Field(description="Whose jobs it may touch; *: everybody's.")
    by: str = Field(description="Who asked for it.")
    reason: str
    as_of: Time = Field(description="When it was asked for: what ended or began anew later is none of its business.")
    filter: dict[str, str] | None = Field(description="Which jobs; null where they were named.")
    named: int | None = Field(ge=0, description="How many jobs were named.")
    rate: int = Field(ge=1, description="Jobs a second at most.")
    expected: int | None = Field(ge=0, description="How many were expected.")
    matched: int = Field(ge=0, description="Jobs that it found so far.")
    done: int = Field(ge=0, description="Jobs to which it was done.")
    skipped: int = Field(ge=0, description="Jobs that had changed since they were found.")
    refused: dict[str, int] = Field(description="Jobs to which it could not be done, by why.")
    looked_to: Time | None = Field(description="How far it has come in its list.")
    stopped_because: str | None = Field(description="Why it stopped or failed.")
    updated_at: Time


class OperationsView(ResponseBody):
    """The last operations, the newest first."""

    operations: list[OperationView]
    next: str | None = Field(description="The `cursor` of the next page; null at the end of the list.")


class SpreadView(ResponseBody):
    """How many of the jobs are of which kind."""

    type: dict[str, int]
    tenant: dict[str, int]
    release: dict[str, int]


class PreviewView(ResponseBody):
    """What an operation would be done to."""

    act: Literal["retry", "cancel"]
    as_of: Time
    matched: int = Field(ge=0, description="How many jobs were counted, 1,000 at most.")
    more: bool = Field(description="Whether there are more than these.")
    complete: bool = Field(description="Whether it was looked for to the end, or until there were more than 1,000.")
    summary: str = Field(description="How many there are, in words.")
    samples: list[JobSummaryView] = Field(max_length=20, description="Some of them.")
    spread: SpreadView
