"""The body that gives a job another time, read and checked."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from cqworker.jobs.strict_json import read_object
from cqworker.jobs.submission_fields import Delay, RunAt
from cqworker.jobs.submission_models import InvalidFields, RequestBody, validate
from cqworker.model.json_pointer import Fault
from cqworker.model.start_times import start_time

MAX_WHY = 100
"""Characters of why a job was given another time; an entry of the history has room for no more."""


class RescheduleAsk(RequestBody):
    """Another time for a job that waits: `run_at` or `delay_seconds`."""

    delay_seconds: Delay | None = Field(default=None, description="From now; 366 days at most, 0 is now.")
    run_at: RunAt | None = Field(
        default=None,
        description="When it shall start: a time with its offset from UTC, 366 days ahead at most. One that has passed "
        "is now.",
    )
    reason: str = Field(
        default="", max_length=MAX_WHY, description="For the job's history, which cuts it where an entry is full."
    )


@dataclass(frozen=True, slots=True)
class NewTime:
    """When a job shall start (epoch ms), and why that was changed."""

    at: int
    why: str


def read_reschedule(body: bytes, now: int) -> NewTime:
    """The time that a body asks for at `now` (epoch ms). Raises NotStrictJson, InvalidFields."""
    asked = validate(RescheduleAsk, read_object(body) if body else {})
    if asked.run_at is not None:
        return NewTime(start_time(asked.run_at), asked.reason)
    if asked.delay_seconds is None:
        missing = "is missing: say run_at, or delay_seconds"
        raise InvalidFields(f"/run_at: {missing}", [Fault("/run_at", missing)])
    return NewTime(now + asked.delay_seconds * 1000, asked.reason)
