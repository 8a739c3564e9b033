"""What limits do: frozen records like those of cqworker.events."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Holder = Literal["token", "tenant"]


class SubmissionsLimited(Struct, frozen=True, kw_only=True):
    """So many submissions were refused: with them a token or a tenant would have gone beyond its rate."""

    limit: Holder
    name: str
    count: int
