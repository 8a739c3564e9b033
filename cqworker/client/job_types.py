"""A job to submit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cqworker.enums import DuplicateName
from cqworker.field_docs import document_fields
from cqworker.model.unique import Unique
from cqworker.suggestions.call_errors import explain_misuse_of_init
from cqworker.suggestions.submission_terms import NEW_JOB

View = Mapping[str, Any]
"""A job as the API shows it."""


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
    unique="What it is unique by, and for how long; None: as the type's author set it, or not at all.",
    on_duplicate='Where a job has that key: "return" or "replace" it, or "reject" this one, which raises DuplicateJob.',
    debounce="Seconds (or a timedelta) after the last submission with its key, which replaces it, before it starts.",
    max_wait="Seconds (or a timedelta) after the first of them by which it starts at the latest, or None.",
    max_attempts="Starts before it has FAILED, the first one too; None: as the type's author or the operator set it.",
    priority="A level of its queue, such as high, or a number from 0 to 9, the most urgent; None: medium.",
    limit_key="What limits of key:* count it by, 1 to 128 characters; None: they do not bind it.",
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
    priority: str | int | None = None
    limit_key: str | None = None
    unique: Unique | None = None
    on_duplicate: DuplicateName = "return"
    debounce: float | timedelta = 0
    max_wait: float | timedelta | None = None
