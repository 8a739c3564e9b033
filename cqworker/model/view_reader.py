"""A job in the public shape (model/public_job.py), read from what the API shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from datetime import datetime
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from cqworker.model.public_job import JobSummary, JobView
from cqworker.model.status import Status

Reader = Callable[[Any], Any]
READERS: dict[Any, Reader] = {datetime: datetime.fromisoformat, Status: Status}
"""What reads the types that JSON has as text."""


def job_from(view: Mapping[str, Any]) -> JobView:
    """The record of a view; what a newer daemon says beyond it is left out. Raises ValueError, KeyError, TypeError.

    What only a newer daemon says has its default.
    """
    failure = view["failure"]
    job: JobView = reader_of(JobView)({**view, "failure": failure and {**failure, **failure["detail"]}})
    return job


def summary_from(view: Mapping[str, Any]) -> JobSummary:
    """The record of a job as a list shows it. Raises as `job_from` does."""
    summary: JobSummary = reader_of(JobSummary)(view)
    return summary


@cache
def reader_of(kind: Any) -> Reader:
    """What makes of JSON a value of a type of the public shape; a number that is whole stays so."""
    if dataclasses.is_dataclass(kind):
        return _record_reader(kind)
    held, *others = get_args(kind) or (kind,)
    if get_origin(kind) is tuple:
        read = reader_of(held)
        return lambda shown: tuple(map(read, shown))
    if NoneType in others:
        read = reader_of(held)
        return lambda shown: None if shown is None else read(shown)
    return READERS.get(kind, lambda shown: shown)


def _record_reader(record: Any) -> Reader:
    types = get_type_hints(record)
    known = [(each.name, each.default is MISSING, reader_of(types[each.name])) for each in dataclasses.fields(record)]
    return lambda shown: record(
        **{name: read(shown[name]) for name, is_needed, read in known if is_needed or name in shown}
    )
