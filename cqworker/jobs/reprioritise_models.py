"""The body that gives a job another level of its queue, read and checked."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from cqworker.jobs.reschedule_models import MAX_WHY
from cqworker.jobs.strict_json import read_object
from cqworker.jobs.submission_fields import PriorityAsked
from cqworker.jobs.submission_models import RequestBody, validate


class ReprioritiseAsk(RequestBody):
    """Another level for a job that waits."""

    priority: PriorityAsked = Field(
        description="A level of its queue, or a number from 0 to 9, the most urgent, for the level that it falls to."
    )
    reason: str = Field(
        default="", max_length=MAX_WHY, description="For the job's history, which cuts it where an entry is full."
    )


@dataclass(frozen=True, slots=True)
class NewPriority:
    """The level that is asked for, and why."""

    asked: str | int
    why: str


def read_reprioritise(body: bytes) -> NewPriority:
    """The level that a body asks for. Raises NotStrictJson, InvalidFields."""
    asked = validate(ReprioritiseAsk, read_object(body))
    return NewPriority(asked.priority, asked.reason)
