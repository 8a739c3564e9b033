"""Times as people and RFC 3339 write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

RFC3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
"""A time as it is taken from outside: RFC 3339 with its zone, without which nobody knows when it is."""


def rfc3339(ms: int) -> str:
    """Epoch milliseconds as an RFC 3339 UTC time, such as 2026-11-22T22:33:09.120Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms_of(text: str) -> int:
    """An RFC 3339 time as epoch milliseconds; raises ValueError, whose text says what to write instead."""
    if re.match(RFC3339, text) is None:
        raise ValueError("a time is written with its zone, as 2026-12-24T18:00:00Z or 2026-12-24T18:00:00+01:00")
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError("there is no such day or time") from None


def day_of(ms: int) -> str:
    """The UTC day of epoch milliseconds, such as 2026-11-22."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def seconds_of(span: float | timedelta) -> float:
    """A span of time in seconds, whichever way it was written; what is no timedelta comes back as it is."""
    return span.total_seconds() if isinstance(span, timedelta) else span
