"""The bodies of requests and answers about limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cqworker.jobs.submission_fields import AnySpelling
from cqworker.jobs.submission_models import RequestBody
from cqworker.model.job_limits import MAX_PAUSE
from cqworker.model.limits import MAX_BURST, MAX_CONCURRENCY, RATE
from cqworker.web.fleet_models import Moment
from cqworker.web.response_models import ResponseBody, Time

Concurrency = Annotated[int, Field(ge=0, le=MAX_CONCURRENCY), AnySpelling]
Burst = Annotated[int, Field(ge=1, le=MAX_BURST), AnySpelling]
Span = Annotated[int, Field(ge=1, le=MAX_PAUSE), AnySpelling]


class LimitAsk(RequestBody):
    """What holds for a key in place of what a file says of it: a part that is left out stays as the file has it."""

    concurrency: Concurrency | None = Field(
        default=None, description="Jobs that run at once; 0: none, which takes an end, 24 hours ahead at most."
    )
    rate: str | None = Field(
        default=None, max_length=40, description="Starts in a time, on average.", examples=["100/s", "30/m", "1/d"]
    )
    burst: Burst | None = Field(
        default=None, description="Starts at once after as long a pause; else what the rate gives in a second."
    )
    until: Moment | None = Field(default=None, description="When it ends by itself, as RFC 3339 writes it.")
    lasts: Span | None = Field(default=None, alias="for", description="Seconds from now until it ends.")
    reason: str = Field(default="", max_length=200, description="Why, for whoever looks.")


class OldestWaitingView(ResponseBody):
    """The job that has waited for a slot for longest."""

    job_id: str
    since: Time = Field(description="Since when it has been waiting.")
    created_at: Time


class LimitView(ResponseBody):
    """How a limit stands."""

    key: str = Field(description="What is limited; of a limit_key its tenant and its hash.")
    tenant: str | None = Field(description="Whose limit_key it is; null where something else is limited.")
    limit_key: str | None = Field(
        description="The text that the key has as a hash, where whoever asks, the operator who limits it or a job that "
        "runs or waits names it."
    )
    is_limited: bool = Field(description="false: jobs wait for a limit that is gone; they start soon.")
    is_paused: bool
    concurrency: int | None = Field(description="Jobs that may run at once; null: as many as there are slots.")
    rate: str | None = Field(description="How often they may start.", json_schema_extra={"pattern": RATE})
    burst: int | None = Field(description="Starts at once after as long a pause.")
    on_full: Literal["wait", "drop"]
    max_waiting: int | None = Field(description="Jobs that may wait for a slot; null: nobody waits for one.")
    until: Time | None = Field(description="When it ends by itself.")
    said_by: Literal["file", "operator", "nobody"] = Field(description="Who limits it.")
    since: Time | None = Field(description="Since when an operator's word holds.")
    by: str | None
    reason: str | None
    held: int = Field(ge=0, description="Slots that are taken.")
    dead: int = Field(ge=0, description="Those of them whose holder is gone; the next who needs one takes it.")
    waiting: int = Field(ge=0, description="Jobs that wait for a slot; 1000: or more.")
    is_full: bool = Field(description="true: no more may wait; jobs that it binds are refused for now (429).")
    oldest_waiting: OldestWaitingView | None
    next_start: Time | None = Field(description="When the rate lets the next job start.")


class LimitsView(ResponseBody):
    """The limits of the configuration and of operators, and every key for which jobs wait."""

    limits: list[LimitView]
