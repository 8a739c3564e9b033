"""What can happen to those who submit too often, as frozen records like those of cqworker.events."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LimitedBy = Literal["token", "tenant", "schedule"]
"""Whose rate it was; "schedule" is a tenant's for jobs that start later than in 15 minutes."""


class SubmissionsLimited(Struct, frozen=True, kw_only=True):
    """So many submissions were refused: with them a token or a tenant would have gone beyond its rate."""

    limit: LimitedBy
    name: str
    count: int
