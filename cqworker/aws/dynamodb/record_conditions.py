"""The conditions on a record that several changes share, and the values of their placeholders."""

from __future__ import annotations

from collections.abc import Collection

from cqworker.aws.dynamodb.conditional_update import Values
from cqworker.aws.dynamodb.expression_parts import (
    Part,
    all_of,
    any_of,
    compare,
    missing,
    placeholders_of,
    status_is,
    status_is_among,
)
from cqworker.aws.dynamodb.items import LISTING_KEYS, LISTING_WORDS, text
from cqworker.model.record import PAST
from cqworker.model.status import RETRYABLE, WAITING, Status


def _values_of(statuses: Collection[Status]) -> Values:
    return {name: text(status) for name, status in placeholders_of(statuses).items()}


def _free(ended_before: str) -> Part:
    """That no lease holds the job: it waits, or its lease ended before that moment."""
    lease_is_over = any_of(missing("lease_expires_at"), compare("lease_expires_at", "<", ended_before))
    return any_of(status_is_among(WAITING), all_of(status_is(Status.RUNNING), lease_is_over))


ABSENT = missing("pk")
IS_RETRYABLE = status_is_among(RETRYABLE)
FREE = _free(":now")
FREE_AFTER_GRACE = _free(":over")
UNCANCELLED = missing("cancel_requested_at")
UNMARKED = any_of(missing("due"), missing("scheduled_at"))
"""That the index of due jobs has not got the record: it has what has both."""
NOT_PARKED = any_of(missing("parked"), status_is(Status.RUNNING), missing("token"))
"""That no waiting list of a limit has the record: every park leaves the token by which a message ends it."""

PAST_ATTRIBUTES = (*PAST, *(name for name in (*LISTING_KEYS, *LISTING_WORDS) if name not in PAST))
"""What a new round's item begins without, the lease apart."""

RUNNING = _values_of({Status.RUNNING})
FREE_VALUES = _values_of(WAITING) | RUNNING
RETRYABLE_VALUES = _values_of(RETRYABLE)
