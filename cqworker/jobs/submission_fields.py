"""The types of a submission's fields: what each may be, and what is said of one that is not."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_PAUSE, MAX_TAG, MAX_UNIQUE_FIELDS, MAX_UNIQUE_TEXT
from cqworker.model.priorities import ALIASES as PRIORITY_ALIASES
from cqworker.model.priorities import MOST, PRIORITIES
from cqworker.model.start_times import AS_WRITTEN, START_TIME, start_time


def _to_whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


AnySpelling: BeforeValidator = BeforeValidator(_to_whole)
"""10, 10.0 and 1e1 are the same whole number (JSON Schema 2020-12, section 6.1.1)."""
Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG)]
UniqueText = Annotated[str, Field(min_length=1, max_length=MAX_UNIQUE_TEXT)]
UniqueFields = Annotated[list[UniqueText], Field(min_length=1, max_length=MAX_UNIQUE_FIELDS)]
Attempts = Annotated[int, Field(ge=1, le=MAX_ATTEMPTS), AnySpelling]


def check_by(asked: object) -> object:
    """Said before pydantic tries a text and a list, and tells of both. Raises ValueError."""
    names = asked if isinstance(asked, list) and len(asked) <= MAX_UNIQUE_FIELDS else [asked]
    if not names or not all(isinstance(name, str) and 0 < len(name) <= MAX_UNIQUE_TEXT for name in names):
        raise ValueError(
            f"is neither a list of 1 to {MAX_UNIQUE_FIELDS} names of payload fields nor a text of 1 to "
            f"{MAX_UNIQUE_TEXT} characters"
        )
    return asked


def _check_delay(seconds: int) -> int:
    if seconds > MAX_PAUSE:
        raise ValueError(f"at most {MAX_PAUSE}, which are 366 days")
    return seconds


def _require_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"is no time: write a text, a day, a time of day and an offset from UTC, as in {AS_WRITTEN}")
    return value


def _check_run_at(text: str, info: ValidationInfo) -> str:
    start_time(text)
    if info.data.get("delay_seconds"):
        raise ValueError("is given beside delay_seconds; say one of them")
    return text


Delay = Annotated[int, Field(ge=0, json_schema_extra={"maximum": MAX_PAUSE}), AnySpelling, AfterValidator(_check_delay)]


PRIORITY_NAMES = [*PRIORITIES, *PRIORITY_ALIASES]
"""What a level may be called."""


def check_priority(asked: object) -> object:
    """The level that is asked for, said before pydantic tries what it may be and tells of each. Raises ValueError."""
    asked = _to_whole(asked)
    if isinstance(asked, int) and not isinstance(asked, bool) and 0 <= asked <= MOST:
        return asked
    if isinstance(asked, str) and asked in PRIORITY_NAMES:
        return asked
    raise ValueError(f"is none of {', '.join(PRIORITIES)}, and no whole number from 0 to {MOST}, the most urgent")


PriorityAsked = Annotated[
    int | str,
    BeforeValidator(check_priority),
    WithJsonSchema(
        {"anyOf": [{"enum": PRIORITY_NAMES, "type": "string"}, {"maximum": MOST, "minimum": 0, "type": "integer"}]}
    ),
]
Wait = Annotated[int, Field(ge=1, le=MAX_PAUSE), AnySpelling]
RunAt = Annotated[
    str,
    Field(json_schema_extra={"format": "date-time", "pattern": START_TIME, "examples": [AS_WRITTEN]}),
    BeforeValidator(_require_text),
    AfterValidator(_check_run_at),
]
"""A field of this type stands behind one called `delay_seconds`, and one of the two is given."""
