"""Times as people and RFC 3339 write them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(ms: int) -> str:
    """Epoch milliseconds as an RFC 3339 UTC time, such as 2026-11-22T22:33:09.120Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_of(ms: int) -> str:
    """The UTC day of epoch milliseconds, such as 2026-11-22."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
