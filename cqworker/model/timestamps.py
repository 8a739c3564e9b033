"""Times as people and RFC 3339 write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def rfc3339(ms: int) -> str:
    """Epoch milliseconds as an RFC 3339 UTC time, such as 2026-11-22T22:33:09.120Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_of(ms: int) -> str:
    """The UTC day of epoch milliseconds, such as 2026-11-22."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def seconds_of(span: float | timedelta) -> float:
    """A span of time in seconds, whichever way it was written; what is no timedelta comes back as it is."""
    return span.total_seconds() if isinstance(span, timedelta) else span
