"""A job to submit, and a job as the API shows it, read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from datetime import datetime, timedelta
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from cqworker.field_docs import document_fields
from cqworker.model.public_job import JobSummary, JobView
from cqworker.model.status import Status
from cqworker.suggestions.call_errors import explain_misuse_of_init
from cqworker.suggestions.submission_terms import NEW_JOB

View = Mapping[str, Any]
"""A job as the API shows it."""
Reader = Callable[[Any], Any]
READERS: dict[Any, Reader] = {datetime: datetime.fromisoformat, Status: Status}
"""What reads the types that JSON has as text."""


@explain_misuse_of_init(NEW_JOB)
@document_fields(
    type="The job type: the name of its handler's entry point.",
    payload="What its handler is given: plain data, a pydantic model or a dataclass.",
    key="An Idempotency-Key, 1 to 128 printable ASCII characters: for 24 hours the same key gives the same job.",
    queue="The queue it goes to; None: the type's, else the first that is configured.",
    delay="Seconds before it may start, or a timedelta, of which a begun second counts as one; 366 days at most.",
    run_at="When it shall start, a datetime with a time zone, in place of a delay; one that has passed is now.",
    metadata="Texts by name that stay with the job: 16 at most, of 1 KB in all.",
    tags="Up to 10 texts that stay with the job.",
    max_attempts="Starts before it has FAILED, the first one too; None: as the type's author or the operator set it.",
)
@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to submit."""

    type: str
    payload: object
    _: dataclasses.KW_ONLY
    key: str | None = None
    queue: str | None = None
    delay: float | timedelta = 0
    run_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    max_attempts: int | None = None


def job_from(view: View) -> JobView:
    """The record of a view; what a newer daemon says beyond it is left out. Raises ValueError, KeyError, TypeError.

    What only a newer daemon says has its default.
    """
    failure = view["failure"]
    job: JobView = _reader_of(JobView)({**view, "failure": failure and {**failure, **failure["detail"]}})
    return job


def summary_from(view: View) -> JobSummary:
    """The record of a job as a list shows it. Raises as `job_from` does."""
    summary: JobSummary = _reader_of(JobSummary)(view)
    return summary


@cache
def _reader_of(kind: Any) -> Reader:
    """What makes of JSON a value of this type; a number that is whole stays so."""
    if dataclasses.is_dataclass(kind):
        return _record_reader(kind)
    held, *others = get_args(kind) or (kind,)
    if get_origin(kind) is tuple:
        read = _reader_of(held)
        return lambda shown: tuple(map(read, shown))
    if NoneType in others:
        read = _reader_of(held)
        return lambda shown: None if shown is None else read(shown)
    return READERS.get(kind, lambda shown: shown)


def _record_reader(record: Any) -> Reader:
    types = get_type_hints(record)
    known = [(each.name, each.default is MISSING, _reader_of(types[each.name])) for each in dataclasses.fields(record)]
    return lambda shown: record(
        **{name: read(shown[name]) for name, is_needed, read in known if is_needed or name in shown}
    )
