"""The body that asks for an act on many jobs, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, field_validator

from cqworker.jobs.list_ask import MAX_TEXT
from cqworker.jobs.strict_json import read_object
from cqworker.jobs.submission_fields import AnySpelling
from cqworker.jobs.submission_models import InvalidFields, RequestBody, validate
from cqworker.model.job_limits import MAX_JOB_ID
from cqworker.model.json_pointer import Fault
from cqworker.model.operations import MAX_IDS, MAX_RATE, MAX_REASON_BYTES, USUAL_RATE, Act

FilterText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_JOB_ID)]
Count = Annotated[int, Field(ge=0), AnySpelling]
Rate = Annotated[int, Field(ge=1, le=MAX_RATE), AnySpelling]


class JobFilter(RequestBody):
    """Which jobs, as the query of GET /jobs says it; at least one of these."""

    status: FilterText | None = Field(
        default=None, description="Their status; left out: what a retry, or a cancel, is for in the first place."
    )
    type: FilterText | None = Field(default=None, description="Their job type.")
    queue: FilterText | None = Field(default=None, description="Their queue.")
    tenant: FilterText | None = Field(
        default=None, description="Their tenant; a token with a tenant has its own alone."
    )
    tag: FilterText | None = Field(default=None, description="One of their tags.")
    worker: FilterText | None = Field(default=None, description="The worker that ended them, or had them last.")
    release: FilterText | None = Field(default=None, description="The release of the code that ended them.")
    fingerprint: FilterText | None = Field(default=None, description="Their `failure.fingerprint`.")
    since: FilterText | None = Field(default=None, alias="from", description="Not before this RFC 3339 time, or day.")
    until: FilterText | None = Field(default=None, alias="to", description="Before this RFC 3339 time, or day.")


class OperationAsk(RequestBody):
    """An act on every job that a filter matches, or on jobs that are named."""

    act: Literal["retry", "cancel"] = Field(description="What is done to each job.")
    filter: JobFilter | None = Field(default=None, description="Which jobs; or else job_ids.")
    job_ids: list[Name] | None = Field(
        default=None, min_length=1, max_length=MAX_IDS, description="The jobs by their ids; or else a filter."
    )
    dry_run: bool = Field(default=False, description="Whether to say only what it would be done to.")
    expect: Count | None = Field(
        default=None, description="How many jobs you saw; refused where they are more than a tenth and 10 off by now."
    )
    rate: Rate = Field(default=USUAL_RATE, description="Jobs a second at most.")
    reason: str = Field(default="", max_length=MAX_REASON_BYTES, description="Why, for each job's history: 100 bytes.")

    @field_validator("reason")
    @classmethod
    def _reason_fits(cls, reason: str) -> str:
        if len(reason.encode()) > MAX_REASON_BYTES:
            raise ValueError(f"at most {MAX_REASON_BYTES} bytes in UTF-8")
        return reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a body asks for: an act on what `filter` matches, or on the jobs of `job_ids`."""

    act: Act
    filter: Mapping[str, str]
    job_ids: tuple[str, ...]
    dry_run: bool
    expect: int | None
    rate: int
    reason: str


def read_operation(body: bytes) -> Wish:
    """What the body of POST /operations asks for. Raises NotStrictJson, InvalidFields."""
    asked = validate(OperationAsk, read_object(body))
    if (asked.filter is None) == (asked.job_ids is None):
        wrong = "is missing: say filter or job_ids" if asked.filter is None else "stands beside job_ids; say one"
        raise InvalidFields(f"/filter: {wrong}", [Fault("/filter", wrong)])
    chosen = asked.filter.model_dump(by_alias=True, exclude_none=True) if asked.filter else {}
    if asked.filter is not None and not chosen:
        empty = "is empty: it would mean every job; say at least one of its fields"
        raise InvalidFields(f"/filter: {empty}", [Fault("/filter", empty)])
    return Wish(
        act=Act(asked.act),
        filter=chosen,
        job_ids=tuple(dict.fromkeys(asked.job_ids or ())),
        dry_run=asked.dry_run,
        expect=asked.expect,
        rate=asked.rate,
        reason=asked.reason,
    )
