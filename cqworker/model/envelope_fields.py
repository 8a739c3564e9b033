"""The fields of a message body, each read with care: what is wrong with one is said in words that are safe to log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

import orjson

from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_TAG, MAX_TAGS, UNIQUE_PATTERN, is_queue_name, metadata_fault
from cqworker.model.limits import Woken
from cqworker.model.priorities import PRIORITIES, stored_priority
from cqworker.model.rates import NARROW_FIRST, Admitted
from cqworker.model.tenants import tenant_fault

MAX_WOKEN = 256
"""Characters of a limited key, that of a job's own has its tenant and a hash, and of a claim's token."""
MAX_CLOCK_LEAD_MS = 3_600_000
"""Milliseconds, an hour: so far may the clock of whoever made a job be ahead of SQS's."""
AttemptsOf = Callable[[str], int]
"""How many attempts a job of this type has unless it says so itself."""


class NotAnEnvelope(ValueError):
    """The text is no message of ours; the reason is safe to log."""


class NewerEnvelope(ValueError):
    """The message is ours, of a version that only a newer worker understands."""


def are_strings(values: Collection[Any]) -> bool:
    """Whether each of these is a text."""
    return not values or all(isinstance(value, str) for value in values)


def are_tags(tags: Collection[str]) -> bool:
    """Whether these are as many tags, and as long, as a job may have."""
    return len(tags) <= MAX_TAGS and all(1 <= len(tag) <= MAX_TAG for tag in tags)


def string_in(body: dict[str, Any], name: str, longest: int) -> str:
    """The text of that name. Raises NotAnEnvelope where it is none of 1 to `longest` characters."""
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise NotAnEnvelope(f"{name} is no string of 1 to {longest} characters")
    return value


def count_in(body: dict[str, Any], name: str, most: int) -> int:
    """The whole number of that name. Raises NotAnEnvelope where it is none from 1 to `most`."""
    value = body.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 10.0 and 1e1 are whole numbers to many that write JSON
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise NotAnEnvelope(f"{name} is no whole number from 1 to {most}")
    return value


def queue_name(value: object) -> str:
    """The name of a queue. Raises NotAnEnvelope for what is none."""
    if not isinstance(value, str) or not is_queue_name(value):
        raise NotAnEnvelope("queue is no name of 1 to 80 letters, digits, - and _")
    return value


def tenant_name(value: object) -> str:
    """The name of a tenant. Raises NotAnEnvelope for what is none."""
    if not isinstance(value, str):
        raise NotAnEnvelope("tenant is no string")
    if (fault := tenant_fault(value)) is not None:
        raise NotAnEnvelope(f"tenant {fault}")
    return value


def priority_in(value: object) -> str | None:
    """The level, as it is stored. Raises NotAnEnvelope for what is none."""
    if not isinstance(value, str) or value not in PRIORITIES:
        raise NotAnEnvelope(f"priority is none of {', '.join(PRIORITIES)}")
    return stored_priority(value)


def attempts_for(job_type: str, attempts_of: AttemptsOf | None) -> int:
    """The attempts of a job that does not say how many. Raises NotAnEnvelope where nobody knows its type."""
    if attempts_of is None:
        raise NotAnEnvelope("max_attempts is missing")
    return attempts_of(job_type)


def creation_time(stated: int | None, sent_at: int | None) -> int:
    """As stated, but no later than SQS had the message, clocks apart: anybody may write anything into a body.

    Raises NotAnEnvelope where neither is known.
    """
    made_at = sent_at if stated is None else stated
    if made_at is None:
        raise NotAnEnvelope("created_at is missing")
    return made_at if sent_at is None or made_at <= sent_at + MAX_CLOCK_LEAD_MS else sent_at


def admitted_in(body: dict[str, Any], latest: int) -> Admitted | None:
    """The moment that an attempt has under its rates, or None. Raises NotAnEnvelope for what is none."""
    said = body.get("admitted")
    if said is None:
        return None
    if not isinstance(said, dict):
        raise NotAnEnvelope("admitted is no attempt and its time")
    attempt, time, up_to = count_in(said, "attempt", MAX_ATTEMPTS), count_in(said, "time", latest), said.get("up_to")
    if up_to is not None and up_to not in NARROW_FIRST:
        raise NotAnEnvelope(f"admitted.up_to is none of {', '.join(NARROW_FIRST)}")
    return Admitted(attempt, time, up_to)


def woken_in(body: dict[str, Any]) -> Woken | None:
    """The limit that a copy was woken for, or None. Raises NotAnEnvelope for what is none."""
    said = body.get("woken")
    if said is None:
        return None
    if not isinstance(said, dict):
        raise NotAnEnvelope("woken is no limit and the token of a claim")
    return Woken(string_in(said, "key", MAX_WOKEN), string_in(said, "token", MAX_WOKEN))


def checked_size(metadata: dict[str, str]) -> dict[str, str]:
    """The metadata itself. Raises NotAnEnvelope where it is too large."""
    if metadata and (fault := metadata_fault(metadata)) is not None:
        raise NotAnEnvelope(f"metadata is too large: {fault}")
    return metadata


def json_text(payload: Any) -> str:
    """The payload as it is stored; the parser takes deeper nesting than the writer. Raises NotAnEnvelope."""
    try:
        return orjson.dumps(payload).decode()
    except orjson.JSONEncodeError as error:
        if "64-bit" in str(error):
            return _json_text_of_long_numbers(payload)
        raise NotAnEnvelope("the payload is nested too deeply") from error


def _json_text_of_long_numbers(payload: Any) -> str:
    """The same with whole numbers beyond 64 bits, every digit of them."""
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (RecursionError, ValueError) as error:
        raise NotAnEnvelope("the payload is nested too deeply") from error


def unique_in(body: dict[str, Any]) -> str | None:
    """The unique key and its scope, or None. Raises NotAnEnvelope where it is no such text."""
    value = body.get("unique")
    if value is None:
        return None
    if not isinstance(value, str) or re.search(UNIQUE_PATTERN, value) is None:
        raise NotAnEnvelope("unique is no scope with the hash of a key")
    return value
