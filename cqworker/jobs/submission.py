"""A job that is asked for, what is checked of it before anything is done, and the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson
from msgspec.json import decode

from cqworker.enums import OnDuplicate, UniqueScope
from cqworker.jobs.hand_over import HORIZON_MS
from cqworker.jobs.refused_field import FieldRefused
from cqworker.model.job_view import job_view
from cqworker.model.record import JobRecord
from cqworker.model.retention import DAY_SECONDS, Retention
from cqworker.model.tenants import DEFAULT_TENANT, check_tenant
from cqworker.model.unique import Unique
from cqworker.plugins.loaded_handlers import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job that is asked for: `payload` is JSON text, `traceparent` as W3C writes it.

    It starts `delay_seconds` after it was accepted, or at `run_at` (epoch ms), which may be past: then at once.
    `priority` is a level of its queue, or a number from 0 to 9, `limit_key` what limits of `key:*` count it by.

    With `debounce_seconds` it starts so long after the last submission with its unique key, which replaces what was to
    start, and at last `max_wait_seconds` after the first one.

    Raises ValueError for a tenant that SQS would refuse.
    """

    type: str
    payload: str
    tenant: str = DEFAULT_TENANT
    queue: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    max_attempts: int | None = None
    delay_seconds: int = 0
    idempotency_key: str | None = None
    traceparent: str | None = None
    run_at: int | None = None
    priority: str | int | None = None
    limit_key: str | None = None
    unique: Unique | None = None
    on_duplicate: OnDuplicate = OnDuplicate.RETURN
    debounce_seconds: int = 0
    max_wait_seconds: int | None = None

    def __post_init__(self) -> None:
        check_tenant(self.tenant)

    def starts_at(self, made_at: int) -> int:
        """When a job that is made at `made_at` shall start (both epoch ms): not before that."""
        waits = max(self.delay_seconds, self.debounce_seconds)
        return self._bounded(max(made_at, self.run_at or 0, made_at + waits * 1000), made_at)

    def starts_again_at(self, record: JobRecord, now: int) -> int:
        """When a job shall start that this submission replaces at `now` (epoch ms).

        As before where it asks for no time. A time that is past stays as it is: copies that were sent for it hold, so
        that a job that is replaced again and again behind a backlog starts all the same.
        """
        if not (self.delay_seconds or self.debounce_seconds or self.run_at):
            return record.created_at if record.scheduled_at is None else record.scheduled_at
        return self._bounded(
            max(self.run_at or 0, now + max(self.delay_seconds, self.debounce_seconds) * 1000), record.created_at
        )

    def _bounded(self, at: int, made_at: int) -> int:
        return at if self.max_wait_seconds is None else min(at, made_at + self.max_wait_seconds * 1000)

    @property
    def replaces(self) -> bool:
        """Whether it replaces a job with its unique key that has yet to start."""
        return self.on_duplicate is OnDuplicate.REPLACE or self.debounce_seconds > 0

    def is_later(self, now: int) -> bool:
        """Whether it would start later than SQS delays a message, if it was made now (epoch ms)."""
        return self.starts_at(now) > now + HORIZON_MS

    def fingerprint(self) -> str:
        """The same for two requests that ask for the same, whatever the order of their fields."""
        payload = orjson.loads(self.payload)
        asked = [self.type, payload, self.queue, dict(self.metadata), self.tags, self.max_attempts, self.delay_seconds]
        if more := {name: getattr(self, name) for name, usual in _LATER.items() if getattr(self, name) != usual}:
            asked.append(more)
        return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


_FIRST = frozenset("type payload queue metadata tags max_attempts delay_seconds".split())
_NOT_ASKED_FOR = frozenset({"tenant", "idempotency_key", "traceparent"})
"""They say who asks, by which key and in which trace, and not what for."""
_LATER = {each.name: each.default for each in fields(Submission) if each.name not in _FIRST | _NOT_ASKED_FOR}
"""Fields that came later, and their defaults: a request without them has the fingerprint it always had."""


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """A submission whose payload fits its handler's model.

    `fingerprint` is its own, "" where it has no idempotency key; `unique_key` is the hash of what it is unique by, ""
    where it is not; `limit_key` what limits count it by as it says, or else its payload by its handler's author.
    """

    submission: Submission
    fingerprint: str = ""
    unique_key: str = ""
    limit_key: str | None = None


def check(submission: Submission, handler: Handler) -> CheckedSubmission:
    """Validates the payload against the handler's model, and hashes it for a submission that has a key.

    That is all the work that grows with the payload. Raises InvalidPayload, UniqueRefused.
    """
    unique = submission.unique or handler.unique
    _check_replacement(submission, unique)
    handler.validate(submission.payload)
    fingerprint = "" if submission.idempotency_key is None else submission.fingerprint()
    unique_key = "" if unique is None else _unique_key(submission, unique)
    limit_key = submission.limit_key or handler.limit_key_of(submission.payload)
    return CheckedSubmission(submission, fingerprint, unique_key, limit_key)


def _check_replacement(submission: Submission, unique: Unique | None) -> None:
    """Raises UniqueRefused, or DebounceRefused, where a job cannot be replaced so."""
    if submission.max_wait_seconds is not None and not submission.debounce_seconds:
        raise DebounceRefused("max_wait_seconds bounds debounce_seconds: give both, or neither")
    if (submission.max_wait_seconds or submission.debounce_seconds) < submission.debounce_seconds:
        raise DebounceRefused(
            f"max_wait_seconds ({submission.max_wait_seconds}) is less than debounce_seconds "
            f"({submission.debounce_seconds}): the job would start before it has waited once; give as much or more"
        )
    if not submission.replaces:
        return
    if unique is None or UniqueScope(unique.scope) is not UniqueScope.UNTIL_STARTED:
        raise UniqueRefused(
            "what replaces a job (on_duplicate replace, debounce_seconds) goes with unique and its scope "
            'until_started, as in {"unique": {"scope": "until_started"}}: a job that has started stays as it is'
        )
    if submission.debounce_seconds and submission.on_duplicate is not OnDuplicate.REPLACE:
        raise DebounceRefused("debounce_seconds goes with on_duplicate replace")


def check_window(unique: Unique | None, retention: Retention) -> None:
    """Raises UniqueRefused for a window that would outlast the record of its job, by which a key is judged."""
    if unique is not None and unique.window > retention.days * DAY_SECONDS:
        raise UniqueRefused(
            f"a window of {unique.window} s outlasts the record of its job, kept for {retention.days} days: ask "
            f"for {retention.days * DAY_SECONDS} s at most, or raise [store] retention_days"
        )


def _unique_key(submission: Submission, unique: Unique) -> str:
    try:
        return unique.key_of(submission.tenant, submission.type, decode(submission.payload))
    except ValueError as error:
        raise UniqueRefused(str(error)) from None


class DebounceRefused(FieldRefused):
    """A job cannot wait so for the last of several submissions; the text says why."""

    field = "debounce_seconds"


class UniqueRefused(FieldRefused):
    """A job cannot be unique by that; the text says why."""

    field = "unique"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job, and whether an earlier request had made it: one with the same idempotency key, or a unique one."""

    record: JobRecord
    replayed: bool = False
    duplicate: bool = False

    def view(self, parse: Callable[[str], Any] | None = None) -> dict[str, object]:
        """The job as the API shows it, with what an answer to a submission says besides; `parse` as of `job_view`."""
        view = job_view(self.record) if parse is None else job_view(self.record, parse)
        return view | {"unique": True} if self.duplicate else view

    @property
    def is_new(self) -> bool:
        """Whether this request made the job."""
        return not (self.replayed or self.duplicate)
