"""The bodies of requests that concern a job that exists; what jobs are submitted with stands in jobs/."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cqworker.jobs.submission_fields import AnySpelling
from cqworker.jobs.submission_models import RequestBody
from cqworker.model.job_limits import MAX_ROUND

Round = Annotated[int, Field(ge=1, le=MAX_ROUND), AnySpelling]


class RetryAsk(RequestBody):
    """A retry that may be repeated: it opens the round after this one, or finds it open."""

    round: Round | None = Field(default=None, description="The job's round as it was seen.")
