"""W3C Trace Context: the `traceparent` that follows a job from its request to its handler."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from msgspec import Struct

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
CACHE_SIZE = 1024
"""Answers that are remembered by each function: the same few are asked for several times while a job runs."""
_NO_TRACE = "0" * 32
_NO_PARENT = "0" * 16


class TraceParent(Struct, frozen=True):
    """A valid `traceparent` of version 00, taken apart (W3C Trace Context, section 3.2).

    `trace_id` and `parent_id` are 32 and 16 hexadecimal digits; of `flags` the lowest bit says "sampled".
    """

    trace_id: str
    parent_id: str
    flags: int


@lru_cache(maxsize=CACHE_SIZE)
def parse_traceparent(traceparent: str | None) -> TraceParent | None:
    """The parts of a traceparent; None where it is absent, malformed, of another version, or names an all-zero id."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None or found[1] == _NO_TRACE or found[2] == _NO_PARENT:
        return None
    return TraceParent(found[1], found[2], int(found[3], 16))


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id of a valid traceparent, else None."""
    parsed = parse_traceparent(traceparent)
    return parsed.trace_id if parsed else None


@lru_cache(maxsize=CACHE_SIZE)
def derived_trace_id(job_id: str) -> str:
    """The trace id of a job that came without one: its UUID's digits, or 32 hex digits of its SHA-256."""
    if _UUID.fullmatch(job_id):
        digits = job_id.replace("-", "").lower()
        if digits != _NO_TRACE:
            return digits
    return _sha256(job_id)[:32]


def trace_id_for(job_id: str, traceparent: str | None) -> str:
    """The trace id a job is known by: the given traceparent's where that is valid, else the derived one."""
    return trace_id_of(traceparent) or derived_trace_id(job_id)


def traceparent_for(job_id: str, traceparent: str | None) -> str:
    """The given traceparent where it is valid, else one derived from the job id, always the same, not sampled."""
    if traceparent and parse_traceparent(traceparent):
        return traceparent
    return f"00-{derived_trace_id(job_id)}-{_sha256(job_id)[32:48]}-00"


def _sha256(job_id: str) -> str:
    return hashlib.sha256(job_id.encode("utf-8", "surrogatepass")).hexdigest()
