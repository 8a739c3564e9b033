"""Writes a job as the API takes it, and refuses what cannot be written before anything is sent."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cqworker.client.job_types import NewJob
from cqworker.errors import SubmissionRefused
from cqworker.jobs.strict_json import NotStrictJson, read_object
from cqworker.model.unique import Unique


def body_of(job: NewJob, *, with_key: bool = False) -> bytes:
    """The job as POST /jobs takes it, or with its key as a batch does. Raises SubmissionRefused for what is no JSON."""
    if not isinstance(job, NewJob):
        raise SubmissionRefused(f'A {type(job).__name__} is no job: write NewJob("acme.greet", {{"name": "Ada"}}).')
    _check_types(job)
    optional = {
        "queue": job.queue,
        "delay_seconds": _whole_seconds(job.delay) or None,
        "run_at": None if job.run_at is None else _time_text(job.run_at),
        "metadata": dict(job.metadata) or None,
        "tags": list(job.tags) or None,
        "max_attempts": job.max_attempts,
        "priority": job.priority,
        "limit_key": job.limit_key,
        "unique": None if job.unique is None else _unique_body(job.unique),
        "on_duplicate": None if job.on_duplicate == "return" else job.on_duplicate,
        "debounce_seconds": _whole_seconds(job.debounce) or None,
        "max_wait_seconds": None if job.max_wait is None else _whole_seconds(job.max_wait),
        "idempotency_key": job.key if with_key else None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    try:
        body = _compact({"type": job.type, "payload": job.payload, **given})
        read_object(body)
    except (NotStrictJson, TypeError, ValueError, RecursionError) as error:
        raise SubmissionRefused(f"The job of type {job.type!r} cannot be written as JSON: {error}") from error
    return body


def _unique_body(unique: Unique) -> dict[str, object]:
    by = list(unique.by) if isinstance(unique.by, tuple) else unique.by
    said = {"by": by, "scope": unique.scope, "window_seconds": unique.window or None}
    return {name: value for name, value in said.items() if value is not None}


def reschedule_body(run_at: datetime | None, delay: float | timedelta | None, reason: str) -> bytes:
    """The new time of a job as POST /jobs/{id}/reschedule takes it. Raises SubmissionRefused for what is none."""
    usage = "reschedule() takes run_at, a datetime with a time zone, or delay, seconds from now or a timedelta"
    _require((run_at is None) != (delay is None), f"{usage}: give one of them")
    _check_run_at(run_at)
    _require(isinstance(reason, str), f"reason takes a text, not {reason!r}")
    asked: dict[str, object] = {} if run_at is None else {"run_at": _time_text(run_at)}
    if delay is not None:
        _check_delay(delay)
        asked["delay_seconds"] = _whole_seconds(delay)
    try:
        return _compact(asked | ({"reason": reason} if reason else {}))
    except ValueError as error:
        raise SubmissionRefused(f"That time cannot be written as JSON: {error}.") from error


def reprioritise_body(priority: str | int, reason: str) -> bytes:
    """The level of a job as POST /jobs/{id}/priority takes it. Raises SubmissionRefused for what is none."""
    _check_priority(priority)
    _require(isinstance(reason, str), f"reason takes a text, not {reason!r}")
    return _compact({"priority": priority} | ({"reason": reason} if reason else {}))


def _check_priority(priority: object) -> None:
    _require(
        isinstance(priority, str | int) and not isinstance(priority, bool),
        f'priority takes a level of the queue, such as "high", or a number from 0 to 9: not {priority!r}',
    )


def _check_run_at(run_at: Any) -> None:
    if isinstance(run_at, datetime) and run_at.utcoffset() is None:
        raise SubmissionRefused(
            f"run_at has no time zone, so that nobody knows when {run_at} is: write datetime.now(UTC) + …, or "
            'datetime(2026, 12, 3, 9, tzinfo=ZoneInfo("Europe/Berlin")).'
        )
    _require(
        isinstance(run_at, datetime | None),
        f"run_at takes a datetime with a time zone, not a {type(run_at).__name__}"
        + (": delay takes what is from now on" if isinstance(run_at, int | float | timedelta) else "")
        + (": write datetime.fromisoformat(…)" if isinstance(run_at, str) else ""),
    )


def _check_delay(delay: Any) -> None:
    _require(
        isinstance(delay, int | float | timedelta),
        f"delay takes seconds from now or a timedelta, not a {type(delay).__name__}"
        + (": that is run_at=" if isinstance(delay, datetime) else ""),
    )


def _time_text(moment: datetime) -> str:
    """The time as the API takes it: a part of a minute in an offset, which only old zones have, is no more there."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _check_types(job: Any) -> None:
    """Raises SubmissionRefused for what a type checker would have found; the daemon could only guess what was meant."""
    _require(
        isinstance(job.type, str),
        f'The type of a job is a text, the name of its handler\'s entry point, such as "acme.greet": not {job.type!r}',
    )
    _require(
        isinstance(job.key, str | None),
        f'key takes a text, not {job.key!r}: write key="{job.key}"',
    )
    _check_delay(job.delay)
    _check_run_at(job.run_at)
    _require(
        job.run_at is None or not job.delay,
        "A job starts at run_at or after a delay: give one of them",
    )
    if job.priority is not None:
        _check_priority(job.priority)
    _require(
        isinstance(job.limit_key, str | None),
        f'limit_key takes a text, not {job.limit_key!r}: write limit_key="{job.limit_key}"',
    )
    _require(
        isinstance(job.unique, Unique | None),
        f'unique takes a cqworker.Unique, such as Unique(["order_id"]): not {job.unique!r}',
    )
    _require(
        isinstance(job.metadata, Mapping),
        f'metadata takes texts by name, such as {{"order": "42"}}: not {job.metadata!r}',
    )
    _require(
        isinstance(job.tags, list | tuple | set | frozenset),
        f'tags takes a list of texts, such as ["urgent"]: not {job.tags!r}',
    )


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SubmissionRefused(f"{otherwise}.")


def _whole_seconds(delay: float | timedelta) -> float:
    """Seconds, of a timedelta whole ones, as the API takes them: rather a moment later than too early."""
    return math.ceil(delay.total_seconds()) if isinstance(delay, timedelta) else delay


def _compact(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_to_plain).encode()


def _to_plain(value: object) -> object:
    """What json does not know by itself: pydantic models and dataclasses."""
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} is no JSON; give plain data, a pydantic model or a dataclass")
