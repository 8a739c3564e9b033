"""What can happen to the two event loops, the main one and the handlers', as frozen records."""

from __future__ import annotations

from msgspec import Struct


class HandlerLoopBlocked(Struct, frozen=True, kw_only=True):
    """The handlers' loop has not turned for so many seconds: `jobs` are the ids of those that may be blocking it.

    `type` is theirs, "" when they have several; `at` is the line where the loop stands, "" when that is not known.
    """

    seconds: float
    jobs: tuple[str, ...]
    type: str = ""
    at: str = ""


class HandlerLoopProbed(Struct, frozen=True, kw_only=True):
    """The handlers' loop answered a probe `lag` seconds late."""

    lag: float


class MainLoopProbed(Struct, frozen=True, kw_only=True):
    """The main loop came `lag` seconds late to what was due."""

    lag: float


class MainLoopBlocked(Struct, frozen=True, kw_only=True):
    """The main loop did not turn for so many seconds: leases, polls and HTTP waited."""

    seconds: float
